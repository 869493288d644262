"""Comments of a pull request on Bitbucket Cloud."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, Field

from mlstack.errors import UsageError
from mlstack.review.forge import marker
from mlstack.review.forge.connection import PATIENCE, Connection, RefusedError, Service, UnknownTokenError
from mlstack.review.forge.limits import BITBUCKET, Limit
from mlstack.review.forge.sticky import Comment
from mlstack.review.forge.variables import given, number, secret, segment

_PERMISSION = "it needs the scope `pullrequest:write` of the repository: a repository access token has it"
_IN_CI = "run in a pipeline for pull requests (`pipelines: pull-requests:`)"


class _User(BaseModel):
    uuid: str


class _Content(BaseModel):
    raw: str = ""


class _Link(BaseModel):
    href: str = ""


class _Links(BaseModel):
    html: _Link = Field(default_factory=_Link)


class _Comment(BaseModel):
    id: int
    content: _Content = Field(default_factory=_Content)
    user: _User | None = None
    """None once the account is gone."""
    deleted: bool = False
    links: _Links = Field(default_factory=_Links)

    def plain(self) -> Comment:
        author = self.user.uuid if self.user else ""
        return Comment(id=self.id, author=author, body=self.content.raw, url=self.links.html.href)


class _Page(BaseModel):
    values: list[_Comment]
    next: str | None = None


@dataclass(frozen=True, kw_only=True)
class Bitbucket:
    connection: Connection
    workspace: str
    slug: str
    pull_request: int

    @property
    def style(self) -> marker.Style:
        return "reference"

    @property
    def limit(self) -> Limit:
        return BITBUCKET

    def finished(self, text: str) -> str:
        return text

    def author(self) -> str | None:
        """None for the token of a repository, project or workspace, which may not ask: what it writes tells."""
        try:
            answer = self.connection.call("GET", "/user", doing="say who the token is")
        except (RefusedError, UnknownTokenError):
            return None
        return self.connection.read(answer, _User).uuid

    def all(self) -> Iterator[Comment]:
        page: str | None = f"{self._comments}?pagelen=100"
        while page:
            answer = self.connection.call("GET", page, doing="list the comments")
            found = self.connection.read(answer, _Page)
            yield from (comment.plain() for comment in found.values if not comment.deleted)
            page = self.connection.next_page(found.next)

    def create(self, body: str) -> Comment:
        return self._written("POST", self._comments, "write a comment", body, once=True)

    def update(self, comment: Comment, body: str) -> Comment:
        return self._written("PUT", f"{self._comments}/{comment.id}", "update the comment", body)

    def delete(self, comment: Comment) -> None:
        self.connection.call("DELETE", f"{self._comments}/{comment.id}", doing="delete a superfluous comment")

    @property
    def _comments(self) -> str:
        return f"/repositories/{segment(self.workspace)}/{segment(self.slug)}/pullrequests/{self.pull_request}/comments"

    def _written(self, method: str, path: str, doing: str, body: str, *, once: bool = False) -> Comment:
        answer = self.connection.call(method, path, doing=doing, body={"content": {"raw": body}}, once=once)
        return self.connection.read(answer, _Comment).plain()


def from_environment(
    environment: Mapping[str, str],
    *,
    repository: str | None = None,
    pull_request: int | None = None,
    api: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = PATIENCE,
) -> Bitbucket:
    """The pull request that the job runs for, or the one that is given. Raises `UsageError` naming what is missing."""
    token = secret(environment, "BITBUCKET_TOKEN", "a repository access token with the scope `pullrequest:write`")
    if repository is not None:
        workspace, _, slug = repository.partition("/")
        if not workspace or not re.fullmatch(r"[^/]+", slug):
            raise UsageError(f"--repository is {repository!r}", hint="give it as WORKSPACE/REPOSITORY")
    else:
        workspace = given(environment, "BITBUCKET_WORKSPACE", None, "--repository", _IN_CI)
        slug = given(environment, "BITBUCKET_REPO_SLUG", None, "--repository", _IN_CI)
    id_ = str(pull_request) if pull_request is not None else None
    id_ = given(environment, "BITBUCKET_PR_ID", id_, "--pull-request", _IN_CI)
    found = number(id_, "BITBUCKET_PR_ID" if pull_request is None else "--pull-request")
    return Bitbucket(
        connection=Connection(
            api=(api or "https://api.bitbucket.org/2.0").rstrip("/"),
            service=Service(
                name="Bitbucket",
                variable="BITBUCKET_TOKEN",
                permission=_PERMISSION,
                place=f"pull request {found} of {workspace}/{slug}",
                where="BITBUCKET_WORKSPACE, BITBUCKET_REPO_SLUG and BITBUCKET_PR_ID with them",
            ),
            token=token,
            headers={"Authorization": f"Bearer {token}", "User-Agent": "mlstack"},
            sleep=sleep,
            patience=patience,
        ),
        workspace=workspace,
        slug=slug,
        pull_request=found,
    )
