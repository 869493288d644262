"""The customer-managed KMS key that encrypts what an environment stores."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws.kms import Alias, Key

from components.iam import KEY_ADMINISTRATION, KEY_POLICY_LIMIT, Conditions, Statement, document
from components.names import Names

_THROUGH_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"
_JOBS = "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"
_REPOSITORIES = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html"


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    names: Names
    existing_arn: str | None = None
    """A key that is there already: nothing is made, and its policy is its owner's."""
    readers: tuple[str, ...] | None = None
    """ARNs of the roles that use it through S3. None: whom IAM policies of the account let."""
    jobs: str | None = None
    """ARN of the role that runs SageMaker jobs on encrypted volumes."""
    log_groups: tuple[str, ...] = ()
    """ARNs of the log groups that it encrypts."""
    repositories: bool = False
    """Whether it encrypts images too."""
    deletion_window_days: int = 30
    """Days in which the deletion of the key can be taken back."""
    tags: dict[str, str] = field(default_factory=dict)


class EncryptionKey(ComponentResource):
    """One key per environment, rotated yearly, with a statement in its policy for each of its users."""

    arn: Output[str]
    """ARN of the key. KMS makes it up, so a first preview does not know it."""

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:EncryptionKey", name, {}, opts)
        self._args = args
        self.arn = Output.from_input(args.existing_arn) if args.existing_arn else self._make(name)
        self.register_outputs({"arn": self.arn})

    def _make(self, name: str) -> Output[str]:
        args, mine = self._args, ResourceOptions(parent=self)
        key = Key(
            f"{name}-key",
            description=f"Data at rest of the ZenML stack {args.names.base}",
            enable_key_rotation=True,
            deletion_window_in_days=args.deletion_window_days,
            policy=document(self.key_policy(), limit=KEY_POLICY_LIMIT, what="the key policy"),
            tags=args.tags,
            opts=mine,
        )
        Alias(f"{name}-alias", name=args.names.key_alias, target_key_id=key.key_id, opts=mine)
        arn: Output[str] = key.arn
        return arn

    def grant_use_through_s3(self, sid: str) -> tuple[Statement, ...]:
        """What reading and writing encrypted objects needs beside the rights on the objects."""
        return (
            self._use(
                sid,
                ("kms:Decrypt", "kms:GenerateDataKey"),
                {"StringEquals": {"kms:ViaService": self._service("s3")}},
                why="S3 encrypts each object with a data key that this key wraps",
                source=_THROUGH_S3,
            ),
        )

    def grant_read_through_s3(self, sid: str) -> tuple[Statement, ...]:
        """What reading encrypted objects needs beside the rights on the objects."""
        return (
            self._use(
                sid,
                ("kms:Decrypt",),
                {"StringEquals": {"kms:ViaService": self._service("s3")}},
                why="S3 decrypts the data key of each object with this key",
                source=_THROUGH_S3,
            ),
        )

    def grant_jobs(self) -> tuple[Statement, ...]:
        """What SageMaker needs to run jobs on encrypted volumes and to encrypt what they leave."""
        return (
            self._use(
                "JobVolumes",
                ("kms:CreateGrant",),
                {"Bool": {"kms:GrantIsForAWSResource": "true"}},
                why="SageMaker hands the volumes of a job to EC2 with a grant on the key",
                source=_JOBS,
            ),
            self._use(
                "JobKey",
                ("kms:DescribeKey", "kms:Encrypt"),
                {},
                why="SageMaker tries the output key before a job starts",
                source="https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html",
            ),
        )

    def _use(self, sid: str, actions: tuple[str, ...], conditions: Conditions, *, why: str, source: str) -> Statement:
        """The key is named by its alias: its ARN is unknown until it exists and would hide the document in previews."""
        args = self._args
        if args.existing_arn:
            return Statement(
                sid=sid, actions=actions, resources=(args.existing_arn,), conditions=conditions, why=why, source=source
            )
        return Statement(
            sid=sid,
            actions=actions,
            resources=(args.names.arn("kms", "key/*"),),
            conditions={**conditions, "ForAnyValue:StringEquals": {"kms:ResourceAliases": args.names.key_alias}},
            why=why,
            source=source,
        )

    def key_policy(self) -> tuple[Statement, ...]:
        """A statement for each user. In a key policy `*` is this key.

        Roles are named by a condition, not as principals: KMS refuses principals that do not exist yet.
        """
        args = self._args
        users = [self._administration(), self._readers(args.readers)]
        if args.repositories:
            users.append(self._repositories())
        if args.jobs:
            users += self._jobs(args.jobs)
        if args.log_groups:
            users.append(self._logs(args.log_groups))
        return tuple(users)

    def _administration(self) -> Statement:
        return self._account(
            "Administration",
            KEY_ADMINISTRATION,
            {},
            why="without it nobody could manage the key any more. It reads nothing: no right here uses the key",
            source="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
        )

    def _readers(self, roles: tuple[str, ...] | None) -> Statement:
        through_s3: Conditions = {"StringEquals": {"kms:ViaService": self._service("s3")}}
        return self._account(
            "ArtifactsThroughS3",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            through_s3 if roles is None else {**through_s3, "ArnEquals": {"aws:PrincipalArn": roles}},
            why="artifacts, build contexts and job output are encrypted objects",
            source=_THROUGH_S3,
        )

    def _repositories(self) -> Statement:
        return self._account(
            "Repositories",
            ("kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"),
            {"StringEquals": {"kms:ViaService": self._service("ecr")}},
            why="ECR works with a grant, which whoever creates the repository gives it",
            source=_REPOSITORIES,
        )

    def _jobs(self, role: str) -> tuple[Statement, ...]:
        whom = {"aws:PrincipalArn": role}
        return (
            self._account(
                "JobVolumes",
                ("kms:CreateGrant",),
                {"Bool": {"kms:GrantIsForAWSResource": "true"}, "ArnEquals": whom},
                why="SageMaker hands the volumes of a job to EC2 with a grant on the key",
                source=_JOBS,
            ),
            self._account(
                "JobKey",
                ("kms:DescribeKey", "kms:Encrypt"),
                {"ArnEquals": whom},
                why="SageMaker tries the output key before a job starts",
                source="https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html",
            ),
        )

    def _logs(self, groups: tuple[str, ...]) -> Statement:
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
            principals={"Service": f"logs.{self._args.names.region}.{self._args.names.dns_suffix}"},
            conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": groups}},
            why="CloudWatch Logs encrypts the log groups of this stack, and only those",
            source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        )

    def _account(
        self, sid: str, actions: tuple[str, ...], conditions: Conditions, *, why: str, source: str
    ) -> Statement:
        return Statement(
            sid=sid,
            actions=actions,
            resources=("*",),
            principals={"AWS": self._args.names.account_arn},
            conditions=conditions,
            why=why,
            source=source,
        )

    def _service(self, service: str) -> str:
        return f"{service}.{self._args.names.region}.{self._args.names.dns_suffix}"
