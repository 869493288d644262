"""What the backend's bucket, key and roles say, as data."""

import json
from typing import Any

from components.iam import (
    BUCKET_POLICY_LIMIT,
    KEY_ADMINISTRATION,
    KEY_POLICY_LIMIT,
    MANAGED_POLICY_LIMIT,
    ROLE_POLICY_LIMIT,
    TRUST_POLICY_LIMIT,
    Statement,
    document,
    tls_only,
)
from components.state_access import State, reads_state, writes_state
from mlstack.backend.place import DEPLOY, PREVIEW, TAG, Place

DELETION_WINDOW_DAYS = 30
"""Days in which the deletion of the key can be taken back: the longest that KMS knows."""
OLD_VERSIONS_DAYS = 90
OLD_LOCKS_DAYS = 7
UNFINISHED_UPLOADS_DAYS = 7
PROBE = ".pulumi/mlstack-probe"
"""Object that is written, read and deleted again once the backend stands."""

_KEY_POLICY = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"
_KEY_CONDITIONS = "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"
_S3_CONDITIONS = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"
_ENCRYPTION = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"
_SECRETS = "https://www.pulumi.com/docs/iac/concepts/secrets/"


def bucket_policy(place: Place, key_arn: str) -> tuple[Statement, ...]:
    """Denials only: who may use the bucket is said by the policies of roles."""
    bucket = place.names.bucket_arn
    return (
        *tls_only(bucket),
        Statement(
            sid="KeptHistory",
            effect="Deny",
            actions=("s3:DeleteBucket", "s3:DeleteObjectVersion"),
            resources=(bucket, f"{bucket}/*"),
            principals="*",
            why="older states are what is gone back to; to give the bucket up, take this policy away first",
            source=_S3_CONDITIONS,
        ),
        _wrong_encryption("OtherEncryption", bucket, "s3:x-amz-server-side-encryption", "aws:kms"),
        _wrong_encryption("OtherKey", bucket, "s3:x-amz-server-side-encryption-aws-kms-key-id", key_arn),
        Statement(
            sid="OwnersKey",
            effect="Deny",
            actions=("s3:PutObject",),
            resources=(f"{bucket}/*",),
            principals="*",
            conditions={"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
            why="with a key of the client's own nobody else could read the state",
            source=_S3_CONDITIONS,
        ),
    )


def _wrong_encryption(sid: str, bucket: str, key: str, right: str) -> Statement:
    return Statement(
        sid=sid,
        effect="Deny",
        actions=("s3:PutObject",),
        resources=(f"{bucket}/*",),
        principals="*",
        # The engine asks for nothing and gets the bucket's default.
        conditions={"Null": {key: "false"}, "StringNotEquals": {key: right}},
        why="whoever asks for an encryption asks for that of the bucket",
        source=_ENCRYPTION,
    )


def key_policy(place: Place) -> tuple[Statement, ...]:
    """In a key policy `*` is this key."""
    account = {"AWS": place.names.account_arn}
    return (
        Statement(
            sid="Administration",
            actions=KEY_ADMINISTRATION,
            resources=("*",),
            principals={"AWS": place.names.account_arn},
            why="without it nobody could manage the key any more. It reads nothing: no right here uses the key",
            source=_KEY_POLICY,
        ),
        Statement(
            sid="UseByRoles",
            actions=("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
            resources=("*",),
            principals={"AWS": account["AWS"]},
            why="IAM policies of the account decide who uses it: the roles of the backend, and those of the workflows",
            source=_KEY_POLICY,
        ),
        Statement(
            sid="LongestWindow",
            effect="Deny",
            actions=("kms:ScheduleKeyDeletion",),
            resources=("*",),
            principals="*",
            conditions={
                "NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": str(DELETION_WINDOW_DAYS)},
            },
            why=f"without the key every state is unreadable: {DELETION_WINDOW_DAYS} days to take its deletion back",
            source=_KEY_CONDITIONS,
        ),
    )


def trust(purpose: str, principals: tuple[str, ...]) -> tuple[Statement, ...]:
    """One statement for each who may assume the role."""
    return tuple(
        Statement(
            sid=f"{purpose.capitalize()}By{number}",
            actions=("sts:AssumeRole",),
            principals={"AWS": principal},
            why=f"named with --{purpose}-by",
            source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
        )
        for number, principal in enumerate(sorted(principals), start=1)
    )


def permissions(place: Place, environment: str, purpose: str, key_arn: str) -> tuple[Statement, ...]:
    """The same statements as in the roles of GitHub's workflows (`components/state_access.py`)."""
    state, names = State(bucket=place.names.bucket, key_arns=(key_arn,)), place.of(environment)
    return {
        PREVIEW: reads_state(state, names, place.project),
        DEPLOY: (*reads_state(state, names, place.project), *writes_state(state, names, place.project)),
    }[purpose]


def lifecycle() -> list[dict[str, Any]]:
    """An update of seven resources writes forty versions; a lock is one for each run. What is current stays."""
    return [
        {
            "ID": "old-versions",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_VERSIONS_DAYS},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UNFINISHED_UPLOADS_DAYS},
        },
        {
            "ID": "old-locks",
            "Status": "Enabled",
            "Filter": {"Prefix": ".pulumi/locks/"},
            "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_LOCKS_DAYS},
        },
    ]


