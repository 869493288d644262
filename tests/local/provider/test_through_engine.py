"""The provider attached to the real engine: what a user of the embedded cloud sees."""

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlstack.local import environments
from mlstack.local.engine import Engine
from tests.local.conftest import RunningEmulator
from tests.local.provider.samples import trust

pytestmark = pytest.mark.engine

BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ROLE = "aws:iam/role:Role"
REPOSITORY = "aws:ecr/repository:Repository"

# Property names as in the schema, with no SDK in between that could refuse or mend them.
PROGRAM = """
import json, pathlib, pulumi
made = {}
for name, (token, inputs, options) in json.loads(pathlib.Path("wanted.json").read_text()).items():
    inputs = {key: made[value[1:]].id if str(value).startswith("@") else value for key, value in inputs.items()}
    made[name] = pulumi.CustomResource(token, name, inputs, pulumi.ResourceOptions(**options))
"""
WITH_SDK = """
import pulumi
from pulumi_aws import get_caller_identity, get_partition, get_region
from pulumi_aws.iam import AccessKey, User
user = User("user", name=pulumi.Config().require("user"))
key = AccessKey("key", user=user.name)
pulumi.export("secret", key.secret)
pulumi.export("who", [get_caller_identity().account_id, get_region().region, get_partition().partition])
"""


@dataclass
class Stack:
    """A small program with a state of its own."""

    directory: Path
    environment: dict[str, str]
    wanted: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = field(default_factory=dict)

    def want(self, name: str, token: str, inputs: dict[str, Any], **options: Any) -> None:
        self.wanted[name] = (token, inputs, options)

    def pulumi(self, *arguments: str, refused: bool = False) -> str:
        (self.directory / "wanted.json").write_text(json.dumps(self.wanted), encoding="utf-8")
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = f"{done.stdout}\n{done.stderr}"
        assert (done.returncode != 0) == refused, said
        assert "Traceback" not in said
        return said

    def up(self) -> dict[str, int]:
        """Operations by kind."""
        return _operations(self.pulumi("up", "--yes", "--skip-preview", "--json"))

    def state(self) -> dict[str, Any]:
        """Resources by name."""
        exported = self.pulumi("stack", "export")
        resources = json.loads(exported)["deployment"].get("resources", [])
        return {each["urn"].rsplit("::", 1)[1]: each for each in resources}


def _operations(said: str) -> dict[str, int]:
    events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    counts: dict[str, int] = next(
        event["summaryEvent"]["resourceChanges"] for event in events if "summaryEvent" in event
    )
    return counts


@pytest.fixture
def unique() -> str:
    return f"t{uuid.uuid4().hex[:11]}"


