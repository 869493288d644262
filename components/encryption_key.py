"""The customer-managed KMS key that encrypts what an environment stores."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws.kms import Alias, Key

from components.iam import KEY_POLICY_LIMIT, Statement, document
from components.names import Names

# `kms:*` written out: what IAM policies of the account may grant at all. Not in it: importing foreign key material.
_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    names: Names
    deletion_window_days: int = 30
    """Days in which the deletion of the key can be taken back."""
    tags: dict[str, str] = field(default_factory=dict)


class EncryptionKey(ComponentResource):
    """One key per environment, rotated yearly, used by the bucket, the repository and the build logs."""

    arn: Output[str]
    """ARN of the key. KMS makes it up, so a first preview does not know it."""

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:EncryptionKey", name, {}, opts)
        mine = ResourceOptions(parent=self)
        self._names = args.names
        key = Key(
            f"{name}-key",
            description=f"Data at rest of the ZenML stack {args.names.base}",
            enable_key_rotation=True,
            deletion_window_in_days=args.deletion_window_days,
            policy=document(self._key_policy(), limit=KEY_POLICY_LIMIT, what="the key policy"),
            tags=args.tags,
            opts=mine,
        )
        Alias(f"{name}-alias", name=args.names.key_alias, target_key_id=key.key_id, opts=mine)
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})

    def grant_use_through_s3(self, sid: str) -> tuple[Statement, ...]:
        """What reading and writing encrypted objects needs beside the rights on the objects.

        The key is named by its alias: its ARN is unknown until it exists and would hide the document in previews.
        """
        names = self._names
        return (
            Statement(
                sid=sid,
                actions=("kms:Decrypt", "kms:GenerateDataKey"),
                resources=(names.arn("kms", "key/*"),),
                conditions={
                    "StringEquals": {"kms:ViaService": f"s3.{names.region}.{names.dns_suffix}"},
                    "ForAnyValue:StringEquals": {"kms:ResourceAliases": names.key_alias},
                },
                why="S3 encrypts each object with a data key that this key wraps",
                source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
            ),
        )

    def _key_policy(self) -> tuple[Statement, ...]:
        names = self._names
        return (
            Statement(
                sid="AccountDecidesByIAM",
                actions=_ADMINISTRATION,
                resources=("*",),
                principals={"AWS": names.account_arn},
                why="without it nobody could manage the key any more; roles still need the right in their own policy. "
                "In a key policy * is this key",
                source="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
            ),
            Statement(
                sid="BuildLogs",
                actions=(
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey",
                    "kms:GenerateDataKeyWithoutPlaintext",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                ),
                resources=("*",),
                principals={"Service": f"logs.{names.region}.{names.dns_suffix}"},
                conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": names.build_log_group_arn}},
                why="CloudWatch Logs encrypts the build logs, and only those. In a key policy * is this key",
                source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
            ),
        )