def bucket_policy_text(place: Place, key_arn: str) -> str:
    return document(bucket_policy(place, key_arn), limit=BUCKET_POLICY_LIMIT, what="the policy of the state's bucket")


def key_policy_text(place: Place) -> str:
    return document(key_policy(place), limit=KEY_POLICY_LIMIT, what="the policy of the state's key")


def trust_text(purpose: str, principals: tuple[str, ...]) -> str:
    what = f"the trust policy of the {purpose} role"
    return document(trust(purpose, principals), limit=TRUST_POLICY_LIMIT, what=what)


def permissions_text(place: Place, environment: str, purpose: str, key_arn: str) -> str:
    what = f"the policy of the {purpose} role of {environment}"
    return document(permissions(place, environment, purpose, key_arn), limit=ROLE_POLICY_LIMIT, what=what)


def needed_text(place: Place) -> str:
    return document(needed(place), limit=MANAGED_POLICY_LIMIT, what="the policy of whoever bootstraps")


def needed(place: Place) -> tuple[Statement, ...]:
    """What whoever runs `mlstack backend bootstrap` needs. For `--check` the rights to read in it are enough."""
    names = place.names
    tagged = {"StringEquals": {f"aws:ResourceTag/{TAG}": place.name}}
    roles = f"arn:{names.partition}:iam::{place.account_id}:role/{names.role('*')}"
    command = "mlstack/backend/"
    return (
        Statement(
            sid="Bucket",
            actions=(
                "s3:CreateBucket",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:ListBucket",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketTagging",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
            ),
            resources=(names.bucket_arn,),
            why="makes the bucket, and sees whether it is still as it was made",
            source=f"{command}bucket.py",
        ),
        Statement(
            sid="Probe",
            actions=("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
            resources=(f"{names.bucket_arn}/{PROBE}",),
            why="one object is written, read and deleted, to see that the engine could",
            source=f"{command}probe.py",
        ),
        Statement(
            sid="FindKey",
            actions=("kms:ListKeys",),
            resources=("*",),
            why="kms:ListKeys knows no resource-level permission; an interrupted run leaves a key without alias",
            source=f"{command}key.py",
        ),
        Statement(
            sid="MakeKey",
            actions=("kms:CreateKey", "kms:TagResource"),
            resources=("*",),
            conditions={"StringEquals": {f"aws:RequestTag/{TAG}": place.name}},
            why="kms:CreateKey knows no resource-level permission; a new key carries the tag",
            source=f"{command}key.py",
        ),
        Statement(
            sid="Key",
            actions=(
                "kms:CancelKeyDeletion",
                "kms:CreateAlias",
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:EnableKey",
                "kms:EnableKeyRotation",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:ListResourceTags",
                "kms:PutKeyPolicy",
            ),
            resources=(names.arn("kms", "key/*"),),
            conditions=tagged,
            why="the key of the backend, known by its tag; it is tried as the engine uses it",
            source=f"{command}key.py",
        ),
        Statement(
            sid="KeyAlias",
            actions=("kms:CreateAlias",),
            resources=(names.arn("kms", names.key_alias),),
            why="KMS asks for the right on the alias as well as on the key",
            source=f"{command}key.py",
        ),
        Statement(
            sid="Roles",
            actions=(
                "iam:CreateRole",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
                "iam:TagRole",
                "iam:UpdateAssumeRolePolicy",
            ),
            resources=(roles,),
            why="the roles of environments, with --preview-by and --deploy-by",
            source=f"{command}roles.py",
        ),
    )


def same(left: str | object, right: str | object) -> bool:
    """Whether two documents say the same: AWS keeps neither the order of lists nor lists of one."""
    return _canonical(left) == _canonical(right)


def _canonical(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = json.loads(value)
    if isinstance(value, dict):
        return {key: _canonical(each) for key, each in value.items()}
    if isinstance(value, list):
        each = sorted((_canonical(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
        return each[0] if len(each) == 1 else each
    return value
