"""The table: every resource type that the embedded provider knows."""

from mlstack.local.provider.schema import ResourceType
from mlstack.local.provider.types import cloudwatch, codebuild, ecr, iam, kms, s3

TABLE: dict[str, ResourceType] = {
    kind.token: kind for module in (s3, ecr, iam, kms, codebuild, cloudwatch) for kind in module.TYPES
}
