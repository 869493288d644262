"""The customer-managed KMS key that encrypts what an environment stores."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws.kms import Alias, Key

from components.iam import KEY_POLICY_LIMIT, document
from components.key_use import KeyPolicyArgs, key_policy
from components.names import Names


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    names: Names
    """With an existing key nothing is made, and its policy is its owner's."""
    policy: KeyPolicyArgs
    deletion_window_days: int = 30
    """Days in which the deletion of the key can be taken back."""
    tags: dict[str, str] = field(default_factory=dict)


class EncryptionKey(ComponentResource):
    """One key per environment, rotated yearly, with a statement in its policy for each of its users."""

    arn: Output[str]
    """ARN of the key. KMS makes it up, so a first preview does not know it."""

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:EncryptionKey", name, {}, opts)
        existing = args.names.existing.key_arn
        self.arn = Output.from_input(existing) if existing else self._make(name, args)
        self.register_outputs({"arn": self.arn})

    def _make(self, name: str, args: EncryptionKeyArgs) -> Output[str]:
        mine = ResourceOptions(parent=self)
        key = Key(
            f"{name}-key",
            description=f"Data at rest of the ZenML stack {args.names.base}",
            enable_key_rotation=True,
            deletion_window_in_days=args.deletion_window_days,
            policy=document(key_policy(args.policy), limit=KEY_POLICY_LIMIT, what="the key policy"),
            tags=args.tags,
            opts=mine,
        )
        Alias(f"{name}-alias", name=args.names.key_alias, target_key_id=key.key_id, opts=mine)
        arn: Output[str] = key.arn
        return arn
