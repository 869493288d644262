"""Comments of a GitHub pull request, which are comments of its issue."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mlstack.errors import UsageError
from mlstack.review.forge import marker
from mlstack.review.forge.connection import PATIENCE, Answer, Connection, GoneError, RefusedError, Service
from mlstack.review.forge.limits import GITHUB, Limit
from mlstack.review.forge.sticky import Comment
from mlstack.review.forge.variables import given, number, secret

_PERMISSION = (
    "the job needs `permissions: pull-requests: write`; a run for a fork's pull request never has it, so post from a"
    " `workflow_run` job"
)
_TOKEN = "${{ github.token }} in a job with `permissions: pull-requests: write`"  # noqa: S105


class _User(BaseModel):
    id: int


class _Comment(BaseModel):
    id: int
    body: str | None
    html_url: str
    user: _User | None
    """None once the account is gone."""

    def plain(self) -> Comment:
        author = str(self.user.id) if self.user else ""
        return Comment(id=self.id, author=author, body=self.body or "", url=self.html_url)


@dataclass(frozen=True, kw_only=True)
class GitHub:
    connection: Connection
    repository: str
    pull_request: int
    graphql: str
    """`https://api.github.com`; on an Enterprise Server `https://HOST/api`."""

    @property
    def style(self) -> marker.Style:
        return "html"

    @property
    def limit(self) -> Limit:
        return GITHUB

    def finished(self, text: str) -> str:
        return text

    def author(self) -> str | None:
        # `GET /user` refuses the token of a job and of an app; this answers every kind.
        query, doing = {"query": "{ viewer { databaseId } }"}, "say who the token is"
        try:
            answer = self.connection.call("POST", "/graphql", doing=doing, body=query, api=self.graphql)
        except (RefusedError, GoneError):
            return None
        id_ = _at(answer.data, "data", "viewer", "databaseId")
        return None if id_ is None else str(id_)

    def all(self) -> Iterator[Comment]:
        page: str | None = f"/repos/{self.repository}/issues/{self.pull_request}/comments?per_page=100"
        while page:
            answer = self.connection.call("GET", page, doing="list the comments")
            yield from (comment.plain() for comment in self.connection.read(answer, list[_Comment]))
            page = self.connection.next_page(linked(answer))

    def create(self, body: str) -> Comment:
        path = f"/repos/{self.repository}/issues/{self.pull_request}/comments"
        return self._written("POST", path, "write a comment", body, once=True)

    def update(self, comment: Comment, body: str) -> Comment:
        path = f"/repos/{self.repository}/issues/comments/{comment.id}"
        return self._written("PATCH", path, "update the comment", body)

    def delete(self, comment: Comment) -> None:
        path = f"/repos/{self.repository}/issues/comments/{comment.id}"
        self.connection.call("DELETE", path, doing="delete a superfluous comment")

    def _written(self, method: str, path: str, doing: str, body: str, *, once: bool = False) -> Comment:
        answer = self.connection.call(method, path, doing=doing, body={"body": body}, once=once)
        return self.connection.read(answer, _Comment).plain()


def from_environment(
    environment: Mapping[str, str],
    *,
    repository: str | None = None,
    pull_request: int | None = None,
    api: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = PATIENCE,
) -> GitHub:
    """The pull request that the job runs for, or the one that is given. Raises `UsageError` naming what is missing."""
    token = secret(environment, "GITHUB_TOKEN", _TOKEN)
    repository = given(environment, "GITHUB_REPOSITORY", repository, "--repository", "give OWNER/NAME")
    if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", repository) or ".." in repository:
        raise UsageError(f"the repository is {repository!r}", hint="give it as OWNER/NAME")
    wanted = pull_request if pull_request is not None else _of_event(environment)
    pull_request = number(
        wanted, "--pull-request" if pull_request is not None else "the pull request in GITHUB_EVENT_PATH"
    )
    api = (api or environment.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/")
    return GitHub(
        connection=Connection(
            api=api,
            service=Service(
                name="GitHub",
                variable="GITHUB_TOKEN",
                permission=_PERMISSION,
                place=f"pull request {pull_request} of {repository}",
                where="GITHUB_REPOSITORY and the pull request's number with them",
            ),
            token=token,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "mlstack",
            },
            sleep=sleep,
            patience=patience,
        ),
        repository=repository,
        pull_request=pull_request,
        graphql=api.removesuffix("/v3"),
    )


def linked(answer: Answer) -> str | None:
    """The address of the next page, from a `Link` header."""
    found = re.search(r'<([^>]*)>[^,]*;\s*rel="?next"?', answer.headers.get("link") or "")
    return found[1] if found else None


def _of_event(environment: Mapping[str, str]) -> object:
    hint = "run in a workflow `on: pull_request`, or give --pull-request"
    path = given(environment, "GITHUB_EVENT_PATH", None, "--pull-request", hint)
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UsageError(f"GITHUB_EVENT_PATH is {path!r}, which is no readable JSON file", hint=hint) from None
    found = _at(event, "pull_request", "number")
    if found is None and _at(event, "issue", "pull_request") is not None:
        found = _at(event, "issue", "number")
    if found is None:
        raise UsageError(f"the event in GITHUB_EVENT_PATH ({path}) is not one of a pull request", hint=hint)
    return found


def _at(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data
