"""requirements.txt, with the files that it includes, as pip reads them."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from mlstack.errors import UsageError
from mlstack.images.installed import Project, environment, refuse_unfetchable

_INCLUDED = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]?\s*(\S+)")
_LOCAL = re.compile(r"(?:-e\b|--editable\b|\.{0,2}/|\.\s*(?:\[|$)|file:)")
_VERSIONED = re.compile(r"(git|hg|svn|bzr)\+(\S+)")


def read_requirements(directory: Path, python: str) -> Project:
    """Raises UsageError for what cannot be installed before the code is there, or not at all in a build."""
    markers = environment(python)
    limits: dict[str, str | None] = {}
    versions: dict[str, str | None] = {}
    git: dict[str, str] = {}
    files: list[str] = []
    hashes = False
    waiting = [("requirements.txt", False)]
    while waiting:
        name, limiting = waiting.pop(0)
        if name in files:
            continue
        files.append(name)
        for number, line in _lines(directory, name):
            place = f"{directory / name}, line {number}"
            hashes = hashes or "--hash=" in line
            if included := _INCLUDED.match(line):
                file = _inside(directory, name, included[1], place)
                waiting.append((file, limiting or line.startswith(("-c", "--constraint"))))
            elif _LOCAL.match(line):
                raise _local(line, place)
            elif not line.startswith("-"):
                requirement = _requirement(line, place)
                if requirement.marker is not None and not requirement.marker.evaluate(markers):
                    continue
                if requirement.url and not limiting:
                    git |= _fetched(requirement, line, place)
                exact = [each.version for each in requirement.specifier if each.operator in ("==", "===")]
                version = exact[0] if len(exact) == 1 and "*" not in exact[0] else None
                (limits if limiting else versions)[canonicalize_name(requirement.name)] = version
    if hashes and git:
        name, place = next(iter(git.items()))
        raise UsageError(
            f"{place}: {name} is fetched from git, which has no hash, and pip wants one of everything where one has it",
            hint="install it from a package index, or leave all hashes out",
        )
    return Project(
        kind="pip",
        directory=directory,
        files=tuple(files),
        # A constraint installs nothing.
        versions={name: version or limits.get(name) for name, version in versions.items()},
        hashed=hashes,
        git=tuple(sorted(git)),
    )


def _local(line: str, place: str) -> UsageError:
    return UsageError(
        f"{place}: {line!r} installs from this directory, and the image installs before it has the code",
        hint="leave the line out: the code itself is in the image, at /app",
    )


def _fetched(requirement: Requirement, line: str, place: str) -> dict[str, str]:
    """By name where it stands, when it comes from a git repository. Raises UsageError for what no build can fetch."""
    url = str(requirement.url)
    if url.startswith("file:"):
        raise _local(line, place)
    system = _VERSIONED.match(url)
    if system is None:
        return {}
    if system[1] != "git":
        raise UsageError(
            f"{place}: {requirement.name} is fetched with {system[1]}, which no image of `mlstack image init` has",
            hint="install it from a package index, or from git",
        )
    refuse_unfetchable(requirement.name, system[2], place)
    return {requirement.name: place}


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
