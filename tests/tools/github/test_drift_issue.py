"""One issue for each environment that differs, which goes by itself."""

import sys
from pathlib import Path
from typing import Any

import pytest

from mlstack.review.model import Change, Report
from tests.tools.github.fake import Gh
from tools.drift import described
from tools.github import drift_issue

URN = "urn:pulumi:dev::mlstack::mlstack:index:MLStack$aws:s3/bucket:Bucket::mlstack-artifacts-bucket"
CHANGES = (
    Change(
        operation="update",
        urn=URN,
        type="aws:s3/bucket:Bucket",
        name="mlstack-artifacts-bucket",
        component="ArtifactStore",
        old={"tags": {"owner": "s3cret"}, "policy": "a", "bucket": "same"},
        new={"tags": {}, "policy": "b", "bucket": "same"},
    ),
    Change(operation="delete", urn=f"{URN}-role", type="aws:iam/role:Role", name="`@ada|\nrole", component="Role"),
)
DRIFTED = Report(project="mlstack", environment="dev", drift=True, changes=CHANGES)
CLEAN = DRIFTED.model_copy(update={"changes": ()})
FAILED = CLEAN.model_copy(update={"partial": True, "problems": ("no credentials",)})


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "drift.json"


@pytest.fixture
def run(gh: Gh, monkeypatch: pytest.MonkeyPatch, written: Path) -> Any:
    monkeypatch.setenv("STACK", "dev")
    monkeypatch.setenv("RUN_URL", "https://github.com/acme/ml-platform/actions/runs/1")

    def call(report: Report | None, *open_issues: dict[str, Any]) -> int:
        gh.answers(issues=[[], list(open_issues)])
        written.write_text(report.model_dump_json() if report else "", encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["drift_issue", str(written)])
        return drift_issue.main()

    return call


def issue(number: int, stack: str = "dev", **more: Any) -> dict[str, Any]:
    known = {"number": number, "title": f"{stack} differs from what was deployed"}
    return {**known, "user": {"login": "github-actions[bot]"}, **more}


def test_the_first_time_an_issue_is_opened_that_says_what_differs_and_shows_no_value(run: Any, gh: Gh) -> None:
    assert (
        run(
            DRIFTED,
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
    assert "| `mlstack-artifacts-bucket` | `aws:s3/bucket:Bucket` | changed: policy, tags |" in body
    assert "is gone" in body
    assert "s3cret" not in body
    assert "@" not in body, "nobody is called"
    rows = [line for line in body.splitlines() if line.startswith("| `")]
    assert len(rows) == 2, "what is as it was is not listed"


def test_the_next_time_the_same_issue_is_written_anew(run: Any, gh: Gh) -> None:
    assert run(DRIFTED, issue(9), issue(6)) == 0
    ((words, body),) = gh.changes()
    assert words[:3] == ["issue", "edit", "6"]
    assert "mlstack-artifacts-bucket" in body


def test_when_nothing_differs_any_more_it_is_closed(run: Any, gh: Gh) -> None:
    assert run(CLEAN, issue(6)) == 0
    ((words, _),) = gh.changes()
    assert words[:3] == ["issue", "close", "6"]


def test_when_nothing_ever_differed_nothing_is_written(run: Any, gh: Gh) -> None:
    assert run(CLEAN) == 0
    assert gh.changes() == []


@pytest.mark.parametrize("report", [CLEAN.model_copy(update={"drift": False}), FAILED], ids=["a preview", "failed"])
def test_a_run_that_failed_says_nothing_about_drift(
    run: Any, gh: Gh, report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(report, issue(6)) == 1
    assert gh.asked() == []
    assert "whether dev has drifted is not known" in capsys.readouterr().err


def test_a_report_that_is_none_is_one_message(run: Any, gh: Gh, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(None) == 1
    assert gh.changes() == []
    assert capsys.readouterr().err == "::error::drift.json is not what `mlstack review --drift --json` prints\n"


def test_two_thousand_resources_fit_an_issue() -> None:
    many = DRIFTED.model_copy(update={"changes": CHANGES[:1] * 2000})
    body = described(many, "dev", "https://example.com")
    assert len(body) < 65_536
    assert "and 1900 more" in body
