"""An environment with the older ZenML of `older.txt`, kept in the user's cache under the hash of that file."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).with_name("older.txt")


class NoRegistryError(Exception):
    """No package index can be reached, and the environment is not there yet."""


def version() -> str:
    found = re.search(r"^zenml==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def python() -> Path:
    """Its interpreter. Raises NoRegistryError; whatever else goes wrong is a failure of ours."""
    from platformdirs import user_cache_path

    cache = Path(os.environ.get("MLSTACK_CACHE_DIR") or user_cache_path("mlstack")) / "zenml"
    cache.mkdir(parents=True, exist_ok=True)
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    here = cache / f"{version()}-py{sys.version_info.major}{sys.version_info.minor}-{lock}"
    with (cache / "lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not (here / "complete").exists():
            _install(here)
            (here / "complete").touch()
    return here / "bin" / "python"


def _install(here: Path) -> None:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    assert uv is not None, "there is no uv: make setup"
    _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(here)], here)
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", str(LOCK)], here)


def _run(command: list[str], here: Path) -> None:
    done = subprocess.run(
        command, env={**os.environ, "VIRTUAL_ENV": str(here)}, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    if re.search(r"(?i)failed to fetch|error sending request|dns error|client error \(connect\)", done.stderr):
        raise NoRegistryError(done.stderr.strip().splitlines()[0])
    raise AssertionError(f"the environment of ZenML {version()} cannot be made:\n{done.stderr[-2000:]}")
