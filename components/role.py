"""An IAM role for one purpose."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws import iam

from components.after import after
from components.iam import ROLE_POLICY_LIMIT, TRUST_POLICY_LIMIT, Statement, document
from components.names import Names


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    names: Names
    purpose: str
    """Last part of the role's name, such as `sagemaker`."""
    description: str
    trust: Statement
    """Who may assume it."""
    permissions: tuple[Statement, ...]
    max_session_seconds: int = 3600
    permissions_boundary: str | None = None
    """ARN of the policy that limits the role."""
    exclusive: bool = False
    """Take all other policies away from it."""
    keeps_trust: bool = False
    """An adopted role goes on being trusted as it was found."""
    tags: dict[str, str] = field(default_factory=dict)


class Role(ComponentResource):
    """A role with one inline policy: what it may do stands in one document. An existing one is used as it is."""

    arn: Output[str]
    """Resolves once the permissions are in place: a job started with a bare role would fail."""

    def __init__(self, name: str, args: RoleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:Role", name, {}, opts)
        self.plain_arn = args.names.role_arn(args.purpose)
        made = () if args.purpose in args.names.existing.role_arns else (self._make(name, args).role,)
        self.arn = after(self.plain_arn, *made)
        self.register_outputs({"arn": self.arn})

    def _make(self, name: str, args: RoleArgs) -> iam.RolePolicy:
        mine = ResourceOptions(parent=self)
        what = f"the {args.purpose} role"
        role = iam.Role(
            f"{name}-role",
            name=args.names.role(args.purpose),
            path=args.names.role_path,
            permissions_boundary=args.permissions_boundary,
            description=args.description,
            assume_role_policy=document([args.trust], limit=TRUST_POLICY_LIMIT, what=f"the trust policy of {what}"),
            max_session_duration=args.max_session_seconds,
            tags=args.tags,
            opts=ResourceOptions(parent=self, ignore_changes=["assumeRolePolicy"] if args.keeps_trust else None),
        )
        policy = iam.RolePolicy(
            f"{name}-permissions",
            name=args.purpose,
            role=role.name,
            policy=document(args.permissions, limit=ROLE_POLICY_LIMIT, what=f"the policy of {what}"),
            opts=mine,
        )
        if args.exclusive:
            # After the policy, so that the role is at no time without its rights.
            iam.RolePoliciesExclusive(
                f"{name}-only-permissions", role_name=role.name, policy_names=[policy.name], opts=mine
            )
            iam.RolePolicyAttachmentsExclusive(
                f"{name}-no-attachments", role_name=policy.role, policy_arns=[], opts=mine
            )
        return policy
