"""JSON over HTTPS to one forge: repeated while that is safe, and every failure one message with a way out."""

import email.utils
import http.client
import json
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential_jitter,
)

from mlstack.errors import MLStackError, UsageError

_Shape = TypeVar("_Shape")

PATIENCE = 180.0
"""Seconds for one request with all its repetitions. GitHub asks to wait a minute after a secondary rate limit."""
_ATTEMPTS = 6
_TIMEOUT = 30.0
_OVERLOADED = {502, 503, 504}
_UNSAID = 60.0
"""Seconds to wait when a rate limit does not say how long: what GitHub asks for."""
_ADDRESS = re.compile(r"(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:[0-9]{1,5})?(/[A-Za-z0-9._~%-]+)*")
"""Plain http is for this machine alone."""
_BACKOFF = wait_exponential_jitter(initial=1, max=30)


class ForgeError(MLStackError):
    """The forge did not do what it was asked for."""


class UnknownTokenError(ForgeError):
    """401."""


class RefusedError(ForgeError):
    """403: the token is known and lacks a permission."""


class GoneError(ForgeError):
    """404: it is not there, or the token may not see it."""


class UncertainError(ForgeError):
    """Nothing says whether the request was carried out, so it was not repeated."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """Words for messages."""

    name: str
    variable: str
    """The variable with the token."""
    permission: str
    """What gives the token the right to comment, as a sentence without its full stop."""
    place: str
    """`pull request 7 of acme/stack`"""
    where: str
    """The variables that say so."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    text: str

    @property
    def data(self) -> Any:
        return json.loads(self.text) if self.text.strip() else None


