"""Which forge a job runs on, and the pull or merge request there."""

from collections.abc import Mapping
from typing import Literal, get_args

from mlstack.errors import UsageError, nearest
from mlstack.review.forge import bitbucket, github, gitlab
from mlstack.review.forge.sticky import Comments

Name = Literal["github", "gitlab", "bitbucket"]
NAMES: tuple[Name, ...] = get_args(Name)
_SET_BY: dict[str, Name] = {
    "GITHUB_ACTIONS": "github",
    "GITLAB_CI": "gitlab",
    "BITBUCKET_BUILD_NUMBER": "bitbucket",
}
"""Variables that a CI sets in each of its jobs, and nobody elsewhere."""


def running_on(environment: Mapping[str, str]) -> Name | None:
    """The forge whose job this is; None outside of their CI."""
    return next((name for variable, name in _SET_BY.items() if environment.get(variable)), None)


def comments(
    environment: Mapping[str, str],
    *,
    forge: str | None = None,
    repository: str | None = None,
    pull_request: int | None = None,
    api: str | None = None,
) -> Comments:
    """The comments of the pull or merge request of this job; what is given explicitly goes before its variables.

    Raises `UsageError` that names the variable which is missing.
    """
    name = forge or running_on(environment)
    if name is None:
        raise UsageError(
            f"none of {', '.join(_SET_BY)} is set, so this is no job of a forge",
            hint=f"give --forge {'|'.join(NAMES)}, --repository and --pull-request",
        )
    match name:
        case "github":
            return github.from_environment(environment, repository=repository, pull_request=pull_request, api=api)
        case "gitlab":
            return gitlab.from_environment(environment, repository=repository, pull_request=pull_request, api=api)
        case "bitbucket":
            return bitbucket.from_environment(environment, repository=repository, pull_request=pull_request, api=api)
        case _:
            raise UsageError(f"--forge is {name!r}{nearest(name, NAMES)}", hint=f"use one of {', '.join(NAMES)}")
