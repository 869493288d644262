"""Which ZenML server is meant, and whether it is there: asked over plain HTTP before ZenML itself is imported."""

import json
import os
import shutil
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil

from mlstack.errors import MLStackError

_WAYS = "set ZENML_STORE_URL and ZENML_STORE_API_KEY (a service account's key), or log in with `zenml login` first"
PATIENCE = 15.0
"""Seconds in which the server must answer that it is there. MLSTACK_SERVER_TIMEOUT overrides it."""


class ServerError(MLStackError):
    """The ZenML server is not there, not ZenML, or does not let us in."""


class NotAllowedError(ServerError):
    """The account may not do that, or ZenML does not let anybody."""


@dataclass(frozen=True)
class Server:
    url: str
    """Without credentials."""
    version: str
    workspace_id: str | None = None
    """Of ZenML Pro; None for a server of the open source."""
    dashboard: str = ""
    """Where people look at it."""


@contextmanager
def connection() -> Iterator[Server]:
    """The server, with the environment set so that ZenML's client finds it from a configuration directory of its own.

    That directory is deleted afterwards: a client leaves its API key in it, and a developer's own login is not touched.
    Raises ServerError.
    """
    before = dict(os.environ)
    _sweep()
    directory = Path(tempfile.mkdtemp(prefix=f"{_DIRECTORY}{os.getpid()}-"))
    try:
        url = _url_from_environment() or _url_from_login(directory)
        server = _greet(url)
        os.environ |= {
            "ZENML_CONFIG_PATH": str(directory),
            "ZENML_LOCAL_STORES_PATH": str(directory / "local_stores"),
            "ZENML_ANALYTICS_OPT_IN": "false",
            "ZENML_LOGGING_VERBOSITY": os.environ.get("ZENML_LOGGING_VERBOSITY", "ERROR"),
        }
        yield server
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(directory, ignore_errors=True)


_DIRECTORY = "mlstack-zenml-"


def _sweep() -> None:
    """Delete the directories of runs that were killed: there is a key in each."""
    for left in Path(tempfile.gettempdir()).glob(f"{_DIRECTORY}*-*"):
        process = left.name.removeprefix(_DIRECTORY).partition("-")[0]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)


def _url_from_environment() -> str | None:
    url = os.environ.get("ZENML_STORE_URL")
    if not url:
        return None
    credentials = ("ZENML_STORE_API_KEY", "ZENML_STORE_API_TOKEN", "ZENML_STORE_USERNAME")
    if not any(os.environ.get(name) for name in credentials):
        raise ServerError(f"ZENML_STORE_URL names {_shown(url)}, but there is no key for it", hint=_WAYS)
    return url


def _url_from_login(directory: Path) -> str:
    """The server that `zenml login` chose; its login is copied, to be read only."""
    import yaml
    from platformdirs import user_config_path

    own = Path(os.environ.get("ZENML_CONFIG_PATH") or user_config_path("zenml"))
    try:
        configured = yaml.safe_load((own / "config.yaml").read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError):
        configured = {}
    store = configured.get("store") or {}
    url = str(store.get("url") or "")
    if not url.startswith(("http://", "https://")):
        where = "is only ZenML's local database" if store else "is none"
        raise ServerError(f"no ZenML server is named, and the one you are logged in to {where}", hint=_WAYS)
    for name in ("config.yaml", "credentials.yaml"):
        if (own / name).exists():
            shutil.copy(own / name, directory / name)
            (directory / name).chmod(0o600)
    return url


def _greet(url: str) -> Server:
    """Ask `GET /api/v1/info`, which needs no credentials and says that this is ZenML."""
    shown = _shown(url)
    if urlsplit(url).scheme not in ("http", "https"):
        raise ServerError(f"{shown} is not the address of a ZenML server", hint="it starts with https://")
    patience = float(os.environ.get("MLSTACK_SERVER_TIMEOUT") or PATIENCE)
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/api/v1/info", timeout=patience) as answer:  # noqa: S310
            text = answer.read(1_000_000)
        info = json.loads(text)
        version = str(info["version"])
        is_pro = info.get("deployment_type") == "cloud"
        dashboard = str(info.get("dashboard_url" if is_pro else "server_url") or shown).rstrip("/")
        workspace_id = info.get("pro_workspace_id") if is_pro else None
        return Server(url=shown, version=version, workspace_id=workspace_id, dashboard=dashboard)
    except urllib.error.HTTPError as error:
        raise ServerError(f"{shown} answers {error.code} {error.reason}", hint=_IS_IT_ZENML) from None
    except (TimeoutError, urllib.error.URLError, OSError) as error:
        raise ServerError(f"the ZenML server {shown} {_said(error, patience)}", hint=_REACH.format(shown)) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ServerError(f"{shown} answers, but not like a ZenML server", hint=_IS_IT_ZENML) from None


_IS_IT_ZENML = "check ZENML_STORE_URL: it is the server's own address, without /api or a page of the dashboard"
_REACH = "check that it is running and reachable from here: curl {}/health"


def _said(error: Exception, patience: float) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return f"did not answer within {patience:.0f} s"
    if isinstance(reason, ConnectionRefusedError):
        return "refuses connections"
    if isinstance(reason, socket.gaierror):
        return "has a name that cannot be resolved"
    return f"cannot be reached: {reason}"


def _shown(url: str) -> str:
    """Without user and password."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
