"""The project that an image is made of: with uv.lock or requirements.txt, and which versions that installs."""

import re
from pathlib import Path
from typing import Any

from packaging.markers import InvalidMarker
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from mlstack.errors import UsageError
from mlstack.images.installed import Project, toml
from mlstack.images.requirements_txt import read_requirements
from mlstack.images.uv_lock import place, read_lock

__all__ = ["UV", "Project", "default_python", "read"]

# What requirements.txt of MLStack locks: the uv that installs in the image.
UV = "0.13.9"

_PYTHON = re.compile(r"(?:cpython-)?(3\.\d+)")


def read(directory: Path, python: str, package: str | None = None) -> Project:
    """`package`: the one member of a uv workspace that the image is for.

    Raises UsageError where nothing is locked, or the lock cannot be installed from what is in the directory.
    """
    if not directory.is_dir():
        raise UsageError(f"{directory} is no directory", hint="name the one that holds the code: mlstack image init .")
    pyproject = directory / "pyproject.toml"
    settings = toml(pyproject) if pyproject.is_file() else {}
    _check_python(settings, python, pyproject)
    if (lock := directory / "uv.lock").is_file():
        if not settings:
            raise UsageError(f"{lock} has no pyproject.toml beside it", hint="name the directory of the project")
        _check_uv(settings, pyproject)
        try:
            locked = toml(lock)
            _check_python({"project": locked}, python, lock)
            return read_lock(directory, settings, locked, python, package)
        except (AttributeError, InvalidMarker, KeyError, TypeError) as error:
            raise UsageError(f"{lock} is no lock as uv writes it: {error!r}", hint="write it anew: uv lock") from None
    if package is not None:
        raise UsageError(f"--package is {package!r}, and {directory} has no uv.lock", hint="leave it away")
    if (directory / "requirements.txt").is_file():
        return read_requirements(directory, python)
    if settings:
        _refuse_member(directory.resolve(), settings)
        raise UsageError(
            f"{pyproject} is not locked: each build would install what is newest that day",
            hint=f"uv lock --directory {directory}, or without uv for the image: "
            "uv pip compile pyproject.toml --generate-hashes -o requirements.txt",
        )
    raise UsageError(
        f"{directory} holds neither uv.lock nor requirements.txt", hint="uv init && uv add zenml, or write one of them"
    )


def default_python(directory: Path) -> str:
    """Of .python-version, as `3.12`; 3.11 where there is none."""
    file = directory / ".python-version"
    found = _PYTHON.match(file.read_text(encoding="utf-8").strip()) if file.is_file() else None
    return found[1] if found else "3.11"


def _check_python(settings: dict[str, Any], python: str, file: Path) -> None:
    wanted = settings.get("project", {}).get("requires-python")
    try:
        fits = wanted is None or SpecifierSet(str(wanted)).contains(f"{python}.99")
    except InvalidSpecifier:
        raise UsageError(f"{file}: requires-python is {wanted!r}", hint='such as requires-python = ">=3.11"') from None
    if not fits:
        raise UsageError(f"{file} wants Python {wanted}, the image has {python}", hint="choose another with --python")


def _check_uv(settings: dict[str, Any], file: Path) -> None:
    wanted = settings.get("tool", {}).get("uv", {}).get("required-version")
    try:
        fits = wanted is None or SpecifierSet(f"=={wanted}" if wanted[:1].isdecimal() else wanted).contains(UV)
    except (InvalidSpecifier, TypeError):
        raise UsageError(f"{file}: tool.uv.required-version is {wanted!r}", hint=f'such as ">={UV}"') from None
    if not fits:
        raise UsageError(
            f"{file} wants uv {wanted}, the image installs with {UV}", hint="widen tool.uv.required-version"
        )


def _refuse_member(directory: Path, settings: dict[str, Any]) -> None:
    """Raises UsageError in a member of a workspace: what it installs is locked above it."""
    name = settings.get("project", {}).get("name")
    for above in directory.parents:
        if (above / "uv.lock").is_file() and (above / "pyproject.toml").is_file():
            lies = directory.relative_to(above).as_posix()
            if any(place(each) == lies for each in toml(above / "uv.lock").get("package", ())):
                raise UsageError(
                    f"{directory} is a member of the workspace in {above}, whose uv.lock it shares",
                    hint=f"mlstack image init {above} --package {name}",
                )
