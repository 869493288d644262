"""What AWS accepts, as types: each names its rule, an example and where AWS says so.

The engine and the emulator accept much that AWS refuses minutes later, so these limits are checked before anything
is declared.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function


@dataclass(frozen=True, eq=False)
class _Checked:
    """A validator that says the same to editors, which read a JSON Schema."""

    check: Callable[[Any], Any]
    schema: Mapping[str, Any]
    """Keywords for the type's JSON Schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), **self.schema}


def _matching(pattern: str, rule: str, *, in_schema: str | None = None) -> _Checked:
    """A validator whose message is the rule in words; a regular expression says nothing to its reader.

    `in_schema`: the pattern in a JSON Schema, where the one for Python means something else to JavaScript.
    """
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"use {rule}")
        return value

    # Not of the standard: what yaml-language-server and VS Code show instead of the pattern.
    return _Checked(check, {"pattern": f"^(?:{in_schema or pattern})$", "patternErrorMessage": f"use {rule}"})


def _one_of(allowed: tuple[int, ...]) -> _Checked:
    def check(value: int) -> int:
        if value not in allowed:
            raise ValueError(f"use one of {', '.join(map(str, allowed))}")
        return value

    return _Checked(check, {"enum": list(allowed)})


def _digits(value: object) -> object:
    # `pulumi config set --path` stores a number, and the engine may write it as 1.23456789012e+11.
    return str(int(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


AccountId = Annotated[
    str,
    BeforeValidator(_digits),
    _matching(r"\d{12}", "the 12 digits of an AWS account id, in quotes"),
    Field(json_schema_extra={"type": ["string", "integer"], "minimum": 100_000_000_000, "maximum": 999_999_999_999}),
]

# https://docs.aws.amazon.com/general/latest/gr/rande.html
Region = Annotated[
    str,
    _matching(r"(?!aws-)[a-z]{2}(-[a-z]+){1,2}-\d", "a region code such as eu-west-1"),
]

NamePart = Annotated[
    str,
    _matching(
        r"[a-z][a-z0-9]*(-[a-z0-9]+)*",
        "lower-case letters, digits and single hyphens, starting with a letter (S3 and ECR allow nothing else)",
    ),
    # Two of these, the account id and the longest region code must fit into the 63 characters of a bucket name;
    # names.py shortens what is longer, and past this nobody could tell the shortened names apart.
    Field(min_length=2, max_length=24),
]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: names of 64, session of 1 to 12 hours.
PrincipalArn = Annotated[
    str,
    _matching(
        r"arn:aws(-cn|-us-gov)?:iam::\d{12}:(role|user)/[\w+=,.@/-]{1,576}",
        "the ARN of one IAM role or user, such as arn:aws:iam::123456789012:role/zenml-server",
    ),
]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: path of 512, name of 64 characters.
RoleArn = Annotated[
    str,
    _matching(
        r"arn:aws(-cn|-us-gov)?:iam::\d{12}:role/[\w+=,.@/-]{1,576}",
        "the ARN of an IAM role, such as arn:aws:iam::123456789012:role/ml/training",
    ),
]

# Part of a resource's name in Pulumi's state; two keys at a time are AWS's limit for a user:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
KeyGeneration = Annotated[int, Field(ge=1, le=1_000_000)]

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html (PermissionsBoundary)
PolicyArn = Annotated[
    str,
    _matching(
        r"arn:aws(-cn|-us-gov)?:iam::(\d{12}|aws):policy/[\w+=,.@/-]{1,640}",
        "the ARN of an IAM policy, such as arn:aws:iam::123456789012:policy/boundary",
    ),
]

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html (Path)
RolePath = Annotated[
    str,
    _matching(r"/([!-.0-~]+/)*", "a path that starts and ends with a slash, such as /ml/"),
    Field(max_length=100),
]

# https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN
KeyArn = Annotated[
    str,
    _matching(
        r"arn:aws(-cn|-us-gov)?:kms:[a-z0-9-]+:\d{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})",
        "the ARN of a KMS key (not of an alias), such as "
        "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    ),
]

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BucketName = Annotated[
    str,
    _matching(
        r"(?!xn--|sthree-|\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots",
    ),
]

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html: of the 1,024 characters ZenML needs most.
ObjectPrefix = Annotated[
    str,
    _matching(
        r"([A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*)?",
        "letters, digits and . _ -, with slashes between but not around them, such as teams/vision",
    ),
    Field(max_length=200),
]

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html (repositoryName)
RepositoryName = Annotated[
    str,
    _matching(
        r"[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*",
        "the name of a repository, not its address: lower-case letters, digits, and . _ - / between them",
    ),
    Field(min_length=2, max_length=256),
]

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html (ecrRepositoryPrefix):
# 30 characters, of which `.ecr-public` or `.docker-hub` takes 11.
CachePrefix = Annotated[
    str,
    _matching(
        r"(?=.{2,19}$)[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*",
        "2 to 19 lower-case letters, digits, and single . _ - / between them, such as mirrors/ml",
    ),
]

# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html (credentialArn)
CacheCredentialArn = Annotated[
    str,
    _matching(
        r"arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:ecr-pullthroughcache/[A-Za-z0-9/_+=.@-]+",
        "the ARN of a secret whose name begins with ecr-pullthroughcache/, such as "
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/docker-hub-a1b2c3",
    ),
    Field(max_length=612),
]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: the name, without the path
IamName = Annotated[str, _matching(r"[\w+=,.@-]{1,64}", "the name of a role or user, neither its ARN nor its path")]

# https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html (name)
ProjectName = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9][A-Za-z0-9_-]{1,149}",
        "the name of a CodeBuild project, not its ARN: 2 to 150 letters, digits, hyphens and underscores",
    ),
]

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html: 8 or 17 hexadecimal digits
VpcId = Annotated[str, _matching(r"vpc-([0-9a-f]{8}|[0-9a-f]{17})", "the id of a VPC, such as vpc-0123456789abcdef0")]
SubnetId = Annotated[
    str, _matching(r"subnet-([0-9a-f]{8}|[0-9a-f]{17})", "the id of a subnet, such as subnet-0123456789abcdef0")
]
SecurityGroupId = Annotated[
    str, _matching(r"sg-([0-9a-f]{8}|[0-9a-f]{17})", "the id of a security group, such as sg-0123456789abcdef0")
]

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html
Zone = Annotated[
    str,
    _matching(r"[a-z]{2}(-[a-z]+){1,2}-\d[a-f]", "an availability zone: the region and a letter, such as eu-west-1a"),
]


