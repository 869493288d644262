"""What goes wrong reaches the user as one line, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from mlstack.local.provider.types import TABLE
from mlstack.local.provider.values import UNKNOWN, Secret
from tests.local.conftest import RunningEmulator
from tests.local.provider.conftest import Engine, RefusedError, connected
from tests.local.provider.samples import BUCKET, KEY, POLICY, REPOSITORY, ROLE, USER, allow, trust

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ACCESS_KEY = "aws:iam/accessKey:AccessKey"


@pytest.fixture
def unique() -> str:
    return f"t{uuid.uuid4().hex[:11]}"


@pytest.fixture
def other_region(provider_port: int) -> Iterator[Engine]:
    engine, channel = connected(provider_port)
    engine.configure(region="us-east-1")
    yield engine
    channel.close()


def test_a_bucket_of_ours_is_not_taken_over_even_where_aws_would_let_us(other_region: Engine, unique: str) -> None:
    other_region.create(BUCKET, {"bucket": unique})
    with pytest.raises(RefusedError, match="BucketAlready"):
        other_region.create(BUCKET, {"bucket": unique})


def test_a_creation_that_fails_halfway_leaves_nothing(run: Engine, emulator: RunningEmulator, unique: str) -> None:
    with pytest.raises(RefusedError, match="PutBucketTagging"):
        run.create(BUCKET, {"bucket": unique, "tags": {"aws:reserved": "no"}})
    assert run.read(BUCKET, unique) is None
    assert unique not in [each["Name"] for each in emulator.client("s3").list_buckets()["Buckets"]]


def test_what_the_emulator_does_not_have_is_said_to_be_missing_there(run: Engine, unique: str) -> None:
    inputs = {"name": unique}
    run.create(LOG_GROUP, inputs)
    key = "arn:aws:kms:eu-west-1:123456789012:key/any"
    with pytest.raises(RefusedError, match="AssociateKmsKey failed in the AWS emulator, which may not have it"):
        run.update(LOG_GROUP, unique, inputs, {**inputs, "kmsKeyId": key})


def test_a_role_in_use_goes_only_when_its_policies_may_be_detached(run: Engine, unique: str) -> None:
    role = {"name": unique, "assumeRolePolicy": trust("sagemaker.amazonaws.com")}
    run.create(ROLE, role)
    arn, _ = run.create(POLICY, {"name": unique, "policy": allow("s3:GetObject")})
    run.create("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": unique, "policyArn": arn})
    run.create("aws:iam/rolePolicy:RolePolicy", {"role": unique, "name": "own", "policy": allow("s3:GetObject")})
    with pytest.raises(RefusedError, match="DeleteConflict"):
        run.delete(ROLE, unique, role)
    run.delete(ROLE, unique, {**role, "forceDetachPolicies": True})
    assert run.read(ROLE, unique) is None


def test_a_log_group_that_is_to_stay_stays(run: Engine, unique: str) -> None:
    run.create(LOG_GROUP, {"name": unique, "skipDestroy": True})
    run.delete(LOG_GROUP, unique, {"name": unique, "skipDestroy": True})
    assert run.read(LOG_GROUP, unique) == {"name": unique}


def test_the_secret_of_an_access_key_is_marked_and_kept(run: Engine, unique: str) -> None:
    run.create(USER, {"name": unique})
    request = provider_pb2.CreateRequest(urn=run.urn(ACCESS_KEY))
    request.properties.update({"user": unique})
    answer = run.stub.Create(request)
    marked = answer.properties["secret"]
    assert marked["4dabf18193072939515e22adb298388d"] == "1b47061264138c4ac30d75fd1eb44270"
    # The engine gives it back in clear: this provider does not accept secrets.
    secret, state = marked["value"], {"user": unique, "secret": marked["value"]}
    assert run.refresh(ACCESS_KEY, answer.id, {"user": unique}, state)[2]["secret"] == secret
    updated = run.update(ACCESS_KEY, answer.id, {"user": unique}, {"user": unique, "status": "Inactive"}, state)
    assert updated["secret"] == secret


def test_a_secret_input_is_taken_as_what_it_holds(run: Engine, unique: str) -> None:
    _, state = run.create(LOG_GROUP, {"name": Secret(unique), "tags": {"Owner": Secret("ml")}})
    assert (state["name"], state["tagsAll"]) == (unique, {"Owner": "ml"})


def test_an_unknown_inside_is_neither_refused_nor_taken_for_a_value(run: Engine) -> None:
    inputs = {"name": "n", "tags": {"Key": UNKNOWN}}
    assert run.check(LOG_GROUP, inputs) == {}
    assert run.create(LOG_GROUP, inputs, preview=True)[1]["tagsAll"] is UNKNOWN
    rules = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": UNKNOWN}}]
    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    assert run.check(token, {"bucket": UNKNOWN, "rules": rules}) == {}
    assert run.check(token, {"bucket": UNKNOWN, "rules": UNKNOWN}) == {}


def test_a_default_is_an_output_and_may_be_written_out_without_a_change(run: Engine, unique: str) -> None:
    inputs = {"name": unique}
    _, state = run.create(REPOSITORY, inputs)
    assert state["imageTagMutability"] == "MUTABLE"
    assert state["encryptionConfigurations"] == [{"encryptionType": "AES256"}]
    explicit = {**inputs, "imageTagMutability": "MUTABLE", "encryptionConfigurations": [{"encryptionType": "AES256"}]}
    assert not run.diff(REPOSITORY, unique, inputs, explicit, state).detailedDiff


def test_what_aws_chose_is_an_output_and_no_drift(run: Engine) -> None:
    id_, state = run.create(KEY, {"description": "any"})
    assert "Statement" in json.loads(state["policy"]), "the key policy that AWS gives a key without one"
    assert run.refresh(KEY, id_, {"description": "any"}, state)[1] == {"description": "any"}


def test_a_property_is_named_by_its_path_and_by_what_happened_to_it(run: Engine) -> None:
    token = "aws:codebuild/project:Project"
    old = {"name": "p", "environment": {"image": "a"}, "description": "gone"}
    new = {"name": "p", "environment": {"image": "b", "privilegedMode": True}, "buildTimeout": 5}
    found = run.diff(token, "p", old, new).detailedDiff
    kinds = provider_pb2.PropertyDiff
    assert {path: each.kind for path, each in found.items()} == {
        "environment.image": kinds.UPDATE,
        "environment.privilegedMode": kinds.ADD,
        "description": kinds.DELETE,
        "buildTimeout": kinds.ADD,
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Action": "s3:GetObject"}, {"Action": ["s3:GetObject"]}),
        ({"Action": ["s3:GetObject", "s3:PutObject"]}, {"Action": ["s3:PutObject", "s3:GetObject"]}),
        ({"Principal": {"AWS": ["a", "b"]}}, {"Principal": {"AWS": ["b", "a"]}}),
        (
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Condition": {"Bool": {"aws:SecureTransport": ["false"]}}},
        ),
    ],
)
def test_policies_that_mean_the_same_are_the_same(run: Engine, one: dict[str, Any], other: dict[str, Any]) -> None:
    def inputs(*statements: dict[str, Any]) -> dict[str, Any]:
        return {"name": "n", "policy": json.dumps({"Statement": list(statements)})}

    extra = {"Sid": "Extra", "Effect": "Deny"}
    assert not run.diff(POLICY, "n", inputs(one, extra), inputs(extra, other)).detailedDiff
    assert run.diff(POLICY, "n", inputs(one), inputs(one, extra)).detailedDiff
    assert run.diff(POLICY, "n", inputs({**one, "Effect": "Allow"}), inputs({**other, "Effect": "Deny"})).detailedDiff


def test_a_rule_in_an_ecr_lifecycle_policy_is_not_the_same_in_another_place(run: Engine) -> None:
    token = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
    first, second = ({"rulePriority": number} for number in (1, 2))
    old, new = (
        {"repository": "r", "policy": json.dumps({"rules": rules})} for rules in ([first, second], [second, first])
    )
    assert list(run.diff(token, "r", old, new).replaces) == ["policy"]


@pytest.mark.parametrize("setting", ["allowedAccountIds", "defaultTags", "endpoints"])
def test_a_setting_of_the_wrong_shape_is_refused(run: Engine, setting: str) -> None:
    for value in ("123456789012", "{", "true"):
        (said,) = run.check_config(**{setting: value})
        assert said.startswith(f"aws:{setting} is '{value}', not a")


def test_an_account_that_is_forbidden_is_refused(provider_port: int) -> None:
    engine, channel = connected(provider_port)
    with pytest.raises(RefusedError, match="aws:forbiddenAccountIds forbids AWS account 123456789012"):
        engine.configure(region="eu-west-1", forbiddenAccountIds='["123456789012"]')
    channel.close()


def test_what_a_program_may_ask(run: Engine) -> None:
    assert run.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "123456789012"
    assert run.invoke("aws:index/getRegion:getRegion")["region"] == "eu-west-1"
    assert run.invoke("aws:index/getPartition:getPartition")["partition"] == "aws"
    with pytest.raises(
        RefusedError, match="does not know aws:index/getRegions:getRegions: did you mean aws:index/getRegion"
    ):
        run.invoke("aws:index/getRegions:getRegions")
    with pytest.raises(RefusedError, match="takes no region from the embedded provider"):
        run.invoke("aws:index/getRegion:getRegion", region="us-east-1")


def test_a_resource_can_have_a_region_of_its_own(run: Engine, other_region: Engine, unique: str) -> None:
    inputs = {"name": unique, "region": "us-east-1"}
    id_, state = run.create(LOG_GROUP, inputs)
    assert ":us-east-1:" in state["arn"]
    assert run.refresh(LOG_GROUP, id_, inputs, state)[:2] == (id_, inputs)
    assert other_region.read(LOG_GROUP, id_) is not None
    assert list(run.diff(LOG_GROUP, id_, inputs, {"name": unique}).replaces) == ["region"]
    run.delete(LOG_GROUP, id_, state)
    assert other_region.read(LOG_GROUP, id_) is None


def test_a_mistake_in_the_table_is_one_line_for_the_user(run: Engine) -> None:
    with pytest.raises(RefusedError) as refused:
        run.update("aws:iam/rolePolicy:RolePolicy", "r:p", {}, {})
    assert "\n" not in str(refused.value)
    assert "the embedded provider failed: KeyError('role')" in str(refused.value)


def test_an_emulator_that_is_gone_is_said_to_be_and_the_process_ends_cleanly(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "mlstack.local.provider", "--endpoint", "http://127.0.0.1:9"]
    process = subprocess.Popen([*command, "--port-file", str(port_file)], env=dict(os.environ))
    try:
        deadline = time.monotonic() + 60
        while not port_file.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert list(tmp_path.iterdir()) == [port_file], "the port is written whole, and nothing else is left"
        engine, channel = connected(int(port_file.read_text()))
        began = time.monotonic()
        with pytest.raises(RefusedError, match="the AWS emulator does not answer"):
            engine.configure(region="eu-west-1")
        assert time.monotonic() - began < 10, "and soon"
        channel.close()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_every_type_names_its_api_so_that_its_client_is_made_before_the_first_request() -> None:
    services = {kind.service for kind in TABLE.values()}
    assert services == {"s3", "ecr", "iam", "kms", "codebuild", "logs", "scheduler", "ec2"}
