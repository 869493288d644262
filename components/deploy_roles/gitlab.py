"""GitLab: what stands in the claims of a job's ID token, and the roles that such a token gets.

What GitLab writes: https://docs.gitlab.com/ci/secrets/id_token_authentication/
What AWS compares, `sub` and `aud` of any GitLab and more claims of gitlab.com alone:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pulumi import ResourceOptions

from components.deploy_roles.roles import DeployRoles, DeployRolesArgs, Forge, Tokens
from mlstack.errors import UsageError

GITLAB_COM = "https://gitlab.com"
AUDIENCE = "sts.amazonaws.com"
PREVIEW = "gitlab-preview"
DEPLOY = "gitlab-deploy"

PREVIEWING = ("merge_request_event", "schedule")
"""Sources of the pipelines that preview, and that look for drift."""
COMPONENTS = ("project_path", "ref_type", "ref")
"""Of `sub`, unless the project's `ci_id_token_sub_claim_components` says something else."""
TIERS = ("production", "staging", "testing", "development", "other")

_KNOWN = ("project_path", "project_id", "ref_type", "ref", "ref_protected", "environment_protected", "deployment_tier")
# A path is optional; AWS takes neither a port nor a query, and compares with what GitLab writes as `iss`.
_URL = r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~-]+)*"
_PATH = r"[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+"
_BRANCH = r"[A-Za-z0-9][A-Za-z0-9._/#-]*"
_AUDIENCE = r"[A-Za-z0-9._~:/-]{1,255}"


@dataclass(frozen=True, kw_only=True)
class GitLabProject:
    """A project as its tokens name it.

    Raises UsageError for what no token names, such as the pattern `acme/*`, and for a `sub` that says too little.
    """

    path: str
    """`group/subgroup/project`, written exactly as GitLab shows it: the claim is compared with upper and lower case."""
    url: str = GITLAB_COM
    """Of the GitLab: the `iss` of its tokens. AWS must be able to read `<url>/.well-known/openid-configuration`."""
    id: int | None = None
    """The number that GitLab never gives twice (`CI_PROJECT_ID`). AWS compares it for gitlab.com; for any other GitLab
    only where it stands in `sub`."""
    sub_components: tuple[str, ...] = COMPONENTS
    """The project's `ci_id_token_sub_claim_components`, in their order."""

    def __post_init__(self) -> None:
        _check(
            "GitLab's address",
            self.url,
            _URL,
            "write it as in the `iss` of its tokens: https://, no port, no slash at the end; AWS takes nothing else",
        )
        _check(
            "the GitLab project",
            self.path,
            _PATH,
            "write one project with its groups, without wildcards: acme/platform/ml-platform",
        )
        if self.id is not None and self.id <= 0:
            raise UsageError(f"the id of the GitLab project is {self.id}", hint="CI_PROJECT_ID of any job is it")
        self._check_components()

    def _check_components(self) -> None:
        listed = ", ".join(self.sub_components)
        wrong = [each for each in self.sub_components if each not in _KNOWN]
        if wrong:
            raise UsageError(
                f"the components of GitLab's sub are {listed}: {wrong[0]} is none that is trusted",
                # A fork's merge request that runs in the parent project bears the parent's job_project_path.
                hint=f"those of the project itself are {', '.join(_KNOWN)}",
            )
        if self.sub_components[:1] not in (("project_path",), ("project_id",)) or not {"ref_type", "ref"} < set(
            self.sub_components
        ):
            raise UsageError(
                f"the components of GitLab's sub are {listed or 'none'}: any branch and tag would be the same to AWS",
                hint="begin with project_path or project_id, and have ref_type and ref among them",
            )
        if len(set(self.sub_components)) < len(self.sub_components):
            raise UsageError(f"the components of GitLab's sub are {listed}", hint="name each once")
        if "project_id" in self.sub_components and self.id is None:
            raise UsageError(
                "project_id is a component of GitLab's sub, and the project's id is not known",
                hint="give it as well: CI_PROJECT_ID of any job is it",
            )
        if self.id is not None and "project_id" not in self.sub_components and not self.on_gitlab_com:
            raise UsageError(
                f"the project's id is {self.id}, and AWS compares only sub and aud of {self.url}",
                hint="leave the id out, or let the project's ci_id_token_sub_claim_components begin with project_id",
            )

    @property
    def on_gitlab_com(self) -> bool:
        return self.url == GITLAB_COM

    @property
    def issuer(self) -> str:
        return self.url.removeprefix("https://")

    def reviews(self) -> Tokens:
        """Of jobs on any branch, merge requests among them: GitLab writes the branch that is to be merged into `sub`.

        No pattern reaches another project, or a tag: `:` is in no path and in no name of a branch.
        A merge request of a fork bears the fork's project. On gitlab.com only what PREVIEWING names gets the role.
        """
        return Tokens(
            equal=self._of_gitlab_com({"pipeline_source": PREVIEWING}),
            like={"sub": self._sub({"ref": "*", "ref_protected": "*"})},
        )

    def deployment(self, branch: str, tier: str | None = None) -> Tokens:
        """Of jobs on this branch; on gitlab.com, or with `ref_protected` in `sub`, only while it is protected.

        With `environment_protected` and `deployment_tier` in `sub`, of jobs with such an environment.
        """
        _check("the GitLab branch", branch, _BRANCH, "write one branch's name, without wildcards")
        values = {"ref": branch, "ref_protected": "true", "environment_protected": "true"}
        return Tokens(
            equal={
                "sub": self._sub({**values, **({} if tier is None else {"deployment_tier": tier})}),
                **self._of_gitlab_com({"ref_protected": "true"}),
            }
        )

    def _of_gitlab_com(self, claims: Mapping[str, str | tuple[str, ...]]) -> dict[str, str | tuple[str, ...]]:
        if not self.on_gitlab_com:
            return {}
        return {**claims, **({} if self.id is None else {"project_id": str(self.id)})}

    def _sub(self, values: Mapping[str, str]) -> str:
        """GitLab leaves out the components that a job does not have."""
        known = {"project_path": self.path, "project_id": str(self.id), "ref_type": "branch", **values}
        return ":".join(f"{each}:{known[each]}" for each in self.sub_components if each in known)