_CIDR = "use a private IPv4 range from /16 to /26, such as 10.42.0.0/16"


def _private_network(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        network = None
    if network is None or network.version != 4 or not network.is_private or not 16 <= network.prefixlen <= 26:
        raise ValueError(_CIDR)
    return value


# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html: /16 to /28; a /26 still holds four subnets.
VpcCidr = Annotated[
    str,
    _Checked(_private_network, {"pattern": r"^\d{1,3}(\.\d{1,3}){3}/(1[6-9]|2[0-6])$", "patternErrorMessage": _CIDR}),
]

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html (MaxSessionDuration)
SessionSeconds = Annotated[int, Field(ge=3600, le=43200)]

# https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html (PendingWindowInDays)
KeyDeletionDays = Annotated[int, Field(ge=7, le=30)]

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html (retentionInDays)
LogRetentionDays = Annotated[
    int,
    _one_of((1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)),
]

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html: whole days, at least one.
LifecycleDays = Annotated[int, Field(ge=1, le=3650)]

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html (countNumber)
ImageCount = Annotated[int, Field(ge=1, le=10000)]

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html (InstanceType): family.size
InstanceType = Annotated[
    str,
    _matching(
        r"ml\.[a-z][a-z0-9]*(-[a-z0-9]+)?\.(nano|micro|small|medium|large|xlarge|\d{1,3}xlarge|metal)",
        "a SageMaker instance type: ml.<family>.<size>, such as ml.m5.xlarge",
    ),
]

# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html (requirements)
_TAG_CHARACTERS = r"[\w\s+\-=.:/@]*"
_TAG_RULE = "letters, digits, spaces and _ . : / = + - @"
# JavaScript's \w is ASCII alone, so there everything but the rest of ASCII.
_TAG_IN_SCHEMA = r"[^!-*,;<>?\[-^`{-~]*"
TagKey = Annotated[
    str,
    _matching(
        rf"(?!(?i:aws:)){_TAG_CHARACTERS}",
        f"{_TAG_RULE}, not starting with aws:",
        in_schema=rf"(?![aA][wW][sS]:){_TAG_IN_SCHEMA}",
    ),
    Field(min_length=1, max_length=128),
]
TagValue = Annotated[str, _matching(_TAG_CHARACTERS, _TAG_RULE, in_schema=_TAG_IN_SCHEMA), Field(max_length=256)]
