"""The roles of workflows read what was there before an environment, and may change none of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from components.deploy_roles.github import DEPLOY, PREVIEW
from components.managed import Managed
from tests.components.deploy_roles.asked import ARGS, Roles
from tests.components.stacks import EXISTING_KEY, settings

_ROLE = "arn:aws:iam::123456789012:role/ml/company-{}"
_ALL: dict[str, Any] = {
    "mlstack:name": "mlstack",
    "mlstack:artifactStore": {"mode": "existing", "bucket": "company-ml"},
    "mlstack:repository": {"mode": "existing", "name": "company/images"},
    "mlstack:encryption": {"mode": "existing", "keyArn": EXISTING_KEY},
    "mlstack:buildProject": {"mode": "existing", "name": "company-builder"},
    "mlstack:network": {
        "mode": "existing",
        "vpcId": "vpc-0123456789abcdef0",
        "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    },
    "mlstack:roles": {
        "path": "/ml/",
        **{each: {"mode": "existing", "arn": _ROLE.format(each)} for each in ("access", "execution", "build")},
    },
}
_BROUGHT = ("artifactStore", "repository", "buildProject", "roles")


def _of_a_team() -> dict[str, object]:
    """The same, but one of two teams brings it along; key and network stay the environment's."""
    roles = dict(_ALL["mlstack:roles"])
    path = roles.pop("path")
    brought = {key: _ALL[f"mlstack:{key}"] for key in _BROUGHT} | {"roles": roles}
    common = {key: value for key, value in _ALL.items() if key.partition(":")[2] not in _BROUGHT}
    return {
        **common,
        "mlstack:roles": {"path": path},
        "mlstack:teams": [{"name": "speech"}, {"name": "vision", **brought}],
    }


def _roles(config: Mapping[str, object]) -> Roles:
    given = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    return Roles(replace(ARGS, environments=(Managed.from_settings(settings(given)),)))


@pytest.fixture(scope="module", params=["the environment", "a team"])
def roles(request: pytest.FixtureRequest) -> Roles:
    return _roles(_ALL if request.param == "the environment" else _of_a_team())


THEIRS = {
    "arn:aws:s3:::company-ml": (
        ("s3:ListBucket", "s3:GetBucketPolicy", "s3:GetEncryptionConfiguration"),
        ("s3:PutBucketPolicy", "s3:DeleteBucket", "s3:PutEncryptionConfiguration", "s3:PutBucketTagging"),
    ),
    "arn:aws:s3:::company-ml/x": ((), ("s3:DeleteObject", "s3:PutObject", "s3:GetObject")),
    "arn:aws:ecr:eu-west-1:123456789012:repository/company/images": (
        ("ecr:DescribeRepositories", "ecr:GetRepositoryPolicy"),
        ("ecr:DeleteRepository", "ecr:PutLifecyclePolicy", "ecr:BatchDeleteImage"),
    ),
    EXISTING_KEY: (
        ("kms:DescribeKey", "kms:GetKeyPolicy"),
        ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource"),
    ),
    _ROLE.format("access"): (
        ("iam:GetRole", "iam:ListAttachedRolePolicies"),
        ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole", "iam:TagRole"),
    ),
    "arn:aws:iam::aws:policy/ReadOnlyAccess": (("iam:GetPolicy", "iam:GetPolicyVersion"), ("iam:CreatePolicyVersion",)),
    "arn:aws:codebuild:eu-west-1:123456789012:project/company-builder": (
        ("codebuild:BatchGetProjects",),
        ("codebuild:UpdateProject", "codebuild:DeleteProject"),
    ),
}


@pytest.mark.parametrize("purpose", [PREVIEW, DEPLOY])
@pytest.mark.parametrize("arn", THEIRS)
def test_what_is_there_already_is_read_and_not_changed(roles: Roles, purpose: str, arn: str) -> None:
    reads, changes = THEIRS[arn]
    for action in reads:
        assert roles.may(purpose, action, arn), f"{action} is needed by the check of existing resources"
    for action in changes:
        assert not roles.may(purpose, action, arn), f"{action} would change what is not ours"


def test_the_group_of_jobs_is_made_in_the_existing_network_and_no_other(roles: Roles) -> None:
    group = "arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1"
    vpc = "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-{}"
    asked = {"aws__RequestTag/mlstack__project": "mlstack", "aws__RequestTag/mlstack__environment": "dev"}
    ours = {"aws__ResourceTag/mlstack__project": "mlstack", "aws__ResourceTag/mlstack__environment": "dev"}
    assert roles.may(DEPLOY, "ec2:CreateSecurityGroup", vpc.format("0123456789abcdef0"))
    assert not roles.may(DEPLOY, "ec2:CreateSecurityGroup", vpc.format("fedcba98765432100"))
    assert roles.may(DEPLOY, "ec2:CreateSecurityGroup", group, **asked)
    assert roles.may(DEPLOY, "ec2:DeleteSecurityGroup", group, **ours)
    assert not roles.may(DEPLOY, "ec2:DeleteSecurityGroup", group)
    assert not roles.may(PREVIEW, "ec2:CreateSecurityGroup", vpc.format("0123456789abcdef0"))
    assert not roles.may(DEPLOY, "ec2:CreateSubnet", "arn:aws:ec2:eu-west-1:123456789012:subnet/x", **asked)


def test_jobs_of_each_team_get_the_role_that_it_brings_or_that_is_made_for_it() -> None:
    both, to = _roles(_of_a_team()), {"iam__PassedToService": "codebuild.amazonaws.com"}
    for each in (_ROLE.format("build"), "arn:aws:iam::123456789012:role/ml/mlstack--speech--dev-eu-west-1-codebuild"):
        assert both.may(DEPLOY, "iam:PassRole", each, **to), each
    made = "arn:aws:iam::123456789012:role/ml/mlstack--speech--dev-eu-west-1-codebuild"
    assert not _roles(_ALL).may(DEPLOY, "iam:PassRole", made, **to)
