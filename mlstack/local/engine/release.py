"""The official release, through Pulumi's own installer."""

import socket
import subprocess
import urllib.request
from importlib.metadata import version as installed_version

from mlstack.local.engine import Engine, EngineError, Progress, cache
from mlstack.local.engine.installed import HOST

_INSTALLER = "https://get.pulumi.com/install.sh"
_PATIENCE = 5
"""Seconds in which the installer's host must answer: a closed network is to be noticed, not waited for."""


def get(progress: Progress) -> Engine:
    """Raises EngineError when it cannot be reached or installed."""
    try:
        with urllib.request.urlopen(_INSTALLER, timeout=_PATIENCE):
            pass
    except OSError:
        raise EngineError("get.pulumi.com cannot be reached") from None

    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    version = installed_version("pulumi")
    progress(f"downloading Pulumi {version}")
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(60)
    try:
        with cache.unfinished() as work:
            PulumiCommand.install(root=str(work / "release"), version=VersionInfo.parse(version))
            if not (work / "release" / "bin" / HOST).exists():
                raise EngineError(f"the release of Pulumi {version} came without {HOST}")
            return cache.publish(work / "release" / "bin", version, "release")
    except (OSError, subprocess.CalledProcessError) as error:
        raise EngineError(f"downloading Pulumi {version} failed: {error}") from None
    finally:
        socket.setdefaulttimeout(patience)
