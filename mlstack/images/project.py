"""The project that an image is made of: with uv.lock or requirements.txt, and which versions that installs."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from mlstack.errors import UsageError

_PYTHON = re.compile(r"(?:cpython-)?(3\.\d+)")
_INCLUDED = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]?\s*(\S+)")
_LOCAL = re.compile(r"(?:-e\b|--editable\b|\.{0,2}/|\.\s*(?:\[|$)|file:)")


@dataclass(frozen=True, kw_only=True)
class Project:
    kind: Literal["uv", "pip"]
    directory: Path
    files: tuple[str, ...]
    """What the installation reads, relative to the directory."""
    versions: dict[str, str | None]
    """By canonical name what the image gets; None where only the installation decides."""
    hashed: bool = True
    installs: bool = False
    """Whether the project or a member of its workspace is a package itself."""

    def has(self, requirement: Requirement) -> bool | None:
        """Whether the image gets a version that satisfies it; None when that is open."""
        name = canonicalize_name(requirement.name)
        if name not in self.versions:
            return False
        version = self.versions[name]
        return None if version is None else requirement.specifier.contains(version, prereleases=True)


def read(directory: Path, python: str) -> Project:
    """Raises UsageError where nothing is locked, or the lock cannot be installed from what is in the directory."""
    if not directory.is_dir():
        raise UsageError(f"{directory} is no directory", hint="name the one that holds the code: mlstack image init .")
    pyproject = directory / "pyproject.toml"
    settings = _toml(pyproject) if pyproject.is_file() else {}
    _check_python(settings, python, pyproject)
    if (lock := directory / "uv.lock").is_file():
        if not settings:
            raise UsageError(f"{lock} has no pyproject.toml beside it", hint="name the directory of the project")
        try:
            return _uv(directory, settings, _toml(lock), python)
        except (AttributeError, InvalidMarker, KeyError, TypeError) as error:
            raise UsageError(f"{lock} is no lock as uv writes it: {error!r}", hint="write it anew: uv lock") from None
    if (directory / "requirements.txt").is_file():
        return _pip(directory, python)
    if settings:
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


def _uv(directory: Path, settings: dict[str, Any], lock: dict[str, Any], python: str) -> Project:
    packages: list[dict[str, Any]] = lock.get("package", [])
    local = [each for each in packages if _place(each) is not None]
    for each in local:
        place = PurePosixPath(_place(each) or "")
        if place.is_absolute() or ".." in place.parts:
            raise UsageError(
                f"{directory / 'uv.lock'}: {each['name']} comes from {place}, outside of {directory}",
                hint="an image sees its directory alone: run this in the one that holds both",
            )
    root = next((each for each in local if _place(each) == "."), None)
    groups = settings.get("tool", {}).get("uv", {}).get("default-groups", [])
    groups = list(root.get("dev-dependencies", {})) if root and groups == "all" else groups
    return Project(
        kind="uv",
        directory=directory,
        files=("pyproject.toml", "uv.lock"),
        versions=_locked(packages, root, [each for each in groups if each != "dev"], python) if root else {},
        installs=any("virtual" not in each["source"] for each in local),
    )


def _place(package: dict[str, Any]) -> str | None:
    """The directory that a package of uv.lock lies in, or None when it comes from elsewhere."""
    source = package.get("source", {})
    return next((str(source[each]) for each in ("editable", "virtual", "directory", "path") if each in source), None)


def _locked(
    packages: list[dict[str, Any]], root: dict[str, Any], groups: list[str], python: str
) -> dict[str, str | None]:
    """What `uv sync --no-dev` installs of a lock on the image's platform."""
    environment = _environment(python)
    by_name: dict[str, list[dict[str, Any]]] = {}
    for each in packages:
        by_name.setdefault(each["name"], []).append(each)
    found: dict[str, str | None] = {}
    seen: set[tuple[str, str | None, str]] = set()
    waiting = [*root.get("dependencies", ())]
    for group in groups:
        waiting += root.get("dev-dependencies", {}).get(group, ())
    while waiting:
        edge = waiting.pop()
        if (marker := edge.get("marker")) and not Marker(marker).evaluate(environment):
            continue
        for package in by_name.get(edge["name"], ()):
            if edge.get("version") not in (None, package.get("version")):
                continue
            found[canonicalize_name(package["name"])] = package.get("version")
            for extra in (None, *edge.get("extra", ())):
                key = (package["name"], package.get("version"), extra or "")
                if key not in seen:
                    seen.add(key)
                    optional = package.get("optional-dependencies", {}).get(extra, ()) if extra else ()
                    waiting += package.get("dependencies", ()) if extra is None else optional
    return found


