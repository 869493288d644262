"""The user that a ZenML server outside AWS works as, and its access keys."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws import iam
from pydantic import SecretStr

from components.after import after
from components.iam import USER_POLICY_LIMIT, Statement, document
from components.names import Names
from mlstack.access_key import AccessKey

PURPOSE = "zenml"


@dataclass(frozen=True, kw_only=True)
class ServerUserArgs:
    names: Names
    role_arn: str
    """The one role that it may assume."""
    key_generations: tuple[int, ...]
    """One access key each, the current one last. While a key is rotated there are two."""
    permissions_boundary: str | None = None
    """ARN of the policy that limits the user."""
    exclusive: bool = False
    """Take all other policies away from it."""
    tags: dict[str, str] = field(default_factory=dict)


class ServerUser(ComponentResource):
    """May assume one role and nothing else: whoever steals its key gets no further than ZenML's server does."""

    arn: Output[str]
    """Resolves once it may assume the role."""
    key: Output[str]
    """The current key as AccessKey in JSON, secret."""

    def __init__(self, name: str, args: ServerUserArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:ServerUser", name, {}, opts)
        self._args = args
        mine = ResourceOptions(parent=self)
        user = iam.User(
            f"{name}-user",
            name=args.names.user(PURPOSE),
            path=args.names.role_path,
            permissions_boundary=args.permissions_boundary,
            tags=args.tags,
            opts=mine,
        )
        policy = iam.UserPolicy(
            f"{name}-permissions",
            name=PURPOSE,
            user=user.name,
            policy=document([assume(args.role_arn)], limit=USER_POLICY_LIMIT, what="the policy of ZenML's user"),
            opts=mine,
        )
        if args.exclusive:
            iam.UserPoliciesExclusive(
                f"{name}-only-permissions", user_name=user.name, policy_names=[policy.name], opts=mine
            )
            iam.UserPolicyAttachmentsExclusive(
                f"{name}-no-attachments", user_name=policy.user, policy_arns=[], opts=mine
            )
        keys = [
            iam.AccessKey(f"{name}-key-{generation}", user=user.name, opts=mine) for generation in args.key_generations
        ]
        self.arn = after(self.plain_arn, policy.user)
        self.key = Output.secret(
            Output.all(keys[-1].id, keys[-1].secret, *(key.id for key in keys)).apply(
                lambda made: AccessKey(
                    access_key_id=made[0],
                    secret_access_key=SecretStr(made[1]),
                    generation=args.key_generations[-1],
                    generations=args.key_generations,
                ).as_json()
            )
        )
        self.register_outputs({"arn": self.arn, "key": self.key})

    @property
    def plain_arn(self) -> str:
        return self._args.names.user_arn(PURPOSE)


def assume(role_arn: str) -> Statement:
    return Statement(
        sid="AssumeAccessRole",
        actions=("sts:AssumeRole",),
        resources=(role_arn,),
        why="ZenML's server assumes the access role for each service connector; it needs nothing else",
        source="zenml/integrations/aws/service_connectors/aws_service_connector.py",
    )
