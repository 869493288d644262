"""Requests to servers on this machine: past any proxy, and without a library that takes long to load."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any


def call(
    port: int,
    method: str,
    path: str,
    *,
    body: str | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = 30.0,
) -> tuple[int, Any]:
    """Status and decoded body of the answer. Raises OSError when there is none."""
    connection = HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read()
    except HTTPException as error:
        raise ConnectionError(f"no answer that is HTTP: {type(error).__name__}") from None
    finally:
        connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, text.decode(errors="replace")


def answers(port: int, path: str) -> bool:
    """Whether the server on that port says 200 to the path, soon."""
    try:
        return call(port, "GET", path, seconds=5.0)[0] == 200
    except OSError:
        return False
