"""What a deployment changes: exactly what the program declares, by the names of one environment.

The actions are those that the real plugin calls to create, change and delete those resource types.
"""

from components.deploy_roles.sources import CODEBUILD, EC2, ECR, IAM, KMS, LOGS, S3
from components.iam import Conditions, Statement, pass_role
from components.managed import Managed
from components.names import BUILD, FLOW_LOGS


def manages(managed: Managed) -> tuple[Statement, ...]:
    """Create, change and delete what the program declares. Goes with `reads`."""
    return (
        Statement(
            sid="Buckets",
            actions=(
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:DeleteBucketPolicy",
                "s3:PutBucketLogging",
                "s3:PutBucketNotification",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketTagging",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:TagResource",
                "s3:UntagResource",
            ),
            resources=managed.bucket_arns,
            why="the buckets of the environment; S3 itself refuses to delete one that holds anything",
            source=S3,
        ),
        Statement(
            sid="Repository",
            actions=(
                "ecr:CreateRepository",
                "ecr:DeleteLifecyclePolicy",
                "ecr:DeleteRepository",
                "ecr:PutImageScanningConfiguration",
                "ecr:PutImageTagMutability",
                "ecr:PutLifecyclePolicy",
                "ecr:TagResource",
                "ecr:UntagResource",
            ),
            resources=managed.repository_arns,
            why="the repository of the environment",
            source=ECR,
        ),
        *(_empties(managed) if managed.emptied else ()),
        *(_manages_registry() if managed.registry_scanning else ()),
        *(_manages_cache(managed) if managed.cached_repositories else ()),
        *_manages_roles(managed),
        *(_manages_user(managed) if managed.user else ()),
        *(_manages_key(managed) if managed.key else ()),
        *_hands_key_to_registry(managed),
        Statement(
            sid="LogGroups",
            actions=(
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:DeleteRetentionPolicy",
                "logs:DisassociateKmsKey",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ),
            resources=tuple(f"{arn}{rest}" for arn in managed.log_group_arns for rest in ("", ":*")),
            why="the log groups of builds and of the network",
            source=LOGS,
        ),
        Statement(
            sid="BuildProject",
            actions=("codebuild:CreateProject", "codebuild:DeleteProject", "codebuild:UpdateProject"),
            resources=managed.build_project_arns,
            why="the build project of the environment",
            source=CODEBUILD,
        ),
    )


def _empties(managed: Managed) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="EmptyBuckets",
            actions=("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"),
            resources=managed.emptied_arns,
            why="forceDestroy deletes every object before the bucket",
            source=S3,
        ),
        Statement(
            sid="EmptyRepository",
            actions=("ecr:BatchDeleteImage",),
            resources=managed.emptied_repository_arns,
            why="forceDelete deletes the images with the repository",
            source=ECR,
        ),
    )


def _manages_registry() -> tuple[Statement, ...]:
    return (
        Statement(
            sid="RegistryScanning",
            actions=("ecr:PutRegistryScanningConfiguration",),
            resources=("*",),
            why="ecr:PutRegistryScanningConfiguration knows no resource-level permission",
            source=ECR,
        ),
    )


_CACHE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/"


def _manages_cache(managed: Managed) -> tuple[Statement, ...]:
    names = managed.names
    return (
        Statement(
            sid="PullThroughCache",
            actions=(
                "ecr:CreatePullThroughCacheRule",
                "ecr:CreateRepositoryCreationTemplate",
                "ecr:DeletePullThroughCacheRule",
                "ecr:DeleteRepositoryCreationTemplate",
                "ecr:UpdatePullThroughCacheRule",
                "ecr:UpdateRepositoryCreationTemplate",
            ),
            resources=("*",),
            why="rules and templates are of the account's whole registry and know no resource-level permission",
            source=ECR,
        ),
        Statement(
            sid="CachedRepositories",
            actions=("ecr:CreateRepository", "ecr:PutLifecyclePolicy"),
            resources=managed.cached_repositories,
            why="ECR asks for both of whoever makes a template with a lifecycle",
            source=f"{_CACHE}repository-creation-templates-create.html",
        ),
        *(
            Statement(
                sid=sid,
                actions=("iam:CreateServiceLinkedRole",),
                resources=(f"arn:{names.partition}:iam::{names.account_id}:role/aws-service-role/{service}/{role}",),
                conditions={"StringEquals": {"iam:AWSServiceName": service}},
                why=f"with the first {what} of an account ECR makes the role that it works as",
                source=f"{_CACHE}{page}",
            )
            for sid, what, service, role, page in (
                (
                    "CacheRole",
                    "rule",
                    "pullthroughcache.ecr.amazonaws.com",
                    "AWSServiceRoleForECRPullThroughCache",
                    "slr-pullthroughcache.html",
                ),
                ("TemplateRole", "template", "ecr.amazonaws.com", "AWSServiceRoleForECRTemplate", "slr-rct.html"),
            )
        ),
    )


