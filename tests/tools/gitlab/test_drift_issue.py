"""One issue for each environment that differs, which goes by itself; GitLab is a stand-in for its API."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mlstack.review.model import Change, Report
from tools.gitlab import drift_issue

ROLE = Change(operation="delete", urn="u", type="aws:iam/role:Role", name="mlstack-access-role", component="Role")
DRIFTED = Report(project="mlstack", environment="dev", drift=True, changes=(ROLE,))
CLEAN = DRIFTED.model_copy(update={"changes": ()})
US = 42

Run = Callable[[Report | None], int]


class Issues:
    """Of one project: what was opened, and how often it was written."""

    def __init__(self) -> None:
        self.known: list[dict[str, Any]] = []
        self.writes: list[str] = []

    def answer(self, method: str, address: str, sent: Any) -> Any:
        parts = urlsplit(address)
        if parts.path == "/api/v4/user":
            return {"id": US}
        if method != "GET":
            self.writes.append(method)
        if method == "POST":
            self.known.append({"iid": len(self.known) + 1, "author": US, "state": "opened", **sent})
            return self.known[-1]
        if method == "PUT":
            issue = next(each for each in self.known if str(each["iid"]) == parts.path.rpartition("/")[2])
            issue.update(sent, state="closed" if sent.get("state_event") == "close" else issue["state"])
            return issue
        asked = {key: value[0] for key, value in parse_qs(parts.query).items()}
        return [
            each
            for each in self.known
            if each["state"] == asked["state"]
            and each["labels"] == asked["labels"]
            and str(each["author"]) == asked["author_id"]
            and asked["search"] in each["title"]
        ]


@pytest.fixture
def issues() -> Issues:
    return Issues()


@pytest.fixture
def run(issues: Issues, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.dumps(issues.answer(self.command, self.path, json.loads(sent or "null"))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    for method in ("GET", "POST", "PUT"):
        setattr(Handler, f"do_{method}", Handler._any)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    given = {
        "no_proxy": "127.0.0.1",
        "GITLAB_TOKEN": "glpat-of-the-project",
        "CI_PROJECT_ID": "5",
        "CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}/api/v4",
        "CI_JOB_URL": "https://gitlab.test/acme/ml/-/jobs/1",
        "STACK": "dev",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "drift.json"

    def call(report: Report | None) -> int:
        file.write_text(report.model_dump_json() if report else "", encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["drift_issue", str(file)])
        return drift_issue.main()

    yield call
    server.shutdown()
    server.server_close()


def test_it_is_opened_once_written_anew_and_closed(run: Run, issues: Issues) -> None:
    assert run(DRIFTED) == 0
    assert run(DRIFTED) == 0
    (issue,) = issues.known
    assert issue["title"] == "dev differs from what was deployed"
    assert "| `mlstack-access-role` | `aws:iam/role:Role` | is gone |" in issue["description"]
    assert issue["state"] == "opened"
    assert run(CLEAN) == 0
    assert issue["state"] == "closed"
    assert run(DRIFTED) == 0
    assert [each["state"] for each in issues.known] == ["closed", "opened"]


def test_an_issue_of_somebody_else_or_about_another_environment_is_left_alone(run: Run, issues: Issues) -> None:
    for title, author in (("dev differs from what was deployed", 7), ("prod differs from what was deployed", US)):
        issue = {"iid": len(issues.known) + 1, "author": author, "state": "opened", "labels": "drift", "title": title}
        issues.known.append(issue)
    assert run(CLEAN) == 0
    assert issues.writes == []


@pytest.mark.parametrize("report", [None, CLEAN.model_copy(update={"partial": True})], ids=["none", "failed"])
def test_a_run_that_failed_says_nothing_about_drift(
    run: Run, issues: Issues, report: Report | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(report) == 1
    assert issues.writes == []
    assert capsys.readouterr().err.count("\n") == 1
