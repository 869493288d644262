"""Two roles for each environment, whatever the forge: one previews, one deploys. No key of AWS is kept there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws import iam

from components.after import after
from components.deploy_roles.manages import manages
from components.deploy_roles.network import manages_jobs_group, manages_network
from components.deploy_roles.reads import reads
from components.iam import MANAGED_POLICY_LIMIT, Conditions, Statement, document
from components.managed import Managed
from components.role import Role, RoleArgs
from components.state_access import State, reads_state, writes_state
from mlstack.errors import UsageError

_OIDC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html"


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Those that get a role, by claim. Their audience is asked for besides."""

    equal: Mapping[str, str | tuple[str, ...]]
    """One of these values."""
    like: Mapping[str, str] = field(default_factory=dict)
    """A pattern, with `*` for what nobody can list: the name of a branch under review."""


@dataclass(frozen=True, kw_only=True)
class Forge:
    """What is each forge's own."""

    name: str
    """As people write it. In lower case it is part of the roles' names."""
    issuer: str
    """Of its tokens, without `https://`: AWS puts it before the claims that it compares."""
    audience: str
    project: str
    """Whose jobs they are, for descriptions."""
    reviews: str
    """What its previews are for: `pull requests`, `merge requests`."""
    previews: Tokens
    deploys: Callable[[str], Tokens]
    """By name of the environment."""

    @property
    def preview(self) -> str:
        """Purpose of the role that previews: last part of its name."""
        return f"{self.name.lower()}-preview"

    @property
    def deploy(self) -> str:
        """Purpose of the role that deploys: last part of its name."""
        return f"{self.name.lower()}-deploy"


@dataclass(frozen=True, kw_only=True)
class DeployRolesArgs:
    environments: tuple[Managed, ...]
    """Those of one account. Each is deployed by the forge's environment of the same name, which is to be protected."""
    state: State
    provider_arn: str | None = None
    """The account's OIDC provider for the forge, of which AWS allows one. None: it is made."""
    permissions_boundary: str | None = None
    """ARN of the policy that limits the roles made here; `Managed` has the one of the environments' own roles."""
    max_session_seconds: int = 3600
    """How long a run may take."""
    tags: dict[str, str] = field(default_factory=dict)


class DeployRoles(ComponentResource):
    """Two roles for each environment: reviews may read, a job of the environment may deploy.

    Raises UsageError when the environments are of several accounts, or the provider is of another one.
    """

    provider_arn: Output[str]
    """ARN of the account's OIDC provider for the forge."""
    preview_role_arns: Output[dict[str, str]]
    """By environment: what jobs assume that preview, or look for drift."""
    deploy_role_arns: Output[dict[str, str]]
    """By environment: what jobs assume that deploy."""

    def __init__(
        self, type_: str, name: str, args: DeployRolesArgs, forge: Forge, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(type_, name, {}, opts)
        self._name, self._args, self._forge, self._mine = name, args, forge, ResourceOptions(parent=self)
        self._issuer = _provider_of(args, forge)
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
            url=f"https://{self._forge.issuer}",
            client_id_lists=[self._forge.audience],
            tags=self._args.tags,
            opts=self._mine,
        )
        return after(self._issuer, made.url)

    def _preview(self, of: Managed) -> Role:
        forge, state = self._forge, self._args.state
        return self._role(
            of,
            "preview",
            forge.preview,
            f"Previews {of.names.base} in {forge.reviews} of {forge.project}: reads only",
            forge.previews,
            (*reads_state(state, of.names, of.project), *reads(of)),
        )

    def _deploy(self, of: Managed) -> Output[str]:
        forge, state = self._forge, self._args.state
        role = self._role(
            of,
            "deploy",
            forge.deploy,
            f"Deploys {of.names.base} from {forge.project}",
            forge.deploys(of.names.environment),
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
        self,
        of: Managed,
        job: str,
        purpose: str,
        description: str,
        tokens: Tokens,
        permissions: tuple[Statement, ...],
    ) -> Role:
        return Role(
            f"{self._name}-{of.names.environment}-{job}",
            RoleArgs(
                names=of.names,
                purpose=purpose,
                description=description,
                trust=trust(self._forge, self._issuer, tokens),
                permissions=permissions,
                max_session_seconds=self._args.max_session_seconds,
                permissions_boundary=self._args.permissions_boundary,
                tags=self._args.tags,
            ),
            self._mine,
        )

    def _attach(self, of: Managed, role: Role, what: str, statements: tuple[Statement, ...]) -> Output[str]:
        purpose = f"{self._forge.deploy}-{what}"
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
            role=after(of.names.role(self._forge.deploy), role.arn),
            policy_arn=after(
                f"arn:{of.names.partition}:iam::{of.names.account_id}:policy{of.names.role_path}{name}", policy.name
            ),
            opts=self._mine,
        )
        attached: Output[str] = attachment.role
        return attached


def trust(forge: Forge, provider_arn: str, tokens: Tokens) -> Statement:
    """Lets exactly these jobs assume the role, with a token that was made for AWS."""
    equal = {"aud": forge.audience, **tokens.equal}
    conditions: Conditions = {
        operator: {f"{forge.issuer}:{claim}": value for claim, value in claims.items()}
        for operator, claims in (("StringEquals", equal), ("StringLike", tokens.like))
        if claims
    }
    return Statement(
        sid=forge.name,
        actions=("sts:AssumeRoleWithWebIdentity",),
        principals={"Federated": provider_arn},
        conditions=conditions,
        why=f"a job of this repository shows the token that {forge.name} signed for it",
        source=_OIDC,
    )


def _provider_of(args: DeployRolesArgs, forge: Forge) -> str:
    """The ARN that the provider has or will have."""
    accounts = sorted({of.names.account_id for of in args.environments})
    if len(accounts) != 1:
        raise UsageError(
            f"the environments are of {len(accounts)} accounts: {', '.join(accounts) or 'none is named'}",
            hint="roles are made in one account at a time: name the environments of one account",
        )
    names = args.environments[0].names
    expected = f"arn:{names.partition}:iam::{names.account_id}:oidc-provider/{forge.issuer}"
    if args.provider_arn not in (None, expected):
        raise UsageError(
            f"the OIDC provider is {args.provider_arn}", hint=f"the provider of the environments' account is {expected}"
        )
    return expected
