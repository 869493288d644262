"""A server on loopback with three faces: what GitHub, GitLab and Bitbucket Cloud document of their comments."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from mlstack.review.forge import bitbucket, github, gitlab
from mlstack.review.forge.sticky import Comments

FACES = ("github", "gitlab", "bitbucket")
TOKEN = "planted-token-0123456789"
US, SOMEBODY = 41, 42


@dataclass
class Failure:
    """What the server does instead, the first `times` times that a request matches."""

    method: str
    path: str = ""
    """Some part of it."""
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "{}"
    times: int = 1
    carried_out: bool = False
    """The request is carried out all the same, and only its answer is lost."""
    broken: bool = False
    """Closes the connection before the text that it announced."""
    hang_up: bool = False
    """Closes the connection without an answer."""


@dataclass
class StandIn:
    face: str
    url: str = ""
    page: int = 100
    """The longest page that the server gives, whatever is asked for."""
    tells_who: bool = True
    who_status: int = 200
    """Of the answer to who the token is, when it does not tell."""
    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    authorization: set[str] = field(default_factory=set)
    together: threading.Barrier | None = None
    """Holds each creation back until so many have come."""
    more: dict[str, Any] = field(default_factory=dict)
    """What else it answers, by path."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def environment(self) -> dict[str, str]:
        match self.face:
            case "github":
                return {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "acme/ml", "GITHUB_API_URL": f"{self.url}/api/v3"}
            case "gitlab":
                place = {"CI_PROJECT_ID": "5", "CI_PROJECT_URL": "https://gitlab.test/acme/ml"}
                return {
                    "GITLAB_TOKEN": TOKEN,
                    "CI_API_V4_URL": f"{self.url}/api/v4",
                    "CI_MERGE_REQUEST_IID": "7",
                    **place,
                }
            case _:
                place = {"BITBUCKET_WORKSPACE": "acme", "BITBUCKET_REPO_SLUG": "ml", "BITBUCKET_PR_ID": "7"}
                return {"BITBUCKET_TOKEN": TOKEN, **place}

    def client(self, *, patience: float = 180.0) -> Comments:
        match self.face:
            case "github":
                return github.from_environment(
                    self.environment, pull_request=7, sleep=self.waits.append, patience=patience
                )
            case "gitlab":
                return gitlab.from_environment(self.environment, sleep=self.waits.append, patience=patience)
            case _:
                return bitbucket.from_environment(
                    self.environment, api=f"{self.url}/2.0", sleep=self.waits.append, patience=patience
                )

    def says(self, body: str, author: int = US) -> int:
        with self.lock:
            id_ = len(self.comments) + 1
            self.comments.append({"id": id_, "author": author, "body": body, "deleted": False})
            return id_

    @property
    def shown(self) -> list[tuple[int, int, str]]:
        """What a reader sees: number, author, text."""
        return [(c["id"], c["author"], c["body"]) for c in self.comments if not c["deleted"]]

    def count(self, method: str) -> int:
        return sum(1 for seen, path in self.requests if seen == method and "graphql" not in path)

    # What one request does. The answers hold what the clients read and a little of what they do not.

    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit(path)
        if parts.path in ("/api/graphql", "/api/v4/user", "/2.0/user"):
            return self._who()
        if parts.path in self.more:
            return 200, {}, self.more[parts.path]
        collection, item = {
            "github": ("/api/v3/repos/acme/ml/issues/7/comments", "/api/v3/repos/acme/ml/issues/comments/"),
            "gitlab": ("/api/v4/projects/5/merge_requests/7/notes",) * 2,
            "bitbucket": ("/2.0/repositories/acme/ml/pullrequests/7/comments",) * 2,
        }[self.face]
        if parts.path == collection:
            if method == "GET":
                return self._page(parts.path, parse_qs(parts.query))
            if self.together:
                self.together.wait(5)
            with self.lock:
                return 201, {}, self._shape(self.comments[self.says(self._body(body)) - 1])
        last = parts.path.removeprefix(item).strip("/")
        found = [c for c in self.comments if str(c["id"]) == last and not c["deleted"]]
        if not parts.path.startswith(item) or not found:
            return 404, {}, {"message": "Not Found"}
        if found[0]["author"] != US:
            return 403, {}, {"message": "Must have admin rights"}
        if method == "DELETE":
            found[0]["deleted"] = True
            return 204, {}, None
        found[0]["body"] = self._body(body)
        return 200, {}, self._shape(found[0])

    def _who(self) -> tuple[int, dict[str, str], Any]:
        match self.face:
            case "github":
                status = 200 if self.tells_who else self.who_status
                return status, {}, {"data": {"viewer": {"databaseId": US} if self.tells_who else None}}
            case "gitlab":
                return 200, {}, {"id": US, "username": "project_5_bot"}
            case _:
                known: tuple[int, dict[str, str], Any] = 200, {}, {"uuid": f"{{{US}}}"}
                return (
                    known
                    if self.tells_who
                    else (self.who_status, {}, {"type": "error", "error": {"message": "Forbidden"}})
                )

    def _body(self, sent: Any) -> str:
        text: str = sent["content"]["raw"] if self.face == "bitbucket" else sent["body"]
        return text.replace("\n", "\r\n").rstrip() if self.face == "github" else text

    def _page(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, str], Any]:
        number = int(query.get("page", ["1"])[0])
        size = min(self.page, int(query.get("per_page", query.get("pagelen", ["10"]))[0]))
        every = [c for c in self.comments if self.face == "bitbucket" or not c["deleted"]]
        values = [self._shape(c) for c in every[(number - 1) * size : number * size]]
        more = number * size < len(every)
        # A name that nothing resolves: the client must not follow it with its token.
        again = {name: value[0] for name, value in query.items()} | {"page": str(number + 1)}
        following = f"https://elsewhere.invalid{path}?{urlencode(again)}"
        if self.face == "bitbucket":
            return 200, {}, {"values": values, "pagelen": size, **({"next": following} if more else {})}
        first = f'<https://elsewhere.invalid{path}?page=1>; rel="first"'
        return 200, {"Link": f'<{following}>; rel="next", {first}' if more else first}, values

    def _shape(self, comment: dict[str, Any]) -> dict[str, Any]:
        id_, author, body = comment["id"], comment["author"], comment["body"]
        link = f"https://forge.test/7#{id_}"
        match self.face:
            case "github":
                return {"id": id_, "user": {"id": author, "login": "x"}, "body": body, "html_url": link}
            case "gitlab":
                return {"id": id_, "author": {"id": author}, "body": body, "system": False, "type": None}
            case _:
                user = {"uuid": f"{{{author}}}", "type": "user"}
                content = {"raw": body, "html": ""}
                return {
                    "id": id_,
                    "user": user,
                    "content": content,
                    "deleted": comment["deleted"],
                    "links": {"html": {"href": link}},
                }


@contextmanager
def serving(face: str) -> Iterator[StandIn]:
    stand_in = StandIn(face)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            with stand_in.lock:
                stand_in.requests.append((self.command, self.path))
                stand_in.authorization.add(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "")
                failure = _due(stand_in.failures, self.command, self.path)
            if failure and not failure.carried_out:
                self._send(failure.status, failure.headers, failure.body, failure)
                return
            status, headers, data = stand_in.answer(self.command, self.path, body)
            if failure:
                self._send(failure.status, failure.headers, failure.body, failure)
            else:
                self._send(status, headers, "" if data is None else json.dumps(data), None)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815

        def _send(self, status: int, headers: dict[str, str], text: str, failure: Failure | None) -> None:
            if failure and failure.hang_up:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            payload = text.encode()
            if failure and failure.broken:
                self.close_connection = True
            elif status != 204:
                self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            if status != 204:
                self.wfile.write(payload)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    serve: Callable[[], None] = lambda: server.serve_forever(poll_interval=0.01)  # noqa: E731
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _due(failures: list[Failure], method: str, path: str) -> Failure | None:
    for failure in failures:
        if failure.times and failure.method == method and failure.path in path and "graphql" not in path:
            failure.times -= 1
            return failure
    return None
