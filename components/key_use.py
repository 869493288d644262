"""Who uses the encryption key: the statements of its policy, and what a role needs beside them."""

from dataclasses import dataclass

from components.iam import KEY_ADMINISTRATION, Conditions, Statement
from components.names import Names

_THROUGH_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"
_JOBS = "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"
_REPOSITORIES = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html"
_OUTPUT_KEY = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html"


@dataclass(frozen=True, kw_only=True)
class KeyPolicyArgs:
    """Who uses the key."""

    names: Names
    readers: tuple[str, ...] | None = None
    """ARNs of the roles that use it through S3. None: whom IAM policies of the account let."""
    jobs: str | None = None
    """ARN of the role that runs SageMaker jobs on encrypted volumes."""
    log_groups: tuple[str, ...] = ()
    """ARNs of the log groups that it encrypts."""
    repositories: bool = False
    """Whether it encrypts images too."""


def grant_use_through_s3(names: Names, sid: str) -> tuple[Statement, ...]:
    """What reading and writing encrypted objects needs beside the rights on the objects."""
    return (
        _use(
            names,
            sid,
            ("kms:Decrypt", "kms:GenerateDataKey"),
            {"StringEquals": {"kms:ViaService": _service(names, "s3")}},
            why="S3 encrypts each object with a data key that this key wraps",
            source=_THROUGH_S3,
        ),
    )


def grant_read_through_s3(names: Names, sid: str) -> tuple[Statement, ...]:
    """What reading encrypted objects needs beside the rights on the objects."""
    return (
        _use(
            names,
            sid,
            ("kms:Decrypt",),
            {"StringEquals": {"kms:ViaService": _service(names, "s3")}},
            why="S3 decrypts the data key of each object with this key",
            source=_THROUGH_S3,
        ),
    )


def grant_jobs(names: Names) -> tuple[Statement, ...]:
    """What SageMaker needs to run jobs on encrypted volumes and to encrypt what they leave."""
    return (
        _use(
            names,
            "JobVolumes",
            ("kms:CreateGrant",),
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
            why="SageMaker hands the volumes of a job to EC2 with a grant on the key",
            source=_JOBS,
        ),
        _use(
            names,
            "JobKey",
            ("kms:DescribeKey", "kms:Encrypt"),
            {},
            why="SageMaker tries the output key before a job starts",
            source=_OUTPUT_KEY,
        ),
    )


def _use(
    names: Names, sid: str, actions: tuple[str, ...], conditions: Conditions, *, why: str, source: str
) -> Statement:
    """A key of this stack is named by its alias: its ARN is unknown until it exists and would hide the document."""
    if names.existing.key_arn:
        where, how = names.existing.key_arn, conditions
    else:
        where = names.arn("kms", "key/*")
        how = {**conditions, "ForAnyValue:StringEquals": {"kms:ResourceAliases": names.key_alias}}
    return Statement(sid=sid, actions=actions, resources=(where,), conditions=how, why=why, source=source)


def _service(names: Names, service: str) -> str:
    return f"{service}.{names.region}.{names.dns_suffix}"


def key_policy(args: KeyPolicyArgs) -> tuple[Statement, ...]:
    """A statement for each user. In a key policy `*` is this key.

    Roles are named by a condition, not as principals: KMS refuses principals that do not exist yet.
    """
    users = [_administration(args), _readers(args, args.readers)]
    if args.repositories:
        users.append(_repositories(args))
    if args.jobs:
        users += _jobs(args, args.jobs)
    if args.log_groups:
        users.append(_logs(args, args.log_groups))
    return tuple(users)


def _administration(args: KeyPolicyArgs) -> Statement:
    return _account(
        args,
        "Administration",
        KEY_ADMINISTRATION,
        {},
        why="without it nobody could manage the key any more. It reads nothing: no right here uses the key",
        source="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
    )


def _readers(args: KeyPolicyArgs, roles: tuple[str, ...] | None) -> Statement:
    through_s3: Conditions = {"StringEquals": {"kms:ViaService": _service(args.names, "s3")}}
    return _account(
        args,
        "ArtifactsThroughS3",
        ("kms:Decrypt", "kms:GenerateDataKey"),
        through_s3 if roles is None else {**through_s3, "ArnEquals": {"aws:PrincipalArn": roles}},
        why="artifacts, build contexts and job output are encrypted objects",
        source=_THROUGH_S3,
    )


def _repositories(args: KeyPolicyArgs) -> Statement:
    return _account(
        args,
        "Repositories",
        ("kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"),
        {"StringEquals": {"kms:ViaService": _service(args.names, "ecr")}},
        why="ECR works with a grant, which whoever creates the repository gives it",
        source=_REPOSITORIES,
    )


def _jobs(args: KeyPolicyArgs, role: str) -> tuple[Statement, ...]:
    whom = {"aws:PrincipalArn": role}
    return (
        _account(
            args,
            "JobVolumes",
            ("kms:CreateGrant",),
            {"Bool": {"kms:GrantIsForAWSResource": "true"}, "ArnEquals": whom},
            why="SageMaker hands the volumes of a job to EC2 with a grant on the key",
            source=_JOBS,
        ),
        _account(
            args,
            "JobKey",
            ("kms:DescribeKey", "kms:Encrypt"),
            {"ArnEquals": whom},
            why="SageMaker tries the output key before a job starts",
            source=_OUTPUT_KEY,
        ),
    )


def _logs(args: KeyPolicyArgs, groups: tuple[str, ...]) -> Statement:
    return Statement(
        sid="Logs",
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
        principals={"Service": f"logs.{args.names.region}.{args.names.dns_suffix}"},
        conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": groups}},
        why="CloudWatch Logs encrypts the log groups of this stack, and only those",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
    )


def _account(
    args: KeyPolicyArgs, sid: str, actions: tuple[str, ...], conditions: Conditions, *, why: str, source: str
) -> Statement:
    return Statement(
        sid=sid,
        actions=actions,
        resources=("*",),
        principals={"AWS": args.names.account_arn},
        conditions=conditions,
        why=why,
        source=source,
    )
