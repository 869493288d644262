"""What existing resources lack is found by reading them, and what their owner is told to paste is enough.

The emulator decides nothing by IAM policies, so that they suffice on AWS is as much proven as the statements are.
"""

import json
from typing import Any

import pytest

from components.existing import asked_of
from components.ml_stack import MLStackArgs
from components.team_settings import TeamSettings
from mlstack.errors import MLStackError, UsageError
from mlstack.existing.buckets import of_bucket
from mlstack.existing.check import lacking, refusal
from mlstack.existing.lack import Lack
from mlstack.existing.reading import Aws
from tests.components.stacks import settings
from tests.existing.owner import ACCOUNT, REGION, Owner, policy
from tests.local.conftest import RunningEmulator

EVERYTHING = (
    "artifactStore",
    "repository",
    "encryption",
    "buildProject",
    "network",
    "roles.access",
    "roles.execution",
    "roles.scheduler",
    "roles.build",
)


def _lacks(wanted: dict[str, Any]) -> list[Lack]:
    return lacking(asked_of([MLStackArgs.from_settings(settings(_as_config(wanted))).rights]))


def _as_config(wanted: dict[str, Any]) -> dict[str, str]:
    return {f"mlstack:{key}": json.dumps(value) for key, value in wanted.items()}


def _about(wanted: dict[str, Any], weight: str = "wrong") -> Lack:
    [found] = [each for each in _lacks(wanted) if each.weight == weight]
    return found


def test_what_is_told_to_be_pasted_is_all_that_is_lacking(owner: Owner) -> None:
    wanted = owner.together(*EVERYTHING)
    before = _lacks(wanted)
    assert {each.resource.split(" ")[0] for each in before} == {"bucket", "repository", "key", "role"}
    for each in before:
        assert each.change, f"{each} names no change"
        owner.paste(each.change)
    assert [str(each) for each in _lacks(wanted)] == []


def test_what_several_teams_lack_is_one_list_and_one_document_for_the_key_that_all_use(
    owner: Owner, another: Owner
) -> None:
    common = owner.settings("encryption") | owner.settings("accessLogs")
    parts = ("artifactStore", "repository", "buildProject", "roles.execution", "roles.build")
    vision = {
        key: value
        for key, value in another.together(*parts).items()
        if key in TeamSettings.model_json_schema()["properties"]
    }
    wanted = {**common, "teams": [{"name": "speech"}, {"name": "vision", **vision}, {"name": "search"}]}

    def lacks() -> list[Lack]:
        stacks = settings(_as_config(wanted)).stacks
        return lacking(asked_of([MLStackArgs.from_settings(each).rights for each in stacks]))

    before = [each for each in lacks() if each.weight != "advised"]
    by_key = {each.setting for each in before}
    assert by_key == {
        "mlstack:encryption.keyArn",
        "mlstack:accessLogs.bucket",
        "mlstack:teams[1].artifactStore.bucket",
        "mlstack:teams[1].repository.name",
        "mlstack:teams[1].roles.execution.arn",
        "mlstack:teams[1].roles.build.arn",
    }
    assert [each.resource.split(" ")[0] for each in before].count("key") == 1
    for each in lacks():
        assert each.change, f"{each} names no change"
        if each.resource.startswith("key "):
            sids = [statement["Sid"] for statement in each.change.document["Statement"]]
            assert len(set(sids)) == len(sids) >= 4, "of each team its own, told apart"
        owner.paste(each.change)
    assert [str(each) for each in lacks()] == []


def test_reading_changes_nothing(owner: Owner) -> None:
    before = owner.snapshot()
    _lacks(owner.together(*EVERYTHING))
    assert owner.snapshot() == before


def test_what_was_in_a_document_is_still_in_it_after_the_change(owner: Owner) -> None:
    [key] = _lacks(owner.settings("encryption"))
    assert key.change
    assert key.change.document["Statement"][0]["Sid"] == "Owner"
    assert [each["Sid"] for each in key.change.document["Statement"][1:]] == [each["Sid"] for each in key.change.adds]


