"""`mlstack backend bootstrap` against the emulator. How soon KMS and IAM of AWS agree with themselves is not shown."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlstack.backend.bootstrap import Backend, commands, url
from mlstack.backend.part import Part
from mlstack.backend.place import TAG, Place, Trusted, place_of, trusted_by
from mlstack.errors import MLStackError, UsageError
from tests.backend.conftest import ACCOUNT, CI, REGION

Aws = Callable[..., Any]
TRUSTED = Trusted(preview=(CI,), deploy=(CI, f"arn:aws:iam::{ACCOUNT}:user/ann"))
ROOT = Path(__file__).parents[2]


def quiet(_: str) -> None:
    pass


def wrong(place: Place, trusted: Trusted = TRUSTED) -> list[str]:
    return [part.what.rpartition(": ")[2] for part in Backend(place, trusted).parts() if not part.right]


@pytest.fixture
def made(aws: Aws, place: Place) -> Place:
    Backend(place, TRUSTED).mend(quiet)
    return place


def test_a_second_run_finds_nothing_to_do(made: Place) -> None:
    assert wrong(made) == []
    assert wrong(made, Trusted()) == [], "who may assume the roles is left as it is when nobody is named"


def test_all_of_it_is_there(made: Place, aws: Aws) -> None:
    s3, bucket = aws("s3"), made.names.bucket
    assert bucket == f"{made.name}-pulumi-state-{ACCOUNT}-{REGION}"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert {each["ID"]: each["NoncurrentVersionExpiration"]["NoncurrentDays"] for each in rules} == {
        "old-versions": 90,
        "old-locks": 7,
    }
    assert not [each for each in rules if "Days" in each.get("Expiration", {})], "what is current never expires"
    key = aws("kms").describe_key(KeyId=made.names.key_alias)["KeyMetadata"]
    written = s3.put_object(Bucket=bucket, Key=".pulumi/stacks/mlstack/dev.json", Body=b"{}")
    assert (written["ServerSideEncryption"], written["SSEKMSKeyId"]) == ("aws:kms", key["Arn"])
    assert not s3.list_objects_v2(Bucket=bucket, Prefix=".pulumi/mlstack-probe").get("Contents")
    roles = Backend(made, TRUSTED).role_arns()
    assert roles["prod"]["deploy"] == f"arn:aws:iam::{ACCOUNT}:role/{made.name}-pulumi-state-{REGION}-prod-deploy"


def test_objects_are_refused_without_tls_and_with_any_other_encryption(made: Place, aws: Aws) -> None:
    s3 = aws("s3")
    of = {"Bucket": made.names.bucket, "Key": "object", "Body": b"x"}
    other = aws("kms").create_key()["KeyMetadata"]["Arn"]
    for more in (
        {"ServerSideEncryption": "AES256"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": other},
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32},
    ):
        with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
            s3.put_object(**of, **more)
    s3.put_object(**of)
    s3.meta.events.register(
        "before-call.s3", lambda params, **_: params["headers"].update({"X-Mlstack-Secure-Transport": "false"})
    )
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(**of)


def test_older_states_cannot_be_deleted_nor_the_bucket(made: Place, aws: Aws) -> None:
    s3, bucket = aws("s3"), made.names.bucket
    version = s3.put_object(Bucket=bucket, Key="object", Body=b"x")["VersionId"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="object", VersionId=version)
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_bucket(Bucket=bucket)


def _schedule_deletion(place: Place, aws: Aws) -> None:
    key = aws("kms").describe_key(KeyId=place.names.key_alias)["KeyMetadata"]["KeyId"]
    aws("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=30)


def _open_key(place: Place, aws: Aws) -> None:
    kms = aws("kms")
    key = kms.describe_key(KeyId=place.names.key_alias)["KeyMetadata"]["KeyId"]
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    policy["Statement"] = [each for each in policy["Statement"] if each["Sid"] != "LongestWindow"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))


def _stop_rotation(place: Place, aws: Aws) -> None:
    key = aws("kms").describe_key(KeyId=place.names.key_alias)["KeyMetadata"]["KeyId"]
    aws("kms").disable_key_rotation(KeyId=key)


BROKEN: dict[str, Callable[[Place, Aws], object]] = {
    "state": _schedule_deletion,
    "policy": _open_key,
    "yearly rotation": _stop_rotation,
    "alias": lambda place, aws: aws("kms").delete_alias(AliasName=place.names.key_alias),
    "versioning": lambda place, aws: aws("s3").put_bucket_versioning(
        Bucket=place.names.bucket, VersioningConfiguration={"Status": "Suspended"}
    ),
    "public access": lambda place, aws: aws("s3").delete_public_access_block(Bucket=place.names.bucket),
    "ownership": lambda place, aws: aws("s3").put_bucket_ownership_controls(
        Bucket=place.names.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    ),
    "encryption": lambda place, aws: aws("s3").put_bucket_encryption(
        Bucket=place.names.bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    ),
    "lifecycle": lambda place, aws: aws("s3").delete_bucket_lifecycle(Bucket=place.names.bucket),
    f"tag {TAG}": lambda place, aws: aws("s3").put_bucket_tagging(
        Bucket=place.names.bucket, Tagging={"TagSet": [{"Key": "team", "Value": "platform"}]}
    ),
    "permissions": lambda place, aws: aws("iam").delete_role_policy(
        RoleName=place.role("dev", "deploy"), PolicyName="state"
    ),
    "who may assume it": lambda place, aws: aws("iam").update_assume_role_policy(
        RoleName=place.role("prod", "preview"),
        PolicyDocument='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}',
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_somebody_changed_is_found_and_set_right(made: Place, aws: Aws, what: str) -> None:
    BROKEN[what](made, aws)
    found = wrong(made)
    # A key that is to be deleted cannot be asked whether it rotates.
    assert found == ([what, "yearly rotation"] if what == "state" else [what])
    Backend(made, TRUSTED).mend(quiet)
    assert wrong(made) == []


def test_a_bucket_policy_that_somebody_opened_is_found(made: Place, aws: Aws) -> None:
    policy = json.loads(aws("s3").get_bucket_policy(Bucket=made.names.bucket)["Policy"])
    policy["Statement"] = policy["Statement"][1:]
    aws("s3").put_bucket_policy(Bucket=made.names.bucket, Policy=json.dumps(policy))
    assert wrong(made) == ["policy"]


def test_tags_of_others_stay(made: Place, aws: Aws) -> None:
    BROKEN[f"tag {TAG}"](made, aws)
    Backend(made, TRUSTED).mend(quiet)
    tags = aws("s3").get_bucket_tagging(Bucket=made.names.bucket)["TagSet"]
    assert {each["Key"] for each in tags} == {"team", TAG}


def test_interrupted_anywhere_the_next_run_goes_on_and_makes_nothing_twice(
    aws: Aws, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Roles of one purpose are made as those of the other.
    place, only = replace(place, environments=("dev",)), Trusted(deploy=(CI,))
    whole = Backend._parts
    changes = [part.what for part in Backend(place, only).parts()]
    for after in range(len(changes)):
        here = replace(place, name=f"{place.name}i{after}")

        def cut_off(self: Backend, after: int = after) -> Iterator[Part]:
            for number, part in enumerate(whole(self)):
                if number == after:
                    raise KeyboardInterrupt
                yield part

        monkeypatch.setattr(Backend, "_parts", cut_off)
        with pytest.raises(KeyboardInterrupt):
            Backend(here, only).mend(quiet)
        monkeypatch.setattr(Backend, "_parts", whole)
        Backend(here, only).mend(quiet)
        assert wrong(here, only) == [], f"cut off before {changes[after]}"
        assert len(_keys_of(here, aws)) == 1


def _keys_of(place: Place, aws: Aws) -> list[str]:
    kms = aws("kms")
    keys = [each["KeyId"] for page in kms.get_paginator("list_keys").paginate() for each in page["Keys"]]
    tag = {"TagKey": TAG, "TagValue": place.name}
    return [each for each in keys if tag in kms.list_resource_tags(KeyId=each)["Tags"]]


def test_credentials_of_another_account_are_refused_before_anything_is_looked_at(place: Place, aws: Aws) -> None:
    with pytest.raises(UsageError, match=f"credentials are of account {ACCOUNT} .* of 999999999999 is meant"):
        Backend(replace(place, account_id="999999999999"), Trusted())


def test_a_bucket_of_another_account_is_refused(place: Place, several_accounts: Aws) -> None:
    s3 = several_accounts("s3")
    s3.meta.events.register(
        "before-call.s3", lambda params, **_: params["headers"].update({"x-moto-account-id": "222222222222"})
    )
    s3.create_bucket(Bucket=place.names.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    with pytest.raises(UsageError, match=f"{place.names.bucket} is not of account {ACCOUNT}"):
        Backend(place, TRUSTED)
    assert _keys_of(place, several_accounts) == []


def test_a_bucket_of_another_region_is_refused(place: Place, aws: Aws) -> None:
    import boto3

    elsewhere = {"LocationConstraint": "eu-central-1"}
    s3 = boto3.client("s3", region_name="eu-central-1")
    s3.create_bucket(Bucket=place.names.bucket, CreateBucketConfiguration=elsewhere)
    with pytest.raises(UsageError, match=f"is in eu-central-1, and the backend of {REGION} is meant"):
        Backend(place, TRUSTED)


def test_without_credentials_it_is_one_message(place: Place, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(MLStackError, match="AWS cannot be asked: Unable to locate credentials"):
        Backend(place, TRUSTED)


def test_account_and_region_are_those_of_the_settings_or_of_the_options() -> None:
    found = place_of(ROOT, stacks=["local"], account=None, region=None, name=None)
    assert (found.account_id, found.region, found.project) == (ACCOUNT, REGION, "mlstack")
    given = place_of(ROOT, stacks=["local"], account="999999999999", region="us-east-1", name="acme")
    assert given.names.bucket == "acme-pulumi-state-999999999999-us-east-1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing says in which account the backend is\n  name an environment with --stack, or give --account"),
        (["--account", "12"], "--account is '12'\n  use the 12 digits"),
        (["--stack", "nowhere"], "there is no Pulumi.nowhere.yaml"),
        (["--stack", "local", "--name", "Acme_"], "--name is 'Acme_'"),
        (["--stack", "local", "--deploy-by", "*"], "--deploy-by is '*'\n  use the ARN of one IAM role or user"),
        (
            ["--account", ACCOUNT, "--region", REGION, "--deploy-by", CI],
            "--preview-by and --deploy-by make roles of an environment, and none is named\n  add --stack dev",
        ),
    ],
)
def test_what_is_wrong_is_one_message_and_the_exit_code_2(aws: Aws, arguments: list[str], said: str) -> None:
    ended = command(*arguments, "--yes")
    assert ended.returncode == 2
    assert f"error: {said}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_command_asks_says_and_checks(aws: Aws, place: Place) -> None:
    of = ("--stack", "local", "--name", place.name, "--preview-by", CI)
    refused = command(*of)
    assert refused.returncode == 2
    assert f"bucket {place.names.bucket}: missing" in refused.stderr
    assert "versioning" not in refused.stderr, "what is not there has no settings"
    assert "nobody can be asked whether to go on; nothing was changed" in refused.stderr

    missing = command(*of, "--check", "--json")
    assert missing.returncode == 7
    assert not json.loads(missing.stdout)["changed"]
    assert _keys_of(place, aws) == []

    assert json.loads(command(*of, "--yes", "--json").stdout)["changed"]
    again = command(*of)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("unchanged\n")
    assert f"pulumi login '{url(place)}'" in again.stdout
    assert f"--secrets-provider='awskms://alias/{place.name}-pulumi-state?region={REGION}'" in again.stdout
    checked = json.loads(command(*of, "--check", "--json").stdout)
    assert (checked["deviations"], list(checked["roles"]["local"])) == ([], ["preview"])


def test_aws_itself_is_named_without_a_path_style(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert commands(place)[0] == f"pulumi login 's3://{place.names.bucket}?region={REGION}'"


def test_principals_need_an_environment(place: Place) -> None:
    with pytest.raises(UsageError, match="none is named"):
        trusted_by(replace(place, environments=()), preview=[CI], deploy=[], boundary=None)


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "mlstack", "backend", "bootstrap", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
