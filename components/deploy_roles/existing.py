"""What a preview reads of the resources that were there before, to say what they lack. No deployment changes them."""

from components.iam import Statement
from components.managed import Managed

_CHECK = "mlstack/existing/"


def reads_existing(managed: Managed) -> tuple[Statement, ...]:
    """By name: nothing is listed."""
    names, existing = managed.names, managed.existing
    buckets = tuple(
        f"arn:{names.partition}:s3:::{each}" for each in (existing.bucket, managed.log_bucket) if each is not None
    )
    policies = (names.arn("iam", "policy/*").replace(names.region, "", 1), f"arn:{names.partition}:iam::aws:policy/*")
    found = {
        "ExistingBuckets": (
            (
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
                "s3:ListBucket",
            ),
            buckets,
        ),
        "ExistingRoles": (
            ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
            tuple(existing.role_arns.values()),
        ),
        "PoliciesOfExistingRoles": (
            ("iam:GetPolicy", "iam:GetPolicyVersion"),
            policies if existing.role_arns else (),
        ),
        "ExistingKey": (
            ("kms:DescribeKey", "kms:GetKeyPolicy"),
            (existing.key_arn,) if existing.key_arn else (),
        ),
        "ExistingRepository": (
            ("ecr:DescribeRepositories", "ecr:GetRepositoryPolicy"),
            (names.arn("ecr", f"repository/{existing.repository}"),) if existing.repository else (),
        ),
        "ExistingProject": (
            ("codebuild:BatchGetProjects",),
            (names.arn("codebuild", f"project/{existing.build_project}"),) if existing.build_project else (),
        ),
    }
    return tuple(
        Statement(
            sid=sid,
            actions=actions,
            resources=resources,
            why="what is there already is held against what the environment needs of it, and never changed",
            source=_CHECK,
        )
        for sid, (actions, resources) in found.items()
        if resources
    )
