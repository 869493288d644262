"""Debian's packages that the tests here need: installed once, and never silently done without."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

NEEDED = {"buildah": "buildah", "docker-registry": "docker-registry", "busybox": "busybox-static"}
"""By the command that they bring."""


def install() -> None:
    """Installs what is missing, or fails the tests that need it with the reason."""
    with (Path(tempfile.gettempdir()) / "mlstack-test-packages").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [package for command, package in NEEDED.items() if shutil.which(command) is None]
        if not missing:
            return
        become_root = [] if os.getuid() == 0 else ["sudo", "-n"]
        if shutil.which("apt-get") is None or (become_root and shutil.which("sudo") is None):
            pytest.fail(f"building images for real needs {', '.join(missing)}: install them (apt-get install, as root)")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *missing]):
            done = subprocess.run(
                [*become_root, "apt-get", *arguments],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, f"apt-get {arguments[0]}: {done.stderr[-1500:]}"
