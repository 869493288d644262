"""The table: every resource type that the embedded provider knows."""

from mlstack.local.provider.schema import ResourceType
from mlstack.local.provider.types import (
    cloudwatch,
    codebuild,
    ec2_endpoints,
    ec2_flow_logs,
    ec2_network,
    ec2_routes,
    ec2_rules,
    ec2_security,
    ecr,
    ecr_cache,
    ecr_registry,
    iam,
    iam_exclusive,
    iam_oidc,
    iam_policies,
    iam_users,
    kms,
    s3,
    s3_settings,
    scheduler,
)

_MODULES = (
    s3,
    s3_settings,
    ecr,
    ecr_cache,
    ecr_registry,
    iam,
    iam_exclusive,
    iam_oidc,
    iam_policies,
    iam_users,
    kms,
    codebuild,
    cloudwatch,
    scheduler,
    ec2_network,
    ec2_routes,
    ec2_security,
    ec2_rules,
    ec2_endpoints,
    ec2_flow_logs,
)

TABLE: dict[str, ResourceType] = {kind.token: kind for module in _MODULES for kind in module.TYPES}