def test_only_the_statements_that_are_missing_are_asked_for(owner: Owner) -> None:
    wanted = owner.settings("roles.execution")
    [trust, rights] = _lacks(wanted)
    assert (trust.weight, rights.weight) == ("wrong", "lacks")
    assert rights.change
    [left_out, *granted] = rights.change.adds
    name = f"{owner.name}-execution"
    owner.client("iam").put_role_policy(RoleName=name, PolicyName="most", PolicyDocument=policy(*granted))
    again = next(each for each in _lacks(wanted) if each.weight == "lacks")
    assert again.change
    assert again.change.adds == [left_out]


def test_wider_rights_will_do_and_a_deny_takes_them_away_again(owner: Owner) -> None:
    wanted, name = owner.settings("roles.scheduler"), f"{owner.name}-scheduler"
    wide = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    made = owner.client("iam").create_policy(PolicyName=f"{name}-wide", PolicyDocument=policy(wide))["Policy"]["Arn"]
    owner.client("iam").attach_role_policy(RoleName=name, PolicyArn=made)
    assert [each.weight for each in _lacks(wanted)] == ["wrong"], "only the trust"
    deny = {"Effect": "Deny", "Action": "sagemaker:Start*", "Resource": "*"}
    owner.client("iam").put_role_policy(RoleName=name, PolicyName="no", PolicyDocument=policy(deny))
    assert [each.weight for each in _lacks(wanted)] == ["wrong", "lacks"]


