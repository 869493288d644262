"""Keeps one issue for each environment that has drifted: `python -m tools.gitlab.drift_issue REPORT`.

REPORT is what `mlstack review --drift --json` printed. None, or one of a run that failed, says nothing about drift: it
ends with 1, and the issue is left as it is.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel

from mlstack.errors import MLStackError
from mlstack.review.forge.gitlab import from_environment
from mlstack.review.forge.variables import given, segment
from tools.drift import described, drift_in, title

LABEL = "drift"


class _Issue(BaseModel):
    iid: int
    title: str


class _User(BaseModel):
    id: int


def main() -> int:
    try:
        keep(Path(sys.argv[1]), os.environ)
    except MLStackError as error:
        print(f"{error.message}{f' ({error.hint})' if error.hint else ''}", file=sys.stderr)
        return 1
    return 0


def keep(file: Path, environment: Mapping[str, str]) -> None:
    """Open it, write it anew, or close it. Raises UsageError for a report that says nothing, ForgeError."""
    stack = given(environment, "STACK", None, "STACK", "name the environment")
    run = given(environment, "CI_JOB_URL", None, "CI_JOB_URL", "run in a pipeline")
    report = drift_in(file, stack)
    project = from_environment(environment, pull_request=1)
    call, read = project.connection.call, project.connection.read
    issues = f"/projects/{segment(project.project)}/issues"
    us = read(call("GET", "/user", doing="say who the token is"), _User).id
    ours = f"{issues}?state=opened&labels={LABEL}&author_id={us}&search={segment(title(stack))}&in=title&per_page=100"
    found = read(call("GET", ours, doing="list the issues"), list[_Issue])
    known = min((each.iid for each in found if each.title == title(stack)), default=None)
    if not report.changes:
        if known is not None:
            call("PUT", f"{issues}/{known}", doing="close the issue", body={"state_event": "close"})
        return
    text = described(report, stack, run)
    if known is None:
        body = {"title": title(stack), "labels": LABEL, "description": text}
        call("POST", issues, doing="open an issue", body=body, once=True)
    else:
        call("PUT", f"{issues}/{known}", doing="write the issue anew", body={"description": text})


if __name__ == "__main__":
    sys.exit(main())
