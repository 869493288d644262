"""Finds the Pulumi engine, or gets it: installed, official release, or built from its pinned Go modules."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlstack.errors import MLStackError

MINIMUM = "3.256.0"
"""Also `requiredPulumiVersion` in Pulumi.yaml."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Engine:
    bin: Path
    """Directory with `pulumi` and its Python language host; goes first on PATH."""
    version: str
    origin: Literal["path", "release", "go"]


class EngineError(MLStackError):
    """No engine, and no way to get one."""


def find_engine(progress: Progress) -> Engine:
    """The engine to use. The first time this may take minutes; what was got is kept in the user's cache.

    Raises EngineError with the ways out.
    """
    from mlstack.local.engine import cache, go_modules, installed, release

    if found := installed.on_path(progress):
        return found
    if found := cache.kept():
        return found
    with cache.locked(progress):
        # Another run may have got it while this one waited.
        if found := cache.kept():
            return found
        reasons = []
        for way in (release.get, go_modules.build):
            try:
                return way(progress)
            except EngineError as error:
                progress(error.message)
                reasons.append(error.message)
    raise EngineError(
        f"there is no Pulumi engine, and none could be got: {'; '.join(reasons)}",
        hint="install Pulumi (https://www.pulumi.com/docs/install), or let this machine reach get.pulumi.com, "
        "or install Go 1.25 or newer where the Go module proxy can be reached",
    )