class _AgainError(Exception):
    def __init__(self, wait: float | None, error: ForgeError) -> None:
        super().__init__(str(error))
        self.wait = wait
        self.error = error


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """Every answer is handed over. urllib would send the token along to wherever a redirect points."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:  # noqa: ARG002
        return response

    def https_response(self, request: urllib.request.Request, response: Any) -> Any:  # noqa: ARG002
        return response


@dataclass(frozen=True, kw_only=True)
class Connection:
    api: str
    """`https://api.github.com`, without a slash at the end."""
    service: Service
    token: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """Sent with every request; they carry the token."""
    sleep: Callable[[float], None] = time.sleep
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.api):
            shown = re.sub(r"//[^/]*@", "//***@", self.api)
            raise UsageError(
                f"{self.service.name}'s API is {shown!r}: {self.service.variable} is sent over https alone",
                hint=f"give the https:// address of {self.service.name}'s API, without a user or a query",
            )

    def call(
        self, method: str, path: str, *, doing: str, body: object = None, once: bool = False, api: str | None = None
    ) -> Answer:
        """The answer to a request that succeeded.

        `doing` says what for, for messages: `list the comments`. A request to do something `once` is repeated only
        when it was certainly not carried out; otherwise `UncertainError` is raised.
        """
        attempts = Retrying(
            retry=retry_if_exception_type(_AgainError),
            stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(self.patience),
            wait=_wait,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return attempts(self._attempt, method, f"{api or self.api}{path}", doing, body, once)
        except _AgainError as again:
            raise again.error from None

    def read(self, answer: Answer, shape: type[_Shape]) -> _Shape:
        """An answer's data in the shape that the forge documents."""
        try:
            return TypeAdapter(shape).validate_python(answer.data)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise ForgeError(
                f"{self.service.name} answers with something else than documented: {where or 'the whole of it'}",
                hint=f"see whether {self.api} is the address of its API",
            ) from None

    def next_page(self, url: str | None) -> str | None:
        """The path below `api` of a next page's address. The host that it names never gets the token."""
        if not url:
            return None
        parts = urlsplit(url)
        path = parts.path.removeprefix(urlsplit(self.api).path)
        return f"{path}?{parts.query}"

    def _attempt(self, method: str, url: str, doing: str, body: object, once: bool) -> Answer:
        name, host = self.service.name, urlsplit(url).netloc
        hint = f"see whether {host} is reachable from here; if it is, run it again: nothing is posted twice"
        request = urllib.request.Request(url, method=method, headers=dict(self.headers))  # noqa: S310
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.build_opener(_AsItIs).open(request, timeout=_TIMEOUT) as reply:
                answer = Answer(reply.status, reply.headers, reply.read().decode(errors="replace"))
        except urllib.error.URLError as error:  # before the request was out
            text = f"{name} cannot be reached at {host} to {doing}: {error.reason}"
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                hint = "if the certificate is by an authority of your own, set SSL_CERT_FILE to a file with it"
                raise ForgeError(text, hint=hint) from None
            raise _AgainError(None, ForgeError(text, hint=hint)) from None
        except (http.client.HTTPException, OSError) as error:
            reason = str(error) or type(error).__name__
            self._unanswered(f"{name} at {host} broke off when asked to {doing}: {reason}", hint, once)
        if not 200 <= answer.status < 300:
            self._refuse(answer, doing, once)
        try:
            _ = answer.data
        except ValueError:
            raise ForgeError(
                f"{name} at {host} did not answer in JSON when asked to {doing}",
                hint="see whether that is the address of the API, and whether a proxy answers in its place",
            ) from None
        return answer

    def _refuse(self, answer: Answer, doing: str, once: bool) -> NoReturn:
        service, said = self.service, self._said(answer)
        message = f"{service.name} answers {answer.status} when asked to {doing}{said}"
        if (wait := _rate_limited(answer)) is not None:
            raise _AgainError(
                wait, ForgeError(message, hint=f"its rate limit asks to wait {wait:.0f} s: run it again then")
            )
        if answer.status in _OVERLOADED:
            self._unanswered(message, "run it again: nothing is posted twice", once, _asked_to_wait(answer.headers))
        if answer.status == 401:
            raise UnknownTokenError(message, hint=f"put a token that is valid and not expired into {service.variable}")
        if answer.status == 403:
            raise RefusedError(message, hint=service.permission)
        if answer.status == 404:
            raise GoneError(
                f"{message}: there is no {service.place}, or the token may not see it",
                hint=f"compare {service.where}. {service.permission}",
            )
        if 300 <= answer.status < 400:
            raise ForgeError(
                f"{message}: it points to another address, to which the token is not sent",
                hint=f"the repository may have been renamed or moved: compare {service.where}",
            )
        raise ForgeError(message, hint=f"compare {service.where}")

    def _unanswered(self, message: str, hint: str, once: bool, wait: float | None = None) -> NoReturn:
        if once:
            raise UncertainError(message, hint=hint) from None
        raise _AgainError(wait, ForgeError(message, hint=hint)) from None

    def _said(self, answer: Answer) -> str:
        """The server's own words, on one line, without the token should it repeat it."""
        try:
            data = answer.data
        except ValueError:
            return ""
        said = data.get("message") or data.get("error") if isinstance(data, dict) else None
        if isinstance(said, dict):
            said = said.get("message") or json.dumps(said)
        if not said:
            return ""
        line = re.sub(r"[\s\x00-\x1f\x7f]+", " ", str(said)).replace(self.token, "***").strip()
        return f" ({line[:200]})"


def _rate_limited(answer: Answer) -> float | None:
    """How long to wait, in seconds, if it is a rate limit: docs.github.com, `Rate limits for the REST API`."""
    spent = (answer.headers.get("x-ratelimit-remaining") or answer.headers.get("ratelimit-remaining")) == "0"
    asked = _asked_to_wait(answer.headers)
    secondary = "secondary rate limit" in answer.text.lower()
    if answer.status != 429 and not (answer.status == 403 and (spent or secondary or asked is not None)):
        return None
    if asked is not None:
        return asked
    reset = answer.headers.get("x-ratelimit-reset") or answer.headers.get("ratelimit-reset")
    if spent and reset and reset.isdigit():
        return max(1.0, int(reset) - time.time())
    return _UNSAID


def _asked_to_wait(headers: Message) -> float | None:
    """`Retry-After` in seconds, which may be given as a date."""
    value = (headers.get("retry-after") or "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _wait(state: RetryCallState) -> float:
    error = state.outcome and state.outcome.exception()
    asked = error.wait if isinstance(error, _AgainError) else None
    return _BACKOFF(state) if asked is None else asked
