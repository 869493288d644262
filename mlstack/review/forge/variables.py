"""What the CI's own variables say, and what to do when they do not."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from mlstack.errors import UsageError


def secret(environment: Mapping[str, str], variable: str, purpose: str) -> str:
    """A token, fit for an HTTP header: `http.client` would print one that is not."""
    token = environment.get(variable, "").strip()
    if not token:
        raise UsageError(f"{variable} is not set", hint=f"set it to {purpose}")
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise UsageError(f"{variable} holds something that no token has in it", hint=f"set it to {purpose}")
    return token


def given(environment: Mapping[str, str], variable: str, explicit: str | None, option: str, hint: str) -> str:
    """What was asked for explicitly, or else a variable's value."""
    value = explicit or environment.get(variable, "").strip()
    if not value:
        raise UsageError(f"{variable} is not set, and {option} is not given", hint=hint)
    return value


def number(value: object, source: str) -> int:
    """A pull request's number: from 1, in digits."""
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,18}", str(value)) or int(str(value)) < 1:
        raise UsageError(f"{source} is {str(value)[:80]!r}", hint="give the number of the pull request, such as 7")
    return int(str(value))


def segment(value: str) -> str:
    """One part of a URL's path, whatever is in it."""
    return quote(value, safe="")
