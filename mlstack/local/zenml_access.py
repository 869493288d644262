"""Who may log in to the embedded ZenML server: an administrator for people, a service account for programs.

Speaks ZenML's REST API without ZenML's client, which takes seconds to import and keeps what it is told in files.
"""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from mlstack.errors import MLStackError
from mlstack.local.loopback import call
from mlstack.local.processes import write_private

ADMIN = "admin"
_ACCOUNT = "mlstack"
_KEY = "mlstack"
_HINT = "its log is .mlstack/logs/zenml.log"


class ZenMLAccess:
    """The secrets of the server below `root`, each in a file that only this user can read."""

    def __init__(self, root: Path) -> None:
        self._directory = root / "zenml"

    @property
    def directory(self) -> Path:
        return self._directory

    def admin_password(self) -> str:
        return self._kept("admin-password", lambda: secrets.token_urlsafe(18))

    def signing_key(self) -> str:
        """With which the server signs its tokens. Kept, so that a restart does not log everybody out."""
        return self._kept("jwt-key", lambda: secrets.token_hex(32))

    def api_key(self) -> str:
        """Of the service account. Raises MLStackError before `ensure_api_key` has made it."""
        try:
            return self._file("api-key").read_text()
        except OSError:
            raise MLStackError(
                "the embedded ZenML server has no API key yet", hint="start it first: mlstack demo"
            ) from None

    def ensure_api_key(self, port: int) -> None:
        """Make the service account and its key unless both are there and the server still knows them."""
        try:
            if login(port, {"password": self.api_key()}) is not None:
                return
        except MLStackError:
            pass
        token = login(port, {"username": ADMIN, "password": self.admin_password()})
        if token is None:
            raise MLStackError(
                "the embedded ZenML server does not accept its own administrator's password",
                hint=f"its database is of another installation: remove {self._directory} and start again",
            )
        account = self._account(port, token)
        keys = f"/api/v1/service_accounts/{account}/api_keys"
        known = rest(port, "GET", f"{keys}?name={_KEY}", token)["items"]
        made = (
            rest(port, "PUT", f"{keys}/{known[0]['id']}/rotate", token, {"retain_period_minutes": 0})
            if known
            else rest(port, "POST", keys, token, {"name": _KEY, "description": "of the embedded cloud"})
        )
        write_private(self._file("api-key"), made["body"]["key"])

    def _account(self, port: int, token: str) -> str:
        found = rest(port, "GET", f"/api/v1/service_accounts?name={_ACCOUNT}", token)["items"]
        account = (
            found[0]
            if found
            else rest(port, "POST", "/api/v1/service_accounts", token, {"name": _ACCOUNT, "active": True})
        )
        return str(account["id"])

    def _file(self, name: str) -> Path:
        return self._directory / name

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        file = self._file(name)
        try:
            return file.read_text()
        except FileNotFoundError:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(file, make())
            return file.read_text()


def login(port: int, form: dict[str, str]) -> str | None:
    """A token, or None when the server does not accept what the form says."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, answer = _ask(port, "POST", "/api/v1/login", urlencode(form), headers)
    if status in (401, 403):
        return None
    return str(_checked(status, answer, "log in")["access_token"])


def rest(port: int, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    status, answer = _ask(port, method, path, None if body is None else json.dumps(body), headers)
    return _checked(status, answer, f"{method} {path.partition('?')[0]}")


def _ask(port: int, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, Any]:
    try:
        return call(port, method, path, body=body, headers=headers)
    except OSError as error:
        raise MLStackError(f"the embedded ZenML server does not answer: {error}", hint=_HINT) from None


def _checked(status: int, answer: Any, what: str) -> Any:
    if status >= 300:
        # ZenML repeats in its answer what was sent, keys and all: only the status is told.
        raise MLStackError(f"the embedded ZenML server failed to {what}: status {status}", hint=_HINT)
    return answer
