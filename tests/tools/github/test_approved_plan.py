"""A plan counts as approved only when the workflow itself showed all of it on the pull request that was merged."""

from typing import Any

import pytest

from tests.tools.github.fake import Gh
from tools.github import approved_plan

COMMIT, PLAN = "a" * 40, "0123456789abcdef" * 4
MARKER = '<!-- mlstack-review v1 {{"project":"mlstack","environment":"{}","plan":"{}","truncated":{}}} -->'


def comment(
    stack: str = "dev",
    *,
    login: str = "github-actions[bot]",
    before: str = "",
    truncated: str = "false",
    plan: str = PLAN,
) -> dict[str, Any]:
    return {"user": {"login": login}, "body": f"{before}{MARKER.format(stack, plan, truncated)}\n## preview"}


def merged(number: int = 5, *, commit: str = COMMIT, at: str | None = "2026-11-25T12:00:00Z") -> dict[str, Any]:
    return {"number": number, "merge_commit_sha": commit, "merged_at": at}


@pytest.fixture
def run(gh: Gh, monkeypatch: pytest.MonkeyPatch) -> Gh:
    monkeypatch.setenv("GITHUB_SHA", COMMIT)
    monkeypatch.setenv("STACK", "dev")
    return gh


def printed(run: Gh, capsys: pytest.CaptureFixture[str], pulls: list[Any], comments: list[Any]) -> str:
    run.answers(**{f"commits/{COMMIT}/pulls": [pulls], "issues/5/comments": [[], comments]})
    assert approved_plan.main() == 0
    return capsys.readouterr().out


def test_the_plan_of_the_environment_is_found_among_others(run: Gh, capsys: pytest.CaptureFixture[str]) -> None:
    comments = [comment("prod", plan="f" * 64), {"user": {"login": "ada"}, "body": "nice"}, comment()]
    assert printed(run, capsys, [merged()], comments) == f"plan={PLAN}\n"


@pytest.mark.parametrize(
    ("pulls", "comments"),
    [
        ([], [comment()]),
        ([merged(at=None)], [comment()]),
        ([merged(commit="b" * 40)], [comment()]),
        ([merged()], []),
        ([merged()], [comment(login="mallory")]),
        ([merged()], [comment(login="github-actions")]),
        ([merged()], [{**comment(), "user": None}]),
        ([merged()], [comment(before="look:\n")]),
        ([merged()], [comment(truncated="true")]),
        ([merged()], [comment(truncated='"no"')]),
        ([merged()], [comment(plan="x; curl evil")]),
        ([merged()], [comment(plan="")]),
        ([merged()], [comment("dev2")]),
        ([merged()], [comment(), comment(plan="f" * 64)]),
    ],
    ids=[
        "no pull request",
        "not merged",
        "merged as another commit",
        "no comment",
        "of a person",
        "of a person called so",
        "of nobody",
        "quoted",
        "not all of it shown",
        "said oddly",
        "not a hash",
        "empty",
        "of another environment",
        "two that disagree",
    ],
)
def test_otherwise_nothing_is_approved(
    run: Gh, capsys: pytest.CaptureFixture[str], pulls: list[Any], comments: list[Any]
) -> None:
    assert printed(run, capsys, pulls, comments) == "plan=\n"
