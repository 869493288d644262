"""GitHub: what stands in the `sub` claim of a workflow's token, and the roles that such a token gets.

https://docs.github.com/en/actions/reference/security/oidc
"""

import re
from dataclasses import dataclass

from pulumi import ResourceOptions

from components.deploy_roles.roles import DeployRoles, DeployRolesArgs, Forge, Tokens
from mlstack.errors import UsageError

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
PREVIEW = "github-preview"
DEPLOY = "github-deploy"

_OWNER = r"[A-Za-z0-9](?:-?[A-Za-z0-9_])*"
_REPOSITORY = r"[A-Za-z0-9._-]+"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_BRANCH = r"[A-Za-z0-9][A-Za-z0-9._/-]*"


@dataclass(frozen=True, kw_only=True)
class ImmutableIds:
    """The numbers that GitHub never gives twice: `gh api repos/OWNER/REPO --jq '.owner.id, .id'`."""

    owner: int
    repository: int


@dataclass(frozen=True, kw_only=True)
class GitHubRepository:
    """A repository as its tokens name it.

    Raises UsageError for a name that GitHub does not have: a pattern such as `acme/*` is refused.
    """

    owner: str
    """Written exactly as GitHub shows it: the claim is compared with upper and lower case."""
    name: str
    ids: ImmutableIds | None = None
    """With them subjects are `repo:OWNER@ID/REPO@ID:...`, the form of repositories that were made, renamed or
    transferred after 15 July 2026, or that opted in. Without them the form is `repo:OWNER/REPO:...`."""

    def __post_init__(self) -> None:
        _check("owner", self.owner, _OWNER, "one owner's name, without wildcards")
        _check("repository", self.name, _REPOSITORY, "one repository's name, without the owner and without wildcards")
        for what, number in (
            () if self.ids is None else (("owner", self.ids.owner), ("repository", self.ids.repository))
        ):
            if number <= 0:
                raise UsageError(
                    f"the id of the GitHub {what} is {number}",
                    hint=f"gh api repos/{self.owner}/{self.name} --jq '.owner.id, .id' prints both",
                )

    def pull_request(self) -> str:
        """Of a run for `pull_request` whose job names no environment."""
        return self._subject("pull_request")

    def environment(self, name: str) -> str:
        """Of a job with `environment: name`, whatever started it."""
        _check("environment", name, _NAME, "one environment's name, without wildcards")
        return self._subject(f"environment:{name}")

    def branch(self, name: str) -> str:
        """Of a run on that branch whose job names no environment, scheduled runs among them."""
        _check("branch", name, _BRANCH, "one branch's name, without wildcards")
        return self._subject(f"ref:refs/heads/{name}")

    def _subject(self, what: str) -> str:
        if self.ids is None:
            return f"repo:{self.owner}/{self.name}:{what}"
        return f"repo:{self.owner}@{self.ids.owner}/{self.name}@{self.ids.repository}:{what}"


@dataclass(frozen=True, kw_only=True)
class GitHubDeployRolesArgs(DeployRolesArgs):
    repository: GitHubRepository
    drift_branch: str | None = "main"
    """Branch whose scheduled runs may read, to look for drift. None: only pull requests may."""


class GitHubDeployRoles(DeployRoles):
    """Two roles for each environment: pull requests may read, a job of the protected environment may deploy.

    Raises UsageError when the environments are of several accounts, or the provider is of another one.
    """

    def __init__(self, name: str, args: GitHubDeployRolesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:GitHubDeployRoles", name, args, _forge(args), opts)


def _forge(args: GitHubDeployRolesArgs) -> Forge:
    repository, branch = args.repository, args.drift_branch
    return Forge(
        name="GitHub",
        issuer=ISSUER,
        audience=AUDIENCE,
        project=f"{repository.owner}/{repository.name}",
        reviews="pull requests",
        previews=Tokens(
            equal={"sub": (repository.pull_request(), *(() if branch is None else (repository.branch(branch),)))}
        ),
        deploys=lambda environment: Tokens(equal={"sub": repository.environment(environment)}),
    )


def _check(what: str, value: str, allowed: str, hint: str) -> None:
    if not re.fullmatch(allowed, value):
        raise UsageError(f"the GitHub {what} is {value!r}", hint=f"write {hint}")
