"""Notes of a GitLab merge request."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from mlstack.review.forge import marker
from mlstack.review.forge.connection import PATIENCE, Connection, Service
from mlstack.review.forge.github import linked
from mlstack.review.forge.limits import GITLAB, Limit
from mlstack.review.forge.sticky import Comment
from mlstack.review.forge.variables import given, number, secret, segment

_PERMISSION = (
    "it needs the scope `api` and the role Reporter or more in the project: a project access token, because"
    " CI_JOB_TOKEN may not comment"
)
_IN_CI = "run in a merge request pipeline (`rules: - if: $CI_PIPELINE_SOURCE == 'merge_request_event'`)"


class _User(BaseModel):
    id: int


class _Note(BaseModel):
    id: int
    body: str
    author: _User
    system: bool = False

    def plain(self, page: str) -> Comment:
        return Comment(id=self.id, author=str(self.author.id), body=self.body, url=f"{page}#note_{self.id}")


@dataclass(frozen=True, kw_only=True)
class GitLab:
    connection: Connection
    project: str
    merge_request: int
    page: str
    """The merge request's own address, for links."""

    @property
    def style(self) -> marker.Style:
        return "html"

    @property
    def limit(self) -> Limit:
        return GITLAB

    def finished(self, text: str) -> str:
        """Without quick actions: a line `/merge` in a note is carried out with the token's rights."""
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        return re.sub(r"^([ \t]*)/(?=\w)", r"\1\\/", lines, flags=re.MULTILINE)

    def author(self) -> str | None:
        answer = self.connection.call("GET", "/user", doing="say who the token is")
        return str(self.connection.read(answer, _User).id)

    def all(self) -> Iterator[Comment]:
        page: str | None = f"{self._notes}?per_page=100&sort=asc&order_by=created_at"
        while page:
            answer = self.connection.call("GET", page, doing="list the comments")
            yield from (n.plain(self.page) for n in self.connection.read(answer, list[_Note]) if not n.system)
            page = self.connection.next_page(linked(answer))

    def create(self, body: str) -> Comment:
        return self._written("POST", self._notes, "write a comment", body, once=True)

    def update(self, comment: Comment, body: str) -> Comment:
        return self._written("PUT", f"{self._notes}/{comment.id}", "update the comment", body)

    def delete(self, comment: Comment) -> None:
        self.connection.call("DELETE", f"{self._notes}/{comment.id}", doing="delete a superfluous comment")

    @property
    def _notes(self) -> str:
        return f"/projects/{segment(self.project)}/merge_requests/{self.merge_request}/notes"

    def _written(self, method: str, path: str, doing: str, body: str, *, once: bool = False) -> Comment:
        answer = self.connection.call(method, path, doing=doing, body={"body": body}, once=once)
        return self.connection.read(answer, _Note).plain(self.page)


def from_environment(
    environment: Mapping[str, str],
    *,
    repository: str | None = None,
    pull_request: int | None = None,
    api: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = PATIENCE,
) -> GitLab:
    """The merge request that the job runs for, or the one that is given. Raises `UsageError` naming what is missing."""
    token = secret(environment, "GITLAB_TOKEN", "a project access token with the scope `api` and the role Reporter")
    # In a fork's pipeline CI_PROJECT_ID is the fork, and the merge request is the other's.
    project = environment.get("CI_MERGE_REQUEST_PROJECT_ID", "").strip()
    project = repository or project or given(environment, "CI_PROJECT_ID", None, "--repository", _IN_CI)
    iid = str(pull_request) if pull_request is not None else None
    iid = given(environment, "CI_MERGE_REQUEST_IID", iid, "--pull-request", _IN_CI)
    merge_request = number(iid, "CI_MERGE_REQUEST_IID" if pull_request is None else "--pull-request")
    web = environment.get("CI_MERGE_REQUEST_PROJECT_URL") or environment.get("CI_PROJECT_URL") or ""
    return GitLab(
        connection=Connection(
            api=given(environment, "CI_API_V4_URL", api, "--api", "give https://HOST/api/v4").rstrip("/"),
            service=Service(
                name="GitLab",
                variable="GITLAB_TOKEN",
                permission=_PERMISSION,
                place=f"merge request {merge_request} of project {project}",
                where="CI_PROJECT_ID and CI_MERGE_REQUEST_IID with them",
            ),
            token=token,
            headers={"PRIVATE-TOKEN": token, "User-Agent": "mlstack"},
            sleep=sleep,
            patience=patience,
        ),
        project=project,
        merge_request=merge_request,
        page=f"{web.rstrip('/')}/-/merge_requests/{merge_request}",
    )