@pytest.fixture
def new_stack(engine: Engine, provider_port: int, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    made: list[Stack] = []

    def new(program: str = PROGRAM, **settings: str) -> Stack:
        directory = tmp_path / f"stack-{len(made)}"
        (directory / "pulumi").mkdir(parents=True)
        (directory / "Pulumi.yaml").write_text("name: small\nruntime: python\n", encoding="utf-8")
        (directory / "__main__.py").write_text(program, encoding="utf-8")
        configured = {"aws:region": "eu-west-1", **settings}
        (directory / "Pulumi.dev.yaml").write_text(json.dumps({"config": configured}), encoding="utf-8")
        ours = environments.pulumi(directory, provider_port, engine.bin)
        stack = Stack(directory, {**os.environ, **ours})
        stack.pulumi("stack", "init", "dev")
        made.append(stack)
        return stack

    yield new
    for stack in made:
        subprocess.run(
            ["pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive"],
            cwd=stack.directory,
            env=stack.environment,
            capture_output=True,
            check=False,
            timeout=120,
        )


def test_from_nothing_through_every_kind_of_change_back_to_nothing(
    new_stack: Callable[..., Stack], unique: str, emulator: RunningEmulator
) -> None:
    stack = new_stack()
    stack.want("bucket", BUCKET, {"bucket": unique, "tags": {"Owner": "ml"}})
    stack.want("versioning", VERSIONING, {"bucket": "@bucket", "versioningConfiguration": {"status": "Enabled"}})
    stack.want("role", ROLE, {"name": unique, "assumeRolePolicy": trust("sagemaker.amazonaws.com")})
    stack.want("repository", REPOSITORY, {"name": unique})
    assert stack.up() == {"create": 5}, "four resources and the stack itself"
    assert stack.up() == {"same": 5}

    spaced = json.dumps(json.loads(trust("sagemaker.amazonaws.com")), indent=4, sort_keys=True)
    stack.want("role", ROLE, {"name": unique, "assumeRolePolicy": spaced})
    assert stack.up() == {"same": 5}, "a policy that means the same is the same"

    stack.want("bucket", BUCKET, {"bucket": unique, "tags": {"Owner": "platform"}})
    assert stack.up() == {"same": 4, "update": 1}
    tags = emulator.client("s3").get_bucket_tagging(Bucket=unique)["TagSet"]
    assert tags == [{"Key": "Owner", "Value": "platform"}]

    stack.want("repository", REPOSITORY, {"name": unique, "encryptionConfigurations": [{"encryptionType": "KMS"}]})
    assert stack.up() == {"same": 4, "replace": 1}, "of one name, deleted before it is made again"
    found = emulator.client("ecr").describe_repositories(repositoryNames=[unique])["repositories"]
    assert [each["encryptionConfiguration"]["encryptionType"] for each in found] == ["KMS"]

    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert unique not in [each["Name"] for each in emulator.client("s3").list_buckets()["Buckets"]]
    assert unique not in [each["RoleName"] for each in emulator.client("iam").list_roles()["Roles"]]
    assert unique not in [
        each["repositoryName"] for each in emulator.client("ecr").describe_repositories()["repositories"]
    ]


def test_a_drift_made_by_hand_is_seen_by_refresh_and_mended_by_the_next_up(
    new_stack: Callable[..., Stack], unique: str, emulator: RunningEmulator
) -> None:
    stack = new_stack()
    stack.want("logs", LOG_GROUP, {"name": unique, "retentionInDays": 30})
    stack.want("bucket", BUCKET, {"bucket": unique})
    stack.up()
    assert "3 unchanged" in stack.pulumi("refresh", "--yes", "--skip-preview"), "no drift, none found"
    logs, s3 = emulator.client("logs"), emulator.client("s3")
    logs.put_retention_policy(logGroupName=unique, retentionInDays=1)
    s3.delete_bucket(Bucket=unique)
    stack.pulumi("refresh", "--yes", "--skip-preview")
    state = stack.state()
    assert state["logs"]["outputs"]["retentionInDays"] == 1
    assert "bucket" not in state, "what is gone leaves the state"
    assert stack.up() == {"create": 1, "update": 1, "same": 1}
    (found,) = logs.describe_log_groups(logGroupNamePrefix=unique)["logGroups"]
    assert found["retentionInDays"] == 30
    s3.head_bucket(Bucket=unique)


def test_what_somebody_made_by_hand_can_be_imported_and_is_then_unchanged(
    new_stack: Callable[..., Stack], unique: str, emulator: RunningEmulator
) -> None:
    emulator.client("logs").create_log_group(logGroupName=unique)
    emulator.client("iam").create_role(
        RoleName=unique, AssumeRolePolicyDocument=trust("codebuild.amazonaws.com"), Description="by hand"
    )
    stack = new_stack()
    stack.pulumi("import", LOG_GROUP, "logs", unique, "--yes", "--generate-code=false", "--protect=false")
    stack.want("logs", LOG_GROUP, {"name": unique})
    role = {"name": unique, "assumeRolePolicy": trust("codebuild.amazonaws.com"), "description": "by hand"}
    stack.want("role", ROLE, role, import_=unique)
    assert stack.up() == {"import": 1, "same": 2}
    assert stack.up() == {"same": 3}


def test_what_the_program_ignores_is_left_alone(new_stack: Callable[..., Stack], unique: str) -> None:
    stack = new_stack()
    stack.want("logs", LOG_GROUP, {"name": unique, "retentionInDays": 30})
    stack.up()
    stack.want("logs", LOG_GROUP, {"name": unique, "retentionInDays": 60}, ignore_changes=["retentionInDays"])
    assert stack.up() == {"same": 2}


def test_what_is_wrong_is_refused_in_the_preview_by_name(new_stack: Callable[..., Stack]) -> None:
    unknown = "is unknown to the embedded provider"
    cases: list[tuple[str, dict[str, Any], str]] = [
        (BUCKET, {"bucket": "b", "forceDestory": True}, f"forceDestory {unknown}: did you mean forceDestroy?"),
        (BUCKET, {}, "bucket is required"),
        (LOG_GROUP, {"name": "n", "retentionInDays": 31}, "retentionInDays is 31; AWS has 0, 1, 3, 5"),
        ("aws:s3/buckets:Bucket", {}, "does not know aws:s3/buckets:Bucket: did you mean aws:s3/bucket:Bucket?"),
        ("aws:sqs/queue:Queue", {"name": "q"}, "does not know aws:sqs/queue:Queue"),
    ]
    stack = new_stack()
    for token, inputs, said in cases:
        stack.want("wrong", token, inputs)
        assert said in stack.pulumi("preview", refused=True)


def test_another_account_than_the_settings_mean_is_refused_with_both(
    new_stack: Callable[..., Stack], unique: str
) -> None:
    stack = new_stack(**{"aws:allowedAccountIds": '["999999999999"]'})
    stack.want("bucket", BUCKET, {"bucket": unique})
    said = stack.pulumi("preview", refused=True)
    assert "these credentials are of AWS account 123456789012, but aws:allowedAccountIds allows 999999999999" in said


def test_a_setting_that_nobody_knows_is_refused_with_the_nearest(new_stack: Callable[..., Stack], unique: str) -> None:
    stack = new_stack(**{"aws:allowedAccountId": '["123456789012"]'})
    stack.want("bucket", BUCKET, {"bucket": unique})
    assert "did you mean allowedAccountIds?" in stack.pulumi("preview", refused=True)


def test_a_bucket_with_objects_is_not_destroyed_until_it_may_be(
    new_stack: Callable[..., Stack], unique: str, emulator: RunningEmulator
) -> None:
    stack = new_stack()
    stack.want("bucket", BUCKET, {"bucket": unique})
    stack.up()
    emulator.client("s3").put_object(Bucket=unique, Key="model", Body=b"1")
    assert "BucketNotEmpty" in stack.pulumi("destroy", "--yes", "--skip-preview", refused=True)
    stack.want("bucket", BUCKET, {"bucket": unique, "forceDestroy": True})
    assert stack.up() == {"same": 1, "update": 1}
    stack.pulumi("destroy", "--yes", "--skip-preview")


def test_default_tags_reach_what_is_there_already(
    new_stack: Callable[..., Stack], unique: str, emulator: RunningEmulator
) -> None:
    stack = new_stack()
    stack.want("bucket", BUCKET, {"bucket": unique, "tags": {"Owner": "ml"}})
    stack.up()
    stack.pulumi("config", "set", "--path", "aws:defaultTags.tags.Project", "mlstack")
    assert stack.up() == {"same": 1, "update": 1}
    tags = emulator.client("s3").get_bucket_tagging(Bucket=unique)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"Owner": "ml", "Project": "mlstack"}
    assert "2 unchanged" in stack.pulumi("refresh", "--yes", "--skip-preview"), "and are no drift"
    assert stack.up() == {"same": 2}


