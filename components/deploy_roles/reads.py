"""What a preview reads: the settings of everything that the program manages, and nothing that anyone stored there.

The actions are those that the real plugin calls to read the resource types that the program declares.
"""

from components.deploy_roles.existing import reads_existing
from components.deploy_roles.sources import CODEBUILD, EC2, ECR, IAM, KMS, LOGS, S3
from components.iam import Statement
from components.managed import Managed


def reads(managed: Managed) -> tuple[Statement, ...]:
    """Everything that `refresh` asks about, and nothing that anyone stored."""
    return (
        Statement(
            sid="ReadBuckets",
            actions=(
                "s3:GetAccelerateConfiguration",
                "s3:GetBucketAcl",
                "s3:GetBucketCORS",
                "s3:GetBucketLocation",
                "s3:GetBucketLogging",
                "s3:GetBucketNotification",
                "s3:GetBucketObjectLockConfiguration",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketRequestPayment",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetBucketWebsite",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:GetReplicationConfiguration",
                "s3:ListBucket",
                "s3:ListTagsForResource",
            ),
            resources=managed.bucket_arns,
            why="the settings of the buckets are compared; ListBucket is what HeadBucket asks for",
            source=S3,
        ),
        Statement(
            sid="ReadRepository",
            actions=("ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:ListTagsForResource"),
            resources=managed.repository_arns,
            why="the settings of the repository are compared",
            source=ECR,
        ),
        Statement(
            sid="ReadRoles",
            actions=(
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
                "iam:ListRoleTags",
            ),
            resources=managed.role_arns,
            why="the roles and their policies are compared",
            source=IAM,
        ),
        *(_reads_user(managed) if managed.user else ()),
        *(_reads_key(managed) if managed.key else ()),
        Statement(
            sid="ReadLogGroups",
            actions=("logs:DescribeLogGroups", "logs:ListTagsForResource"),
            resources=(managed.names.arn("logs", "log-group:*"),),
            why="a log group is found by listing with its name as prefix",
            source=LOGS,
        ),
        Statement(
            sid="ReadBuildProject",
            actions=("codebuild:BatchGetProjects",),
            resources=managed.build_project_arns,
            why="the settings of the build project are compared",
            source=CODEBUILD,
        ),
        *(_reads_registry() if managed.registry_scanning else ()),
        *(_reads_cache() if managed.cached_repositories else ()),
        *(_reads_network() if managed.network != "public" else ()),
        *reads_existing(managed),
    )


def _reads_user(managed: Managed) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="ReadUser",
            actions=(
                "iam:GetUser",
                "iam:GetUserPolicy",
                "iam:ListAccessKeys",
                "iam:ListAttachedUserPolicies",
                "iam:ListGroupsForUser",
                "iam:ListUserPolicies",
                "iam:ListUserTags",
            ),
            resources=managed.user_arns,
            why="the user that ZenML works as is compared; no call returns a secret key twice",
            source=IAM,
        ),
    )


def _reads_key(managed: Managed) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="ReadKey",
            actions=("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"),
            resources=(managed.names.arn("kms", "key/*"),),
            conditions=managed.tagged,
            why="the key is compared; it is known by its tags, its id is AWS's choice",
            source=KMS,
        ),
        Statement(
            sid="ReadAliases",
            actions=("kms:ListAliases",),
            resources=("*",),
            why="kms:ListAliases knows no resource-level permission",
            source=KMS,
        ),
    )


def _reads_registry() -> tuple[Statement, ...]:
    return (
        Statement(
            sid="ReadRegistryScanning",
            actions=("ecr:GetRegistryScanningConfiguration",),
            resources=("*",),
            why="ecr:GetRegistryScanningConfiguration knows no resource-level permission",
            source=ECR,
        ),
    )


def _reads_cache() -> tuple[Statement, ...]:
    return (
        Statement(
            sid="ReadPullThroughCache",
            actions=("ecr:DescribePullThroughCacheRules", "ecr:DescribeRepositoryCreationTemplates"),
            resources=("*",),
            why="both know no resource-level permission",
            source=ECR,
        ),
    )


def _reads_network() -> tuple[Statement, ...]:
    return (
        Statement(
            sid="ReadNetwork",
            actions=(
                "ec2:DescribeFlowLogs",
                "ec2:DescribeNetworkAcls",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribePrefixLists",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroupRules",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcAttribute",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
            ),
            resources=("*",),
            why="ec2:Describe* knows no resource-level permission",
            source=EC2,
        ),
    )
