"""Every physical name and ARN, computed from settings alone.

Known names make whole IAM documents known in a preview; a name that AWS makes up would show each of them as one
opaque value.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET_LIMIT = 63
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLE_LIMIT = 64
USER_LIMIT = 64
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
REPOSITORY_LIMIT = 256
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html (ecrRepositoryPrefix)
CACHE_PREFIX_LIMIT = 30
# https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html (name)
PROJECT_LIMIT = 150
# https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
ALIAS_LIMIT = 256

# zenml/image_builders/aws_image_builder.py: build contexts go below this prefix.
BUILD_CONTEXTS = "code-build-contexts"
# For as long an unchanged context need not be uploaded again.
BUILD_CONTEXT_DAYS = 30
# Ours: what SageMaker itself writes, away from what ZenML keeps.
JOB_OUTPUT = "sagemaker"

# What a role is for: the last part of its name.
ACCESS = "access"
EXECUTION = "sagemaker"
SCHEDULER = "scheduler"
BUILD = "codebuild"
FLOW_LOGS = "flow-logs"

# `aws ec2 describe-vpc-endpoint-services` there, as aws-cdk-lib has written it down (aws-ec2, vpc-endpoint.ts): the
# gateway of S3 and CloudWatch Logs are called as everywhere.
_OTHERWISE_IN_CHINA = frozenset({"ecr.api", "ecr.dkr", "sagemaker.api", "sts"})

_HASH_LENGTH = 7


def fit(name: str, limit: int) -> str:
    """`name`, or when it is longer than `limit` its beginning and a hash of the whole: short, stable, still its own."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{name[: limit - _HASH_LENGTH - 1].rstrip('-')}-{digest}"


def partition_of(region: str) -> str:
    """`aws`, `aws-cn` or `aws-us-gov`: the second field of every ARN in `region`."""
    if region.startswith("cn-"):
        return "aws-cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws"


@dataclass(frozen=True, kw_only=True)
class Existing:
    """What is there already, and keeps its name. None: this stack makes its own."""

    bucket: str | None = None
    """Of the artifact store."""
    repository: str | None = None
    build_project: str | None = None
    key_arn: str | None = None
    role_arns: Mapping[str, str] = field(default_factory=dict)
    """By purpose."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names and ARNs of one environment in one account and region.

    IAM names are unique in an account and carry the region; bucket names, unique in the world, the account too.
    """

    name: str
    environment: str
    account_id: str
    region: str
    role_path: str = "/"
    """Path of all roles and users that are made: begins and ends with a slash."""
    prefix: str = ""
    """What everything in the artifact bucket is below, without slashes around it. Empty: the bucket itself."""
    cache: str | None = None
    """What the names of cached base images begin with. None: the environment's name."""
    existing: Existing = field(default_factory=Existing)
    given: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Names that adopted resources have already, by what is named: `bucket`, `repository`, `build_project`, `user`, and
    of a role its purpose."""
    team: str | None = None
    """Of several that share the environment."""
    shares_key: bool = False
    """Whether the key is the environment's, and that of other teams too."""

    @property
    def base(self) -> str:
        # None of the three has two hyphens in a row: team `a` of `b-dev` and team `a-b` of `dev` stay apart, and both
        # from an environment without teams that is called `a-b-dev`.
        return "--".join((self.name, self.team, self.environment)) if self.team else f"{self.name}-{self.environment}"

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    @property
    def dns_suffix(self) -> str:
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def endpoint_service(self, service: str) -> str:
        """Name of the service behind a VPC endpoint, such as `com.amazonaws.eu-west-1.logs`."""
        china = self.partition == "aws-cn" and service in _OTHERWISE_IN_CHINA
        return f"{'cn.' if china else ''}com.amazonaws.{self.region}.{service}"

    def arn(self, service: str, resource: str) -> str:
        """`arn:<partition>:<service>:<region>:<account>:<resource>`."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def _given(self, what: str, computed: str) -> str:
        return self.given.get(what) or computed

    @property
    def bucket(self) -> str:
        computed = fit(f"{self.base}-{self.account_id}-{self.region}", BUCKET_LIMIT)
        return self.existing.bucket or self._given("bucket", computed)

    @property
    def bucket_arn(self) -> str:
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def artifacts_uri(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def job_output_uri(self) -> str:
        return f"{self.artifacts_uri}/{JOB_OUTPUT}"

    def objects_arn(self, below: str = "") -> str:
        """Every object of the stack, or those `below` a prefix of their own."""
        return "/".join(part for part in (self.bucket_arn, self.prefix, below, "*") if part)

    @property
    def access_log_bucket(self) -> str:
        # No environment's name ends in `-logs` (checks.py): this would be its bucket.
        return fit(f"{self.base}-logs-{self.account_id}-{self.region}", BUCKET_LIMIT)

    @property
    def repository(self) -> str:
        # ECR takes no two hyphens in a row, and a slash where they stand.
        computed = fit(self.base.replace("--", "/"), REPOSITORY_LIMIT)
        return self.existing.repository or self._given("repository", computed)

    @property
    def repository_arn(self) -> str:
        return self.arn("ecr", f"repository/{self.repository}")

    def cache_prefix(self, upstream: str) -> str:
        """What the repositories of base images from `upstream` (`ecr-public`) are below: the same for all teams."""
        # No name of ours has a dot in it: no repository of another stack is below a prefix of this one.
        whose = self.cache or fit(f"{self.name}-{self.environment}", CACHE_PREFIX_LIMIT - len(".ecr-public"))
        return f"{whose}.{upstream}"

    @property
    def registry_host(self) -> str:
        return f"{self.account_id}.dkr.ecr.{self.region}.{self.dns_suffix}"

    def role(self, purpose: str) -> str:
        return self._given(purpose, fit(f"{self.base}-{self.region}-{purpose}", ROLE_LIMIT))

    def role_arn(self, purpose: str) -> str:
        return self.existing.role_arns.get(purpose) or self._own_role_arn(purpose)

    def _own_role_arn(self, purpose: str) -> str:
        return f"arn:{self.partition}:iam::{self.account_id}:role{self.role_path}{self.role(purpose)}"

    def user(self, purpose: str) -> str:
        return self._given("user", fit(f"{self.base}-{self.region}-{purpose}", USER_LIMIT))

    def user_arn(self, purpose: str) -> str:
        return f"arn:{self.partition}:iam::{self.account_id}:user{self.role_path}{self.user(purpose)}"

    @property
    def account_arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account_id}:root"

    @property
    def build_project(self) -> str:
        computed = fit(f"{self.base}-image-builder", PROJECT_LIMIT)
        return self.existing.build_project or self._given("build_project", computed)

    @property
    def build_project_arn(self) -> str:
        return self.arn("codebuild", f"project/{self.build_project}")

    @property
    def build_log_group(self) -> str:
        return f"/aws/codebuild/{self.build_project}"

    @property
    def build_log_group_arn(self) -> str:
        return self.arn("logs", f"log-group:{self.build_log_group}")

    @property
    def flow_log_group(self) -> str:
        return f"/mlstack/{self.base}/vpc-flow-logs"

    @property
    def flow_log_group_arn(self) -> str:
        return self.arn("logs", f"log-group:{self.flow_log_group}")

    @property
    def key_alias(self) -> str:
        whose = f"{self.name}-{self.environment}" if self.shares_key else self.base
        return fit(f"alias/{whose}", ALIAS_LIMIT)