def test_what_exists_already_is_refused_in_awss_words(
    new_stack: Callable[..., Stack], unique: str, emulator: RunningEmulator
) -> None:
    emulator.client("ecr").create_repository(repositoryName=unique)
    stack = new_stack()
    stack.want("repository", REPOSITORY, {"name": unique})
    said = stack.pulumi("up", "--yes", "--skip-preview", refused=True)
    assert "RepositoryAlreadyExistsException" in said
    assert unique in said


def test_a_secret_that_aws_tells_once_is_encrypted_in_the_state_and_survives_a_refresh(
    new_stack: Callable[..., Stack], unique: str
) -> None:
    stack = new_stack(WITH_SDK, **{"small:user": unique})
    stack.up()
    stack.pulumi("refresh", "--yes", "--skip-preview")
    assert set(stack.state()["key"]["outputs"]["secret"]) >= {"ciphertext"}
    outputs = json.loads(stack.pulumi("stack", "output", "--json"))
    assert outputs["secret"] == "[secret]"
    assert outputs["who"] == ["123456789012", "eu-west-1", "aws"]


def test_two_runs_at_once_in_two_regions_do_not_mix(
    new_stack: Callable[..., Stack], unique: str, emulator: RunningEmulator
) -> None:
    stacks = {region: new_stack(**{"aws:region": region}) for region in ("eu-west-1", "us-east-1")}
    for region, stack in stacks.items():
        stack.want("logs", LOG_GROUP, {"name": f"{unique}-{region}"})
    with ThreadPoolExecutor() as both:
        assert list(both.map(Stack.up, stacks.values())) == [{"create": 2}, {"create": 2}]
    for region, stack in stacks.items():
        assert f":{region}:" in stack.state()["logs"]["outputs"]["arn"]
