"""One issue for each environment that differs, which goes by itself."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tools.github.fake import Gh
from tools.github import drift_issue

URN = "urn:pulumi:dev::mlstack::mlstack:index:MLStack$aws:s3/bucket:Bucket::mlstack-artifacts-bucket"
STEPS: list[dict[str, Any]] = [
    {"op": "same", "urn": "urn:pulumi:dev::mlstack::pulumi:pulumi:Stack::mlstack-dev"},
    {"op": "refresh", "urn": URN.replace("artifacts", "logs")},
    {"op": "update", "urn": URN, "detailedDiff": {"tags.owner": {}, "policy": {}}, "newState": {"inputs": "s3cret"}},
    {"op": "delete", "urn": URN.replace("bucket", "`@ada|\nrole")},
]


@pytest.fixture
def digest(tmp_path: Path) -> Path:
    file = tmp_path / "drift.json"
    file.write_text(json.dumps({"steps": STEPS}), encoding="utf-8")
    return file


@pytest.fixture
def run(gh: Gh, monkeypatch: pytest.MonkeyPatch, digest: Path) -> Any:
    monkeypatch.setenv("STACK", "dev")
    monkeypatch.setenv("RUN_URL", "https://github.com/acme/ml-platform/actions/runs/1")

    def call(code: int, *open_issues: dict[str, Any]) -> int:
        gh.answers(issues=[[], list(open_issues)])
        monkeypatch.setattr(sys, "argv", ["drift_issue", str(digest), str(code)])
        return drift_issue.main()

    return call


def issue(number: int, stack: str = "dev", **more: Any) -> dict[str, Any]:
    known = {"number": number, "title": f"{stack} differs from what was deployed"}
    return {**known, "user": {"login": "github-actions[bot]"}, **more}


def test_the_first_time_an_issue_is_opened_that_says_what_differs_and_shows_no_value(run: Any, gh: Gh) -> None:
    assert (
        run(
            7,
            issue(3, "prod"),
            issue(4, title="dev is slow"),
            issue(5, pull_request={}),
            issue(2, user={"login": "ada"}),
        )
        == 0
    )
    (label, _), (words, body) = gh.changes()
    assert label[:3] == ["label", "create", "drift"]
    assert words[:2] == ["issue", "create"]
    assert "dev differs from what was deployed" in words
    assert "| `mlstack-artifacts-bucket` | `aws:s3/bucket:Bucket` | changed: policy, tags.owner |" in body
    assert "is gone" in body
    assert "s3cret" not in body
    assert "@" not in body, "nobody is called"
    rows = [line for line in body.splitlines() if line.startswith("| `")]
    assert len(rows) == 2, "what is as it was is not listed"


def test_the_next_time_the_same_issue_is_written_anew(run: Any, gh: Gh) -> None:
    assert run(7, issue(9), issue(6)) == 0
    ((words, body),) = gh.changes()
    assert words[:3] == ["issue", "edit", "6"]
    assert "mlstack-artifacts-bucket" in body


def test_when_nothing_differs_any_more_it_is_closed(run: Any, gh: Gh) -> None:
    assert run(0, issue(6)) == 0
    ((words, _),) = gh.changes()
    assert words[:3] == ["issue", "close", "6"]


def test_when_nothing_ever_differed_nothing_is_written(run: Any, gh: Gh) -> None:
    assert run(0) == 0
    assert gh.changes() == []


@pytest.mark.parametrize("code", [1, 2, 3, 6, 8, 255])
def test_a_run_that_failed_says_nothing_about_drift(
    run: Any, gh: Gh, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(code, issue(6)) == 1
    assert gh.asked() == []
    assert f"ended with {code}" in capsys.readouterr().err


def test_a_digest_that_is_none_is_one_message(
    run: Any, gh: Gh, digest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest.write_text("", encoding="utf-8")
    assert run(7) == 1
    assert gh.changes() == []
    assert capsys.readouterr().err == "::error::drift.json is not the digest of a refresh\n"


def test_two_thousand_resources_fit_an_issue() -> None:
    steps = [{**STEPS[2], "urn": f"{URN}-{number}"} for number in range(2000)]
    body = drift_issue.described({"steps": steps}, "dev", "https://example.com")
    assert len(body) < 65_536
    assert "and 1900 more" in body
