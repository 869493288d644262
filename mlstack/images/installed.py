"""What an image gets of a project's dependencies, and by which files."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mlstack.errors import UsageError


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
    git: tuple[str, ...] = ()
    """What is fetched from a git repository, for which the installation needs git."""
    package: str | None = None
    """The one member of a uv workspace that is installed."""
    adds_to: str | None = None
    """The member that takes what is missing; None where the project itself does."""
    left_out: tuple[str, ...] = ()
    """Members of the workspace that are not installed."""

    def has(self, requirement: Requirement) -> bool | None:
        """Whether the image gets a version that satisfies it; None when that is open."""
        name = canonicalize_name(requirement.name)
        if name not in self.versions:
            return False
        version = self.versions[name]
        return None if version is None else requirement.specifier.contains(version, prereleases=True)


def environment(python: str) -> dict[str, str]:
    """Of markers, on the image's platform."""
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


def toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}", hint="mend it, or write it anew: uv lock") from None


def refuse_unfetchable(name: str, url: str, place: str) -> None:
    """Raises UsageError for a repository that no build can fetch from: it has no key, and sees the context alone."""
    if not url.startswith(("https://", "http://")):
        raise UsageError(
            f"{place}: {name} is fetched from {url}: a build has neither a key for ssh nor what lies on this machine",
            hint="name it by https where it can be read without credentials, or install it from a package index",
        )
