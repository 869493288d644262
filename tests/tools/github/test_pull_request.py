"""A run of a fork is matched with its pull request by what GitHub says, never by what the run says."""

from typing import Any

import pytest

from tests.tools.github.fake import Gh
from tools.github import pull_request

COMMIT = "a" * 40


def pull(number: int, *, sha: str = COMMIT, repository: str | None = "mallory/ml-platform") -> dict[str, Any]:
    return {"number": number, "head": {"sha": sha, "repo": repository and {"full_name": repository}}}


@pytest.fixture
def run(gh: Gh, monkeypatch: pytest.MonkeyPatch) -> Gh:
    monkeypatch.setenv("HEAD_REPOSITORY", "mallory/ml-platform")
    monkeypatch.setenv("HEAD_BRANCH", "x; rm -rf $(HOME)")
    monkeypatch.setenv("HEAD_SHA", COMMIT)
    return gh


def test_the_pull_request_of_the_branch_and_commit_is_found(run: Gh, capsys: pytest.CaptureFixture[str]) -> None:
    run.answers(pulls=[[pull(7, sha="b" * 40)], [pull(8)]])
    assert pull_request.main() == 0
    assert capsys.readouterr().out == "number=8\n"
    ((words, _),) = run.asked()
    assert "head=mallory:x; rm -rf $(HOME)" in words, "one argument, whatever somebody called the branch"


@pytest.mark.parametrize(
    "found",
    [
        [],
        [pull(7, sha="b" * 40)],
        [pull(7, repository="mallory/other")],
        [pull(7, repository=None)],
        [pull(7), pull(8)],
    ],
    ids=["none", "branch moved on", "another fork", "fork deleted", "two"],
)
def test_when_it_is_not_clear_there_is_no_comment(
    run: Gh, capsys: pytest.CaptureFixture[str], found: list[dict[str, Any]]
) -> None:
    run.answers(pulls=[found])
    assert pull_request.main() == 0
    assert capsys.readouterr().out == "number=\n"


def test_a_refusal_of_github_is_one_message(run: Gh, capsys: pytest.CaptureFixture[str]) -> None:
    assert pull_request.main() == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "::error::gh api --method GET: HTTP 404: Not Found\n"
