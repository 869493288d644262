"""Which plan was approved with a merge in GitLab, asked of a stand-in for its API."""

from collections.abc import Iterator
from typing import Any

import pytest

from mlstack.review.forge.marker import Marker, write
from tests.review.forge.stand_in import StandIn, serving
from tools.gitlab import approved_plan

COMMIT = "c0ffee" * 6 + "abcd"
OF_THE_COMMIT = f"/api/v4/projects/5/repository/commits/{COMMIT}/merge_requests"
MERGED = {"iid": 7, "state": "merged", "merge_commit_sha": COMMIT, "squash_commit_sha": None, "sha": "0" * 40}


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving("gitlab") as stand_in:
        stand_in.more[OF_THE_COMMIT] = [MERGED]
        for name, value in {**stand_in.environment, "CI_COMMIT_SHA": COMMIT, "STACK": "prod"}.items():
            monkeypatch.setenv(name, value)
        yield stand_in


def note(environment: str = "prod", plan: str | None = "abc123", **more: Any) -> str:
    return f"{write(Marker(project='ml', environment=environment, plan=plan, **more))}\n\nwhat it does"


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    assert approved_plan.main() == 0
    return capsys.readouterr().out.strip()


def test_the_plan_is_that_of_our_own_note_about_this_environment(
    gitlab: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    gitlab.says("looks good")
    gitlab.says(note("dev", "d0d0"))
    gitlab.says(note())
    assert printed(capsys) == "abc123"


@pytest.mark.parametrize("squash", [False, True], ids=["fast-forward", "squash"])
def test_a_merge_without_a_commit_of_its_own_counts_too(
    gitlab: StandIn, squash: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    merge = {"merge_commit_sha": None, "squash_commit_sha" if squash else "sha": COMMIT}
    gitlab.more[OF_THE_COMMIT] = [{**MERGED, **merge}]
    gitlab.says(note())
    assert printed(capsys) == "abc123"


def test_what_somebody_else_wrote_approves_nothing(gitlab: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    gitlab.says(note(), author=99)
    assert printed(capsys) == ""


@pytest.mark.parametrize("body", [note(truncated=True), note(plan=None), "no marker"])
def test_a_note_that_did_not_show_all_of_a_plan_approves_nothing(
    gitlab: StandIn, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    gitlab.says(body)
    assert printed(capsys) == ""


def test_a_commit_that_was_only_part_of_a_merge_request_approves_nothing(
    gitlab: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    gitlab.more[OF_THE_COMMIT] = [{**MERGED, "merge_commit_sha": "1" * 40}, {**MERGED, "state": "opened"}]
    gitlab.says(note())
    assert printed(capsys) == ""


def test_without_a_token_there_is_one_message_and_an_exit_code(
    gitlab: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    assert approved_plan.main() == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "GITLAB_TOKEN is not set" in said.err
