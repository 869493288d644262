"""An engine that is on PATH already."""

import re
import shutil
import subprocess
from pathlib import Path

from mlstack.local.engine import MINIMUM, Engine, Progress

HOST = "pulumi-language-python"


def on_path(progress: Progress) -> Engine | None:
    """The engine on PATH, when it is new enough and has its Python language host."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        return None
    version = version_of(Path(pulumi))
    if version is None:
        progress(f"{pulumi} does not say which version it is: it is left alone")
        return None
    if as_numbers(version) < as_numbers(MINIMUM):
        progress(f"{pulumi} is {version}, older than {MINIMUM}: it is left alone")
        return None
    if shutil.which(HOST) is None and not (Path(pulumi).resolve().parent / HOST).exists():
        progress(f"{pulumi} has no {HOST} beside it: it is left alone")
        return None
    return Engine(bin=Path(pulumi).parent, version=version, origin="path")


def version_of(pulumi: Path) -> str | None:
    """`3.259.0`, or None when the program does not answer like Pulumi."""
    try:
        said = subprocess.run(
            [pulumi, "version"], capture_output=True, text=True, check=False, timeout=30, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"^v?(\d+\.\d+\.\d+)", said.strip())
    return found[1] if found else None


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
