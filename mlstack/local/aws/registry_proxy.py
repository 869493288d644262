"""How clients reach the registry: an HTTP proxy, behind which its name is served, over TLS for those who ask for it.

Whatever else a build pulls it reaches through the same proxy, unread: a public base image, where there is internet.
"""

import contextlib
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mlstack.local.aws.registry import EcrRegistry

_HOP = {"connection", "proxy-connection", "transfer-encoding", "keep-alive", "te", "upgrade", "authorization", "host"}
"""Headers that concern one connection, and the log-in, which the registry behind does not know."""
_CHUNK = 1 << 16
_CONNECT_SECONDS = 20.0


@dataclass(frozen=True)
class Place:
    name: str
    kind: str
    rest: str


class RegistryError(Exception):
    """ECR's refusal, in the registry's own form."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Until the source ends, which the sink is told."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def handler(registry: "EcrRegistry") -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"registry": registry})


class _Handler(BaseHTTPRequestHandler):
    """A proxy's end: requests name the registry's host in full, or in their Host header."""

    registry: "EcrRegistry"
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        host = parts.hostname or self.headers.get("Host", "").partition(":")[0]
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if host != self.registry.host:
            self._answer(502, {"message": f"{host}: only {self.registry.host} is behind this proxy"})
            return
        try:
            place = self.registry.admit(self.command, path, self.headers.get("Authorization", ""))
            body = self._body()
            if self.command == "PUT" and place is not None and place.kind == "manifests":
                self._push(place, path, b"".join(body))
            else:
                self._forward(path, body)
        except RegistryError as error:
            for _ in self._body():
                pass
            self._answer(error.status, {"errors": [{"code": error.code, "message": error.message}]})
        except (OSError, ValueError) as error:
            self.close_connection = True
            self._answer(502, {"errors": [{"code": "UNKNOWN", "message": str(error)}]})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def do_CONNECT(self) -> None:
        """From here on requests are the registry's, inside TLS, with a certificate in its name; or another host's."""
        host, _, port = self.path.rpartition(":")
        if host != self.registry.host:
            self._tunnel(host, port)
            return
        self.send_response(200)
        self.end_headers()
        self.request = self.registry.tls().wrap_socket(self.connection, server_side=True)
        self.setup()
        self.close_connection = False

    def _tunnel(self, host: str, port: str) -> None:
        self.close_connection = True
        try:
            there = socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            # buildah shows the status line alone.
            self.send_error(502, f"{self.path}: {error}")
            return
        with there:
            there.settimeout(None)
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_copy, args=(there, self.connection), daemon=True)
            back.start()
            _copy(self.connection, there)
            back.join()

    def finish(self) -> None:
        super().finish()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.close()

    def _push(self, place: Place, path: str, manifest: bytes) -> None:
        digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        self.registry.refuse_tag(place, digest)
        status = self._forward(path, iter([manifest]))
        if status == 201:
            self.registry.pushed(place, manifest, self.headers.get("Content-Type", ""), digest)

    def _body(self) -> Iterator[bytes]:
        if getattr(self, "_read", False):
            return
        self._read = True
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left > 0:
            chunk = self.rfile.read(min(left, _CHUNK))
            if not chunk:
                raise OSError("the request ended early")
            left -= len(chunk)
            yield chunk

    def _forward(self, path: str, body: Iterator[bytes]) -> int:
        upstream = self.registry.upstream()
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
            if chunked:
                headers["Transfer-Encoding"] = "chunked"
            upstream.request(self.command, path, body, {**headers, "Host": self.registry.host}, encode_chunked=chunked)
            answer = upstream.getresponse()
            self._send(answer)
            return answer.status
        finally:
            upstream.close()

    def _send(self, answer: HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        plain = answer.getheader("Content-Length") is not None or self.command == "HEAD" or answer.status in (204, 304)
        if not plain:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        while self.command != "HEAD" and (chunk := answer.read(_CHUNK)):
            self.wfile.write(chunk)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        if status == 401:
            self.send_header(
                "WWW-Authenticate", f'Basic realm="https://{self.registry.host}/",service="ecr.amazonaws.com"'
            )
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def handle_one_request(self) -> None:
        self._read = False
        super().handle_one_request()

    def log_message(self, *_: Any) -> None:
        """Nothing: the build's own log says what went wrong."""
