"""Where to post comes from the CI's own variables; one that is missing is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlstack.errors import UsageError
from mlstack.review.forge.bitbucket import Bitbucket
from mlstack.review.forge.github import GitHub
from mlstack.review.forge.gitlab import GitLab
from mlstack.review.forge.place import comments, running_on

SECRET = "planted-token-0123456789"


def event(folder: Path, content: Any) -> str:
    file = folder / "event.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


@pytest.fixture
def on_github(tmp_path: Path) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_TOKEN": SECRET,
        "GITHUB_REPOSITORY": "acme/ml",
        "GITHUB_EVENT_PATH": event(tmp_path, {"pull_request": {"number": 7}}),
    }


ON_GITLAB = {
    "GITLAB_CI": "true",
    "GITLAB_TOKEN": SECRET,
    "CI_API_V4_URL": "https://gitlab.test/api/v4",
    "CI_PROJECT_ID": "5",
    "CI_PROJECT_URL": "https://gitlab.test/acme/ml",
    "CI_MERGE_REQUEST_IID": "7",
}
ON_BITBUCKET = {
    "BITBUCKET_BUILD_NUMBER": "1",
    "BITBUCKET_TOKEN": SECRET,
    "BITBUCKET_WORKSPACE": "acme",
    "BITBUCKET_REPO_SLUG": "ml",
    "BITBUCKET_PR_ID": "7",
}


def test_a_job_of_github_says_where(on_github: dict[str, str], tmp_path: Path) -> None:
    found = comments(on_github)
    assert isinstance(found, GitHub)
    assert (found.repository, found.pull_request) == ("acme/ml", 7)
    assert (found.connection.api, found.graphql) == ("https://api.github.com", "https://api.github.com")
    on_github["GITHUB_EVENT_PATH"] = event(tmp_path, {"issue": {"number": 8, "pull_request": {}}})
    on_github["GITHUB_API_URL"] = "https://github.acme.test/api/v3"
    found = comments(on_github)
    assert isinstance(found, GitHub)
    assert found.pull_request == 8, "a comment on a pull request is an event of its issue"
    assert found.graphql == "https://github.acme.test/api", "an Enterprise Server"


def test_a_job_of_gitlab_says_where() -> None:
    found = comments(ON_GITLAB)
    assert isinstance(found, GitLab)
    assert (found.project, found.merge_request) == ("5", 7)
    assert found.page == "https://gitlab.test/acme/ml/-/merge_requests/7"
    fork = comments(ON_GITLAB | {"CI_PROJECT_ID": "99", "CI_MERGE_REQUEST_PROJECT_ID": "5"})
    assert isinstance(fork, GitLab)
    assert fork.project == "5", "a fork's pipeline runs in the fork, the merge request is the other's"


def test_a_job_of_bitbucket_says_where() -> None:
    found = comments(ON_BITBUCKET)
    assert isinstance(found, Bitbucket)
    assert (found.workspace, found.slug, found.pull_request) == ("acme", "ml", 7)


def test_what_is_given_goes_before_the_variables(on_github: dict[str, str]) -> None:
    github = comments(on_github, repository="other/one", pull_request=9, api="https://x.test/api/v3/")
    assert isinstance(github, GitHub)
    assert (github.repository, github.pull_request) == ("other/one", 9)
    assert github.connection.api == "https://x.test/api/v3"
    gitlab = comments(ON_GITLAB | on_github, forge="gitlab", repository="group/ml", pull_request=9)
    assert isinstance(gitlab, GitLab)
    assert (gitlab.project, gitlab.merge_request) == ("group/ml", 9)
    bitbucket = comments({"BITBUCKET_TOKEN": SECRET}, forge="bitbucket", repository="a/b", pull_request=1)
    assert isinstance(bitbucket, Bitbucket)
    assert (bitbucket.workspace, bitbucket.slug) == ("a", "b")


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH"])
def test_a_missing_variable_of_github_is_named(on_github: dict[str, str], missing: str) -> None:
    refused(on_github | {missing: ""}, missing)


@pytest.mark.parametrize("missing", ["GITLAB_TOKEN", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID", "CI_API_V4_URL"])
def test_a_missing_variable_of_gitlab_is_named(missing: str) -> None:
    refused({name: value for name, value in ON_GITLAB.items() if name != missing}, missing)


@pytest.mark.parametrize(
    "missing", ["BITBUCKET_TOKEN", "BITBUCKET_WORKSPACE", "BITBUCKET_REPO_SLUG", "BITBUCKET_PR_ID"]
)
def test_a_missing_variable_of_bitbucket_is_named(missing: str) -> None:
    refused({name: value for name, value in ON_BITBUCKET.items() if name != missing}, missing)


def test_an_event_that_is_not_of_a_pull_request_says_which_events_are(
    on_github: dict[str, str], tmp_path: Path
) -> None:
    others: list[Any] = [{"ref": "main"}, {"issue": {"number": 3}}, {"pull_request": None}, [], "{"]
    for content in others:
        on_github["GITHUB_EVENT_PATH"] = event(tmp_path, content)
        refused(on_github, "GITHUB_EVENT_PATH")
    refused(on_github | {"GITHUB_EVENT_PATH": str(tmp_path / "none.json")}, "GITHUB_EVENT_PATH")


def test_a_number_or_a_name_that_is_none_never_becomes_part_of_an_address(on_github: dict[str, str]) -> None:
    refused(ON_GITLAB | {"CI_MERGE_REQUEST_IID": "7/../8"}, "CI_MERGE_REQUEST_IID")
    refused(ON_BITBUCKET | {"BITBUCKET_PR_ID": "0"}, "BITBUCKET_PR_ID")
    refused(on_github | {"GITHUB_REPOSITORY": "acme/../ml"}, "OWNER/NAME")
    refused(on_github | {"GITHUB_REPOSITORY": "acme"}, "OWNER/NAME")
    with pytest.raises(UsageError, match="--pull-request"):
        comments(on_github, pull_request=-1)
    found = comments(ON_GITLAB, repository="../../user?x=")
    assert isinstance(found, GitLab)
    assert found._notes == "/projects/..%2F..%2Fuser%3Fx%3D/merge_requests/7/notes"


def test_a_token_with_a_line_end_is_taken_without_and_one_that_is_none_is_not_shown(on_github: dict[str, str]) -> None:
    found = comments(on_github | {"GITHUB_TOKEN": f"{SECRET}\n"})
    assert isinstance(found, GitHub)
    assert found.connection.token == SECRET
    refused(on_github | {"GITHUB_TOKEN": f"{SECRET}\n{SECRET}"}, "GITHUB_TOKEN")
    refused(on_github | {"GITHUB_TOKEN": f"{SECRET}é"}, "GITHUB_TOKEN")


def test_outside_of_a_ci_the_forge_has_to_be_given() -> None:
    assert running_on({}) is None
    refused({}, "--forge")
    with pytest.raises(UsageError, match="did you mean gitlab"):
        comments({}, forge="gitlib")


def refused(environment: dict[str, str], named: str) -> None:
    with pytest.raises(UsageError) as caught:
        comments(environment)
    assert named in str(caught.value)
    assert caught.value.hint
    assert SECRET not in str(caught.value)