def _manages_roles(managed: Managed) -> tuple[Statement, ...]:
    return (
        *_limited(
            "Roles",
            limited=(
                "iam:CreateRole",
                "iam:DeleteRolePolicy",
                "iam:PutRolePolicy",
                *(("iam:DetachRolePolicy",) if managed.exclusive_roles else ()),
            ),
            bounding="iam:PutRolePermissionsBoundary",
            free=(
                "iam:DeleteRole",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
                "iam:UpdateRoleDescription",
            ),
            resources=managed.role_arns,
            boundary=managed.permissions_boundary,
            what="the roles of the environment, each by its name",
        ),
        pass_role(
            "PassBuildRole",
            managed.used_role_arns(BUILD),
            "codebuild.amazonaws.com",
            "the build project is made with this role",
            CODEBUILD,
        ),
        pass_role(
            "PassFlowLogRole",
            managed.used_role_arns(FLOW_LOGS),
            "vpc-flow-logs.amazonaws.com",
            "the flow log is made with this role",
            EC2,
        ),
    )


def _manages_user(managed: Managed) -> tuple[Statement, ...]:
    return _limited(
        "User",
        limited=(
            "iam:CreateUser",
            "iam:DeleteUserPolicy",
            "iam:PutUserPolicy",
            *(("iam:DetachUserPolicy",) if managed.exclusive_roles else ()),
        ),
        bounding="iam:PutUserPermissionsBoundary",
        free=(
            "iam:CreateAccessKey",
            "iam:DeleteAccessKey",
            "iam:DeleteUser",
            "iam:TagUser",
            "iam:UntagUser",
            "iam:UpdateAccessKey",
        ),
        resources=managed.user_arns,
        boundary=managed.permissions_boundary,
        what="the user that ZenML works as",
    )


def _limited(
    sid: str,
    *,
    limited: tuple[str, ...],
    bounding: str,
    free: tuple[str, ...],
    resources: tuple[str, ...],
    boundary: str | None,
    what: str,
) -> tuple[Statement, ...]:
    conditions: Conditions = {} if boundary is None else {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    return (
        Statement(
            sid=f"{sid}Policies",
            actions=tuple(sorted((*limited, *(() if boundary is None else (bounding,))))),
            resources=resources,
            conditions=conditions,
            why=f"{what}: what they may do" + ("" if boundary is None else ", never more than the boundary allows"),
            source=IAM,
        ),
        # IAM knows no condition on the boundary for these; none of them takes the boundary away.
        Statement(sid=sid, actions=free, resources=resources, why=what, source=IAM),
    )


def _manages_key(managed: Managed) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="MakeKey",
            actions=("kms:CreateKey", "kms:TagResource"),
            resources=("*",),
            conditions={"StringEquals": managed.requested, "Null": {"kms:ResourceAliases": "true"}},
            why="kms:CreateKey knows no resource-level permission; a new key carries the tags and has no alias yet",
            source=KMS,
        ),
        Statement(
            sid="Key",
            actions=(
                "kms:CreateAlias",
                "kms:DeleteAlias",
                "kms:DisableKeyRotation",
                "kms:EnableKeyRotation",
                "kms:PutKeyPolicy",
                "kms:ScheduleKeyDeletion",
                "kms:TagResource",
                "kms:UntagResource",
                "kms:UpdateAlias",
                "kms:UpdateKeyDescription",
            ),
            resources=(managed.names.arn("kms", "key/*"),),
            conditions=managed.tagged,
            why="the key of the environment, known by its tags",
            source=KMS,
        ),
        Statement(
            sid="KeyAlias",
            actions=("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"),
            resources=managed.alias_arns,
            why="KMS asks for the right on the alias as well as on the key",
            source=KMS,
        ),
    )


def _hands_key_to_registry(managed: Managed) -> tuple[Statement, ...]:
    if not managed.key and managed.existing_key_arn is None:
        return ()
    names = managed.names
    through: Conditions = {"StringEquals": {"kms:ViaService": f"ecr.{names.region}.{names.dns_suffix}"}}
    own = {"StringEquals": {**through["StringEquals"], **managed.tagged["StringEquals"]}}
    return (
        Statement(
            sid="RepositoryKey",
            actions=("kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"),
            resources=(managed.existing_key_arn or names.arn("kms", "key/*"),),
            conditions=through if managed.existing_key_arn else own,
            why="ECR works with a grant, which whoever creates the repository gives it",
            source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html",
        ),
    )
