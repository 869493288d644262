"""uv.lock: what `uv sync` installs of a project or a workspace on the image's platform."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.markers import Marker
from packaging.utils import canonicalize_name

from mlstack.errors import UsageError
from mlstack.images.installed import Project, environment, refuse_unfetchable, toml

Package = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    """Where the walk over a lock begins."""

    members: tuple[Package, ...]
    groups: tuple[str, ...]
    edges: tuple[dict[str, Any], ...] = ()
    """Of a workspace whose root is no project: what its own groups ask for."""


def read_lock(
    directory: Path, settings: dict[str, Any], lock: dict[str, Any], python: str, package: str | None
) -> Project:
    """`settings`: pyproject.toml beside the lock. Raises UsageError for what cannot be installed in an image."""
    file = directory / "uv.lock"
    packages: list[Package] = lock.get("package", [])
    local = [each for each in packages if place(each) is not None]
    for each in local:
        where = PurePosixPath(place(each) or "")
        if where.is_absolute() or ".." in where.parts:
            raise UsageError(
                f"{file}: {each['name']} comes from {where}, outside of {directory}",
                hint="an image sees its directory alone: run this in the one that holds both",
            )
    named = set(lock.get("manifest", {}).get("members", ())) or {each["name"] for each in local}
    members = [each for each in local if each["name"] in named]
    root = next((each for each in members if place(each) == "."), None)
    chosen = _chosen(directory, settings, lock, members, root, package)
    reached = _reached(packages, chosen, python)
    sources = {each["name"]: str(each["source"]["git"]) for each in reached if "git" in each.get("source", {})}
    for name, url in sources.items():
        refuse_unfetchable(name, url, str(file))
    installed = {each["name"] for each in (*reached, *chosen.members)}
    return Project(
        kind="uv",
        directory=directory,
        files=("pyproject.toml", "uv.lock"),
        versions={canonicalize_name(each["name"]): each.get("version") for each in reached},
        installs=any("virtual" not in each["source"] for each in local if each["name"] in installed),
        git=tuple(sorted(sources)),
        package=package,
        adds_to=package or (None if root else _of_zenml(members)),
        left_out=tuple(sorted(named - installed)) if root and package is None else (),
    )


def place(package: Package) -> str | None:
    """The directory that a package of uv.lock lies in, or None when it comes from elsewhere."""
    source = package.get("source", {})
    return next((str(source[each]) for each in ("editable", "virtual", "directory", "path") if each in source), None)


def _chosen(
    directory: Path,
    settings: dict[str, Any],
    lock: dict[str, Any],
    members: list[Package],
    root: Package | None,
    package: str | None,
) -> _Chosen:
    """The member that was asked for, else the project, else all members: as `uv sync` chooses."""
    if package is not None:
        found = next((each for each in members if each["name"] == canonicalize_name(package)), None)
        if found is None:
            known = ", ".join(sorted(each["name"] for each in members)) or "none"
            raise UsageError(
                f"--package is {package!r}, no member of {directory / 'uv.lock'}", hint=f"members: {known}"
            )
        own = settings if found is root else toml(directory / (place(found) or "") / "pyproject.toml")
        return _Chosen(members=(found,), groups=_groups(own, [found.get("dev-dependencies", {})]))
    if root is not None:
        return _Chosen(members=(root,), groups=_groups(settings, [root.get("dev-dependencies", {})]))
    held = lock.get("manifest", {}).get("dependency-groups", {})
    groups = _groups(settings, [held, *(each.get("dev-dependencies", {}) for each in members)])
    return _Chosen(
        members=tuple(members), groups=groups, edges=tuple(edge for group in groups for edge in held.get(group, ()))
    )


def _groups(settings: dict[str, Any], held: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """Those that are installed unasked, but for dev, which --no-dev leaves out."""
    wanted = settings.get("tool", {}).get("uv", {}).get("default-groups", [])
    names = {name for each in held for name in each} if wanted == "all" else set(wanted)
    return tuple(sorted(names - {"dev"}))


def _reached(packages: list[Package], chosen: _Chosen, python: str) -> list[Package]:
    """What is installed beside the chosen members, each as the lock has it."""
    markers = environment(python)
    by_name: dict[str, list[Package]] = {}
    for each in packages:
        by_name.setdefault(each["name"], []).append(each)
    found: dict[tuple[str, str | None], Package] = {}
    seen: set[tuple[str, str | None, str]] = set()
    waiting = list(chosen.edges)
    for member in chosen.members:
        waiting += member.get("dependencies", ())
        for group in chosen.groups:
            waiting += member.get("dev-dependencies", {}).get(group, ())
    while waiting:
        edge = waiting.pop()
        if (marker := edge.get("marker")) and not Marker(marker).evaluate(markers):
            continue
        for package in by_name.get(edge["name"], ()):
            if edge.get("version") not in (None, package.get("version")):
                continue
            found[package["name"], package.get("version")] = package
            for extra in (None, *edge.get("extra", ())):
                key = (package["name"], package.get("version"), extra or "")
                if key not in seen:
                    seen.add(key)
                    optional = package.get("optional-dependencies", {}).get(extra, ()) if extra else ()
                    waiting += package.get("dependencies", ()) if extra is None else optional
    return list(found.values())


def _of_zenml(members: list[Package]) -> str | None:
    """The member that needs ZenML already, else the first."""
    names = sorted(each["name"] for each in members)
    needs = (each["name"] for each in members if any(edge["name"] == "zenml" for edge in each.get("dependencies", ())))
    return next((name for name in names if name in set(needs)), names[0] if names else None)
