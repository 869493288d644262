"""What a preview reads of the resources that were there before, to say what they lack. No deployment changes them."""

from components.iam import Statement
from components.managed import Managed

_CHECK = "mlstack/existing/"


def reads_existing(managed: Managed) -> tuple[Statement, ...]:
    """By name: nothing is listed."""
    names = managed.names
    buckets = _once(managed.log_bucket, *(each.bucket for each in managed.existing))
    roles = _once(*(arn for each in managed.existing for arn in each.role_arns.values()))
    repositories = _once(*(each.repository for each in managed.existing))
    projects = _once(*(each.build_project for each in managed.existing))
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
            tuple(f"arn:{names.partition}:s3:::{each}" for each in buckets),
        ),
        "ExistingRoles": (
            ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
            roles,
        ),
        "PoliciesOfExistingRoles": (
            ("iam:GetPolicy", "iam:GetPolicyVersion"),
            policies if roles else (),
        ),
        "ExistingKey": (
            ("kms:DescribeKey", "kms:GetKeyPolicy"),
            _once(managed.existing_key_arn),
        ),
        "ExistingRepository": (
            ("ecr:DescribeRepositories", "ecr:GetRepositoryPolicy"),
            tuple(names.arn("ecr", f"repository/{each}") for each in repositories),
        ),
        "ExistingProject": (
            ("codebuild:BatchGetProjects",),
            tuple(names.arn("codebuild", f"project/{each}") for each in projects),
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


def _once(*found: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in found if each))