@dataclass(frozen=True, kw_only=True)
class GitLabDeployRolesArgs(DeployRolesArgs):
    project: GitLabProject
    branch: str = "main"
    """The protected branch that is deployed."""
    audience: str = AUDIENCE
    """The `aud` of the pipeline's `id_tokens`. A provider that is there already must have it among its audiences."""
    tiers: Mapping[str, str] = field(default_factory=dict)
    """`deployment_tier` by environment, for a `sub` that has it. Environments of one tier share their tokens."""


class GitLabDeployRoles(DeployRoles):
    """Two roles for each environment: merge requests may read, a job of the protected branch may deploy.

    GitLab's `sub` names no environment. With `environment_protected` and `deployment_tier` among its components
    (GitLab 18.7; protected environments are of GitLab Premium), a job gets the role of its environment's tier only.

    Raises UsageError when the environments are of several accounts, the provider is of another one, or the tiers and
    the components of `sub` do not go together.
    """

    def __init__(self, name: str, args: GitLabDeployRolesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:GitLabDeployRoles", name, args, _forge(args), opts)


def _forge(args: GitLabDeployRolesArgs) -> Forge:
    project = args.project
    _check("the audience", args.audience, _AUDIENCE, f"write the aud of the pipeline's id_tokens, such as {AUDIENCE}")
    _check_tiers(args)
    return Forge(
        name="GitLab",
        issuer=project.issuer,
        audience=args.audience,
        project=project.path,
        reviews="merge requests",
        previews=project.reviews(),
        deploys=lambda environment: project.deployment(args.branch, args.tiers.get(environment)),
    )


def _check_tiers(args: GitLabDeployRolesArgs) -> None:
    in_sub = "deployment_tier" in args.project.sub_components
    if args.tiers and not in_sub:
        raise UsageError(
            "deployment tiers are given, and GitLab's sub has none: AWS would not see them",
            hint="add deployment_tier to the project's ci_id_token_sub_claim_components, or leave the tiers out",
        )
    for environment in (of.names.environment for of in args.environments) if in_sub else ():
        tier = args.tiers.get(environment)
        if tier not in TIERS:
            raise UsageError(
                f"the deployment tier of {environment} is {tier!r}",
                hint=f"write what the pipeline says for that environment: {', '.join(TIERS)}",
            )


def _check(what: str, value: str, allowed: str, hint: str) -> None:
    if not re.fullmatch(allowed, value):
        raise UsageError(f"{what} is {value!r}", hint=hint)
