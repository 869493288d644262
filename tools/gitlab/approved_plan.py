"""The plan that was approved with a merge: `python -m tools.gitlab.approved_plan`, on the default branch.

It stands in the hidden first line of the note that the preview wrote on the merge request. Prints an empty line when
the commit is no merge of a merge request, nobody previewed it, or the note could not show all of it.
"""

import os
import sys
from collections.abc import Mapping

from pydantic import BaseModel

from mlstack.errors import MLStackError
from mlstack.review.forge import marker
from mlstack.review.forge.gitlab import GitLab, from_environment
from mlstack.review.forge.variables import given, segment


class _Merged(BaseModel):
    iid: int
    state: str
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    sha: str | None = None
    """Head of the source branch: what a fast-forward leaves behind."""


def main() -> int:
    try:
        print(approved(os.environ) or "")
    except MLStackError as error:
        print(f"{error.message}{f' ({error.hint})' if error.hint else ''}", file=sys.stderr)
        return 1
    return 0


def approved(environment: Mapping[str, str]) -> str | None:
    """Raises UsageError for a variable that is missing, ForgeError when GitLab does not answer."""
    commit = given(environment, "CI_COMMIT_SHA", None, "CI_COMMIT_SHA", "run in a pipeline")
    stack = given(environment, "STACK", None, "STACK", "name the environment")
    project = from_environment(environment, pull_request=1)
    merges = f"/projects/{segment(project.project)}/repository/commits/{commit}/merge_requests"
    answer = project.connection.call("GET", merges, doing="find the merge request")
    plans = [
        plan
        for each in project.connection.read(answer, list[_Merged])
        if each.state == "merged" and commit in (each.merge_commit_sha, each.squash_commit_sha, each.sha)
        for plan in _plans(from_environment(environment, pull_request=each.iid), stack)
    ]
    return plans[0] if len(plans) == 1 else None


def _plans(request: GitLab, stack: str) -> list[str]:
    """In notes of the token's own account: nobody else's approves anything."""
    us = request.author()
    found = [marker.find(each.body) for each in request.all() if each.author == us]
    return [each.plan for each in found if each and each.environment == stack and not each.truncated and each.plan]


if __name__ == "__main__":
    sys.exit(main())
