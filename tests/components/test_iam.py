"""Policies are data: checked when they are made, rendered in one place."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.iam import ROLE_POLICY_LIMIT, Statement, document, pass_role, service_trust
from components.names import BUCKET_LIMIT, ROLE_LIMIT, Names, fit
from mlstack.errors import UsageError
from tests.components.stacks import CASES, program
from tests.recording import Registered, record

READ = Statement(sid="Read", actions=("s3:GetObject",), resources=("arn:aws:s3:::b/*",), why="reads", source="tests")

POLICY_INPUTS = {
    "aws:iam/role:Role": "assumeRolePolicy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:kms/key:Key": "policy",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "policy",
}
# In these * is the key itself, or all that a role may reach through the endpoint.
ABOUT_THEMSELVES = ("aws:kms/key:Key", "aws:ec2/vpcEndpoint:VpcEndpoint")


def test_a_statement_says_why_and_for_whom() -> None:
    with pytest.raises(ValueError, match="neither why nor by whom"):
        replace(READ, why="")
    with pytest.raises(ValueError, match="neither why nor by whom"):
        replace(READ, source="")


@pytest.mark.parametrize("actions", [("s3:*",), ("s3:Get*",), ("*",)])
def test_nothing_is_allowed_by_wildcard(actions: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="without a wildcard"):
        replace(READ, actions=actions)


def test_actions_are_sorted_so_that_a_diff_shows_only_what_changed() -> None:
    with pytest.raises(ValueError, match="sorted"):
        replace(READ, actions=("s3:PutObject", "s3:GetObject"))


def test_statement_ids_are_those_iam_accepts_and_unique_in_a_document() -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        replace(READ, sid="read-only")
    with pytest.raises(ValueError, match="unique"):
        document([READ, READ], limit=ROLE_POLICY_LIMIT, what="a policy")


def test_a_document_longer_than_aws_allows_is_refused_with_both_lengths() -> None:
    with pytest.raises(UsageError, match=r"is \d+ characters long, AWS allows 100"):
        document([replace(READ, resources=("arn:aws:s3:::" + "b" * 200,))], limit=100, what="a policy")


def test_a_service_is_trusted_only_on_behalf_of_this_account() -> None:
    trust = service_trust("sagemaker.amazonaws.com", "123456789012", "tests").as_json()
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_a_role_is_passed_to_one_service_only() -> None:
    passed = pass_role("Pass", "arn:aws:iam::1:role/r", "sagemaker.amazonaws.com", "why", "source").as_json()
    assert passed["Resource"] == "arn:aws:iam::1:role/r"
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_every_policy_is_fully_known_in_a_preview(changes: dict[str, str]) -> None:
    for resource, policy in _policies(changes, preview=True):
        assert isinstance(policy, str), f"the policy of {resource.name} is unknown until it exists"
        assert json.loads(policy)["Version"] == "2012-10-17"


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_no_statement_allows_everything_on_everything(changes: dict[str, str]) -> None:
    allowed_anywhere = {
        "ecr:GetAuthorizationToken",
        "sagemaker:ListDomains",
        "cloudwatch:PutMetricData",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    }
    for resource, policy in _policies(changes):
        for statement in json.loads(policy)["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            if statement["Effect"] == "Deny":
                continue
            assert not [action for action in actions if "*" in action], resource.name
            if statement.get("Resource") == "*" and resource.type not in ABOUT_THEMSELVES:
                assert set(actions) <= allowed_anywhere, f"{resource.name}: {actions} on *"


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_arns_are_of_the_partition_of_the_region(changes: dict[str, str]) -> None:
    partition = "aws-us-gov" if "us-gov" in changes.get("aws:region", "") else "aws"
    for resource, policy in _policies(changes):
        for arn in [part for part in policy.split('"') if part.startswith("arn:")]:
            assert arn.split(":")[1] == partition, f"{resource.name}: {arn}"


def test_no_managed_policy_is_attached() -> None:
    assert not [r for r in record(program()).customs if "Attachment" in r.type or "managedPolicyArns" in r.inputs]


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=200), st.integers(20, 64))
def test_a_name_is_fitted_to_its_limit_and_stays_its_own(name: str, limit: int) -> None:
    fitted = fit(name, limit)
    assert len(fitted) <= limit
    assert fitted == name or fit(name + "x", limit) != fitted


def test_the_longest_settings_give_names_that_aws_accepts() -> None:
    names = Names(name="a" * 24, environment="b" * 24, account_id="123456789012", region="ap-southeast-1")
    assert len(names.bucket) <= BUCKET_LIMIT
    assert len(names.role("codebuild")) <= ROLE_LIMIT
    assert names.role("codebuild") != names.role("sagemaker")


def _policies(changes: dict[str, str], *, preview: bool = False) -> list[tuple[Registered, str]]:
    return [
        (resource, resource.inputs[POLICY_INPUTS[resource.type]])
        for resource in record(program(changes), preview=preview).customs
        if resource.type in POLICY_INPUTS
    ]
