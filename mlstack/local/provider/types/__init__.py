"""The table: every resource type that the embedded provider knows."""

from mlstack.local.provider.schema import ResourceType
from mlstack.local.provider.types import (
    cloudwatch,
    codebuild,
    ecr,
    iam,
    iam_policies,
    iam_users,
    kms,
    s3,
    s3_settings,
    scheduler,
)

TABLE: dict[str, ResourceType] = {
    kind.token: kind
    for module in (s3, s3_settings, ecr, iam, iam_policies, iam_users, kms, codebuild, cloudwatch, scheduler)
    for kind in module.TYPES
}
