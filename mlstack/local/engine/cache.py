"""Where an engine that was got is kept: a directory for each version in the user's cache, complete or not there."""

import fcntl
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from mlstack.local.engine import Engine, Progress

GO_VERSION = "3.259.0"
"""Of the engine that is built from Go modules: the newest whose modules the proxy serves."""

_ORIGINS: tuple[Literal["release", "go"], ...] = ("release", "go")


def directory() -> Path:
    """MLSTACK_CACHE_DIR, or the user's cache directory."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("MLSTACK_CACHE_DIR") or user_cache_path("mlstack")) / "engine"


def kept() -> Engine | None:
    """An engine that an earlier run got. A release is preferred to one that was built."""
    for origin in _ORIGINS:
        for found in sorted(directory().glob(f"{origin}-*-{_machine()}/bin/pulumi"), reverse=True):
            return Engine(bin=found.parent, version=found.parents[1].name.split("-")[1], origin=origin)
    return None


@contextmanager
def locked(progress: Progress) -> Iterator[None]:
    """One run at a time gets the engine; a second waits for it and says so."""
    directory().mkdir(parents=True, exist_ok=True)
    with (directory() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another run is getting the engine: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def unfinished() -> Iterator[Path]:
    """A directory to work in. It is gone afterwards, also when the work was interrupted."""
    for stale in directory().glob("unfinished-*"):
        shutil.rmtree(stale, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix="unfinished-", dir=directory()))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def publish(bin_directory: Path, version: str, origin: Literal["release", "go"]) -> Engine:
    """Move a complete `bin` to its place in one step: a half engine is never found."""
    place = directory() / f"{origin}-{version}-{_machine()}"
    shutil.rmtree(place, ignore_errors=True)
    whole = bin_directory.parent / "whole"
    whole.mkdir()
    bin_directory.rename(whole / "bin")
    whole.rename(place)
    return Engine(bin=place / "bin", version=version, origin=origin)


def _machine() -> str:
    return f"{platform.system()}-{platform.machine()}".lower()
