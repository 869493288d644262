"""The roles that GitHub's workflows assume, by OIDC: no key of AWS is kept at GitHub."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws import iam

from components.after import after
from components.github_manages import manages
from components.github_network import manages_jobs_group, manages_network
from components.github_reads import reads
from components.github_subject import AUDIENCE, ISSUER, GitHubRepository
from components.iam import MANAGED_POLICY_LIMIT, Statement, document
from components.managed import Managed
from components.role import Role, RoleArgs
from components.state_access import State, reads_state, writes_state
from mlstack.errors import UsageError

PREVIEW = "github-preview"
DEPLOY = "github-deploy"

_OIDC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html"


@dataclass(frozen=True, kw_only=True)
class GitHubDeployRolesArgs:
    repository: GitHubRepository
    environments: tuple[Managed, ...]
    """Those of one account. Each is deployed by the GitHub environment of the same name, which is to be protected."""
    state: State
    provider_arn: str | None = None
    """The account's provider for `token.actions.githubusercontent.com`, of which AWS allows one. None: it is made."""
    drift_branch: str | None = "main"
    """Branch whose scheduled runs may read, to look for drift. None: only pull requests may."""
    permissions_boundary: str | None = None
    """ARN of the policy that limits the roles made here; `Managed` has the one of the environments' own roles."""
    max_session_seconds: int = 3600
    """How long a run may take."""
    tags: dict[str, str] = field(default_factory=dict)


class GitHubDeployRoles(ComponentResource):
    """Two roles for each environment: pull requests may read, a job of the protected environment may deploy.

    Raises UsageError when the environments are of several accounts, or the provider is of another one.
    """

    provider_arn: Output[str]
    """ARN of the account's OIDC provider for GitHub."""
    preview_role_arns: Output[dict[str, str]]
    """By environment: what `preview.yml` and `drift.yml` assume."""
    deploy_role_arns: Output[dict[str, str]]
    """By environment: what `deploy.yml` assumes."""

    def __init__(self, name: str, args: GitHubDeployRolesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:GitHubDeployRoles", name, {}, opts)
        self._name, self._args, self._mine = name, args, ResourceOptions(parent=self)
        self._issuer = _provider_of(args)
        self.provider_arn = self._make_provider() if args.provider_arn is None else Output.from_input(self._issuer)
        self.preview_role_arns = Output.all(**{of.names.environment: self._preview(of).arn for of in args.environments})
        self.deploy_role_arns = Output.all(**{of.names.environment: self._deploy(of) for of in args.environments})
        self.register_outputs(
            {
                "provider_arn": self.provider_arn,
                "preview_role_arns": self.preview_role_arns,
                "deploy_role_arns": self.deploy_role_arns,
            }
        )

    def _make_provider(self) -> Output[str]:
        made = iam.OpenIdConnectProvider(
            f"{self._name}-provider",
            url=f"https://{ISSUER}",
            client_id_lists=[AUDIENCE],
            tags=self._args.tags,
            opts=self._mine,
        )
        return after(self._issuer, made.url)

    def _preview(self, of: Managed) -> Role:
        repository, branch = self._args.repository, self._args.drift_branch
        subjects = (repository.pull_request(), *(() if branch is None else (repository.branch(branch),)))
        return self._role(
            of,
            PREVIEW,
            f"Previews {of.names.base} in pull requests of {repository.owner}/{repository.name}: reads only",
            subjects,
            (*reads_state(self._args.state, of.names, of.project), *reads(of)),
        )

    def _deploy(self, of: Managed) -> Output[str]:
        repository, state = self._args.repository, self._args.state
        role = self._role(
            of,
            DEPLOY,
            f"Deploys {of.names.base} from {repository.owner}/{repository.name}",
            (repository.environment(of.names.environment),),
            (*reads_state(state, of.names, of.project), *writes_state(state, of.names, of.project), *manages(of)),
        )
        # Reading, and the network beside it, would not fit into the 10,240 characters of inline policies.
        attached = [self._attach(of, role, "read", reads(of))]
        if of.network == "isolated":
            attached.append(self._attach(of, role, "network", manages_network(of)))
        elif of.jobs_group_in:
            attached.append(self._attach(of, role, "network", manages_jobs_group(of, of.jobs_group_in)))
        return after(role.plain_arn, *attached)

    def _role(
        self, of: Managed, purpose: str, description: str, subjects: tuple[str, ...], permissions: tuple[Statement, ...]
    ) -> Role:
        return Role(
            f"{self._name}-{of.names.environment}-{purpose.removeprefix('github-')}",
            RoleArgs(
                names=of.names,
                purpose=purpose,
                description=description,
                trust=trust(self._issuer, subjects),
                permissions=permissions,
                max_session_seconds=self._args.max_session_seconds,
                permissions_boundary=self._args.permissions_boundary,
                tags=self._args.tags,
            ),
            self._mine,
        )

    def _attach(self, of: Managed, role: Role, what: str, statements: tuple[Statement, ...]) -> Output[str]:
        purpose = f"{DEPLOY}-{what}"
        child = f"{self._name}-{of.names.environment}-deploy-{what}"
        name = of.names.role(purpose)
        policy = iam.Policy(
            child,
            name=name,
            path=of.names.role_path,
            policy=document(statements, limit=MANAGED_POLICY_LIMIT, what=f"the policy {purpose}"),
            tags=self._args.tags,
            opts=self._mine,
        )
        attachment = iam.RolePolicyAttachment(
            f"{child}-attachment",
            role=after(of.names.role(DEPLOY), role.arn),
            policy_arn=after(
                f"arn:{of.names.partition}:iam::{of.names.account_id}:policy{of.names.role_path}{name}", policy.name
            ),
            opts=self._mine,
        )
        attached: Output[str] = attachment.role
        return attached


def trust(provider_arn: str, subjects: tuple[str, ...]) -> Statement:
    """Lets exactly these subjects assume the role, with a token that was made for AWS."""
    return Statement(
        sid="GitHub",
        actions=("sts:AssumeRoleWithWebIdentity",),
        principals={"Federated": provider_arn},
        conditions={"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subjects}},
        why="a job of this repository shows the token that GitHub signed for it",
        source=_OIDC,
    )


def _provider_of(args: GitHubDeployRolesArgs) -> str:
    """The ARN that the provider has or will have."""
    accounts = sorted({of.names.account_id for of in args.environments})
    if len(accounts) != 1:
        raise UsageError(
            f"the environments are of {len(accounts)} accounts: {', '.join(accounts) or 'none is named'}",
            hint="roles are made in one account at a time: name the environments of one account",
        )
    names = args.environments[0].names
    expected = f"arn:{names.partition}:iam::{names.account_id}:oidc-provider/{ISSUER}"
    if args.provider_arn not in (None, expected):
        raise UsageError(
            f"the OIDC provider is {args.provider_arn}", hint=f"the provider of the environments' account is {expected}"
        )
    return expected