def _pip(directory: Path, python: str) -> Project:
    environment = _environment(python)
    files: list[str] = []
    versions: dict[str, str | None] = {}
    hashes = False
    waiting = ["requirements.txt"]
    while waiting:
        name = waiting.pop(0)
        if name in files:
            continue
        files.append(name)
        for number, line in _lines(directory, name):
            place = f"{directory / name}, line {number}"
            hashes = hashes or "--hash=" in line
            if included := _INCLUDED.match(line):
                waiting.append(_inside(directory, name, included[1], place))
            elif _LOCAL.match(line):
                raise UsageError(
                    f"{place}: {line!r} installs from this directory, and the image installs before it has the code",
                    hint="leave the line out: the code itself is in the image, at /app",
                )
            elif not line.startswith("-"):
                requirement = _requirement(line, place)
                if requirement.marker is None or requirement.marker.evaluate(environment):
                    exact = [each.version for each in requirement.specifier if each.operator in ("==", "===")]
                    version = exact[0] if len(exact) == 1 and "*" not in exact[0] else None
                    versions[canonicalize_name(requirement.name)] = version
    return Project(kind="pip", directory=directory, files=tuple(files), versions=versions, hashed=hashes)


def _lines(directory: Path, name: str) -> Iterator[tuple[int, str]]:
    """Of a requirements file: without comments, what goes on over a backslash as one, with the first one's number."""
    try:
        text = (directory / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{directory / name} cannot be read: {error}", hint="requirements.txt names it") from None
    begun, whole = 0, ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = re.sub(r"(?:^|\s)#.*$", "", raw).strip()
        begun = begun if whole else number
        whole = f"{whole} {line.removesuffix(chr(92))}".strip()
        if not line.endswith(chr(92)):
            if whole:
                yield begun, whole
            whole = ""
    if whole:
        yield begun, whole


def _inside(directory: Path, name: str, included: str, place: str) -> str:
    path = PurePosixPath(name).parent / included
    if path.is_absolute() or ".." in path.parts or not (directory / path).is_file():
        raise UsageError(f"{place}: {included} is no file in {directory}", hint="an image sees its directory alone")
    if path.parent != PurePosixPath("."):
        # One COPY puts all files side by side.
        raise UsageError(f"{place}: {included} is in a directory of its own", hint="put it beside requirements.txt")
    return str(path)


def _requirement(line: str, place: str) -> Requirement:
    try:
        return Requirement(re.split(r"\s--", line, maxsplit=1)[0].strip())
    except InvalidRequirement as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"{place}: {line!r} is no requirement: {first}", hint="such as zenml==0.98.0") from None


def _environment(python: str) -> dict[str, str]:
    """Of markers, in the image."""
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "extra": "",
    }


def _check_python(settings: dict[str, Any], python: str, file: Path) -> None:
    wanted = settings.get("project", {}).get("requires-python")
    try:
        fits = wanted is None or SpecifierSet(str(wanted)).contains(f"{python}.99")
    except InvalidSpecifier:
        raise UsageError(f"{file}: requires-python is {wanted!r}", hint='such as requires-python = ">=3.11"') from None
    if not fits:
        raise UsageError(f"{file} wants Python {wanted}, the image has {python}", hint="choose another with --python")


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}", hint="mend it, or write it anew: uv lock") from None