def test_a_boundary_that_takes_rights_away_is_seen(owner: Owner) -> None:
    name = f"{owner.name}-scheduler"
    narrow = {"Sid": "S3", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    made = owner.client("iam").create_policy(PolicyName=f"{name}-bound", PolicyDocument=policy(narrow))["Policy"]["Arn"]
    owner.client("iam").put_role_permissions_boundary(RoleName=name, PermissionsBoundary=made)
    boundary = next(each for each in _lacks(owner.settings("roles.scheduler")) if "boundary" in each.problem)
    assert boundary.change
    assert [each["Sid"] for each in boundary.change.document["Statement"]] == ["S3", "StartPipelines"]


def test_rights_that_reach_too_short_for_the_prefix_are_missing(owner: Owner) -> None:
    wanted = {"artifactStore": {"prefix": "teams/vision"}, **owner.settings("roles.execution")}
    needed = next(each for each in _lacks(wanted) if each.weight == "lacks")
    assert needed.change
    output = next(each for each in needed.change.adds if each["Sid"] == "JobOutput")
    assert output["Resource"].endswith("/teams/vision/sagemaker/*")
    elsewhere = [
        {**each, "Resource": each["Resource"].replace("vision", "audio")} if each["Sid"] == "JobOutput" else each
        for each in needed.change.adds
    ]
    name = f"{owner.name}-execution"
    owner.client("iam").put_role_policy(RoleName=name, PolicyName="other", PolicyDocument=policy(*elsewhere))
    again = next(each for each in _lacks(wanted) if each.weight == "lacks")
    assert "JobOutput" in again.problem


def test_a_bucket_policy_that_refuses_a_role_is_named_with_its_statement(owner: Owner) -> None:
    deny = {
        "Sid": "OnlyTheDataTeam",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{owner.bucket}/teams/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/data"}},
    }
    owner.client("s3").put_bucket_policy(Bucket=owner.bucket, Policy=policy(deny))
    refused = [each for each in _lacks(owner.settings("artifactStore")) if each.weight == "lacks"]
    assert refused
    assert all("OnlyTheDataTeam" in each.problem and "s3:PutObject" in each.problem for each in refused)
    deny["Resource"] = f"arn:aws:s3:::{owner.bucket}/others/*"
    owner.client("s3").put_bucket_policy(Bucket=owner.bucket, Policy=policy(deny))
    assert not [each for each in _lacks(owner.settings("artifactStore")) if each.weight == "lacks"]


def test_the_log_bucket_has_to_let_s3_deliver(owner: Owner) -> None:
    wanted = owner.settings("accessLogs")
    [lack] = _lacks(wanted)
    assert lack.change
    assert lack.change.adds[0]["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    owner.paste(lack.change)
    assert _lacks(wanted) == []


def test_a_bucket_under_a_key_that_no_role_may_use_is_refused_with_the_setting(owner: Owner) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": owner.key_arn}}
    owner.client("s3").put_bucket_encryption(Bucket=owner.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    wrong = _about(owner.settings("artifactStore"))
    assert owner.key_arn in wrong.way_out


def test_sessions_that_end_too_early_are_seen(owner: Owner) -> None:
    principal = "arn:aws:iam::123456789012:role/zenml-server"
    wanted = {"connector": {"principal": principal, "sessionSeconds": 7200}, **owner.settings("roles.access")}
    lack = next(each for each in _lacks(wanted) if "7200" in each.problem)
    assert lack.change
    owner.paste(lack.change)
    assert not [each for each in _lacks(wanted) if "7200" in each.problem]


# Bad input: each found before anything is changed, with one message and the way out.


def test_a_bucket_of_another_region_is_refused(owner: Owner, aws: RunningEmulator) -> None:
    name = f"{owner.name}-elsewhere"
    where: Any = {"LocationConstraint": "us-west-2"}
    import boto3

    there = boto3.client("s3", endpoint_url=aws.endpoint, region_name="us-west-2")
    there.create_bucket(Bucket=name, CreateBucketConfiguration=where)
    wrong = _about({"artifactStore": {"mode": "existing", "bucket": name}})
    assert wrong.problem == f"is in us-west-2, and this environment in {REGION}"


def test_a_bucket_of_another_account_is_refused(owner: Owner) -> None:
    """The emulator has one account, so the bucket is asked for by somebody of another."""
    rights = MLStackArgs.from_settings(settings(_as_config(owner.settings("artifactStore")))).rights
    [asked] = asked_of([rights]).buckets
    [wrong] = of_bucket(Aws(REGION, None), asked, "999999999999", REGION)
    assert wrong.weight == "wrong"
    assert "belongs to another account than 999999999999" in wrong.problem


@pytest.mark.parametrize(
    ("part", "what", "inner"),
    [
        ("artifactStore", "bucket", "bucket"),
        ("accessLogs", "bucket", "bucket"),
        ("repository", "repository", "name"),
        ("buildProject", "project", "name"),
    ],
)
def test_what_does_not_exist_is_named(owner: Owner, part: str, what: str, inner: str) -> None:
    wanted = owner.together(part, *(["roles.build"] if part == "buildProject" else []))
    wanted[part] = {**wanted[part], inner: "nowhere"}
    missing = next(each for each in _lacks(wanted) if "does not exist" in each.problem)
    assert (missing.weight, missing.resource, missing.setting) == (
        "wrong",
        f"{what} nowhere",
        f"mlstack:{part}.{inner}",
    )


def test_a_role_that_does_not_exist_or_has_another_path_is_refused(owner: Owner) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role"
    wrong = _about({"roles": {"execution": {"mode": "existing", "arn": f"{arn}/nowhere"}}})
    assert wrong.problem == "does not exist"
    wrong = _about({"roles": {"execution": {"mode": "existing", "arn": f"{arn}/ml/{owner.name}-execution"}}})
    assert wrong.problem == f"does not exist: the role of that name is {arn}/{owner.name}-execution"


@pytest.mark.parametrize("purpose", ["access", "execution", "scheduler", "build"])
def test_a_role_that_trusts_somebody_else_is_refused_with_the_statement_to_add(owner: Owner, purpose: str) -> None:
    wrong = _about(owner.settings(f"roles.{purpose}"))
    assert "may not be assumed by" in wrong.problem
    assert wrong.change
    owner.paste(wrong.change)
    assert not [each for each in _lacks(owner.settings(f"roles.{purpose}")) if each.weight == "wrong"]


def test_a_trust_that_asks_for_an_external_id_is_none(owner: Owner) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:role/zenml-server"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "secret"}},
    }
    owner.client("iam").update_assume_role_policy(RoleName=f"{owner.name}-access", PolicyDocument=policy(trust))
    assert "may not be assumed" in _about(owner.settings("roles.access")).problem


def test_a_key_that_is_being_deleted_is_refused_with_the_command_that_saves_it(owner: Owner) -> None:
    owner.client("kms").schedule_key_deletion(KeyId=owner.key_id, PendingWindowInDays=7)
    wrong = _about(owner.settings("encryption"))
    assert "is deleted on " in wrong.problem
    assert "cancel-key-deletion" in wrong.way_out


def test_a_key_that_is_disabled_or_of_another_kind_or_nowhere_is_refused(owner: Owner) -> None:
    owner.client("kms").disable_key(KeyId=owner.key_id)
    assert _about(owner.settings("encryption")).problem == "is disabled"
    signing = owner.client("kms").create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["Arn"]
    assert "symmetric" in _about({"encryption": {"mode": "existing", "keyArn": signing}}).problem
    nowhere = owner.key_arn[:-4] + "0000"
    assert _about({"encryption": {"mode": "existing", "keyArn": nowhere}}).problem == "does not exist"


def test_a_project_that_runs_as_another_role_is_refused_with_that_role(owner: Owner) -> None:
    owner.make_project(f"{owner.name}-other", owner.role_arn("execution"))
    wanted = owner.together("buildProject", "roles.build")
    wanted["buildProject"]["name"] = f"{owner.name}-other"
    [wrong] = [each for each in _lacks(wanted) if "project" in each.resource]
    assert owner.role_arn("execution") in wrong.way_out


def test_parts_of_a_network_that_do_not_belong_together_are_refused(owner: Owner) -> None:
    ec2 = owner.client("ec2")
    other = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="other", Description="other", VpcId=other)["GroupId"]
    network = owner.settings("network")["network"]
    wrong = _about({"network": {**network, "securityGroupIds": [group]}})
    assert wrong.problem == f"is in {other}, not in {owner.vpc_id}"
    wrong = _about({"network": {**network, "subnetIds": [network["subnetIds"][0], "subnet-0123456789abcdef0"]}})
    assert wrong.resource == "subnet subnet-0123456789abcdef0"
    wrong = _about({"network": {**network, "vpcId": "vpc-0123456789abcdef0"}})
    assert wrong.problem == "does not exist"
    near = ec2.create_subnet(VpcId=owner.vpc_id, CidrBlock="10.9.7.0/24", AvailabilityZone=f"{REGION}a")
    ids = [network["subnetIds"][0], near["Subnet"]["SubnetId"]]
    assert "eu-west-1a" in _about({"network": {**network, "subnetIds": ids}}).problem


def test_credentials_of_another_account_are_refused_before_anything_is_read(
    owner: Owner,
) -> None:
    of_another = settings({"aws:allowedAccountIds": '["999999999999"]', **_as_config(owner.settings("repository"))})
    with pytest.raises(UsageError, match="123456789012, but aws:allowedAccountIds allows 999999999999"):
        lacking(asked_of([MLStackArgs.from_settings(of_another).rights]))


def test_no_answer_from_aws_is_one_message(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(MLStackError, match="existing resources cannot be read"):
        _lacks(owner.settings("repository"))


def test_a_stack_of_its_own_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert _lacks({}) == []


def test_what_would_fail_stops_unless_it_is_to_be_a_warning_and_what_is_wrong_stops_always(owner: Owner) -> None:
    lacks = _lacks(owner.together("encryption", "artifactStore"))
    assert {each.weight for each in lacks} == {"lacks", "advised"}
    message = refusal(lacks, only_warn=False)
    assert message
    assert "mlstack existing --json" in message
    assert "old versions" not in message, "advice stops nobody"
    assert refusal(lacks, only_warn=True) is None
    assert refusal(_lacks(owner.settings("roles.execution")), only_warn=True)
