"""The inventory names what exists, and nothing that does not count."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlstack.local.aws.inventory import inventory
from tests.local.conftest import RunningEmulator, start_emulator, stop_emulator


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[RunningEmulator]:
    running = start_emulator(tmp_path)
    yield running
    stop_emulator(running)


def test_everything_that_is_made_is_listed_until_it_is_gone(fresh: RunningEmulator) -> None:
    assert [(each.kind, each.name, each.given) for each in inventory(fresh.endpoint)] == [
        ("user", "zenml-server", True)
    ]
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    location = {"LocationConstraint": "eu-west-1"}
    s3, ecr, iam, kms = (fresh.client(each) for each in ("s3", "ecr", "iam", "kms"))
    logs, codebuild, sagemaker = (fresh.client(each) for each in ("logs", "codebuild", "sagemaker"))
    s3.create_bucket(Bucket="a-bucket", CreateBucketConfiguration=location)
    ecr.create_repository(repositoryName="a-repository")
    role = iam.create_role(RoleName="a-role", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/a-key", TargetKeyId=key)
    logs.create_log_group(logGroupName="a-group")
    codebuild.create_project(
        name="a-project",
        source={"type": "S3", "location": "a-bucket/context.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=role,
    )
    definition = json.dumps({"Steps": [{"Name": "a", "Type": "Training", "Arguments": {}}]})
    sagemaker.create_pipeline(
        PipelineName="a-pipeline", PipelineDefinition=definition, RoleArn=role, ClientRequestToken="t" * 32
    )
    fresh.client("scheduler").create_schedule(
        Name="a-schedule",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": role, "RoleArn": role},
    )
    made = [(each.kind, each.name) for each in inventory(fresh.endpoint) if not each.given]
    assert made == [
        ("project", "a-project"),
        ("repository", "a-repository"),
        ("role", "a-role"),
        ("alias", "alias/a-key"),
        ("key", key),
        ("log group", "a-group"),
        ("bucket", "a-bucket"),
        ("pipeline", "a-pipeline"),
        ("schedule", "a-schedule"),
    ]

    s3.delete_bucket(Bucket="a-bucket")
    ecr.delete_repository(repositoryName="a-repository")
    iam.delete_role(RoleName="a-role")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    logs.delete_log_group(logGroupName="a-group")
    codebuild.delete_project(name="a-project")
    sagemaker.delete_pipeline(PipelineName="a-pipeline", ClientRequestToken="t" * 32)
    fresh.client("scheduler").delete_schedule(Name="a-schedule")
    assert [each for each in inventory(fresh.endpoint) if not each.given] == []
