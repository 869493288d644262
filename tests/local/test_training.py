"""A real ZenML pipeline on the embedded cloud, from a data scientist's process to artifacts in the bucket."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlstack.local.cloud import Cloud
from mlstack.local.zenml_access import login, rest

ACCOUNT = "123456789012"
BUCKET = "hand-made-artifacts"


@dataclass(frozen=True)
class Training:
    """What was left of a run."""

    execution: dict[str, Any]
    steps: dict[str, dict[str, Any]]
    run: dict[str, Any]
    output: str


def provision(cloud: Cloud) -> None:
    """What the program provisions, as far as this run needs it: with the policy that refuses plain http."""
    s3, iam = cloud.aws_client("s3"), cloud.aws_client("iam")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    tls_only = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [tls_only]}))
    cloud.aws_client("ecr").create_repository(repositoryName="hand-made")
    for name, principal in (
        ("access", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/zenml-server"}),
        ("execution", {"Service": "sagemaker.amazonaws.com"}),
    ):
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)


@pytest.fixture(scope="module")
def training(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Training]:
    provision(cloud)
    project = tmp_path_factory.mktemp("project")
    shutil.copy(Path(__file__).with_name("two_steps.py"), project)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(project / "home"),
        **cloud.aws_environment(),
        **cloud.zenml_environment(),
    }
    submitted = subprocess.run(
        [sys.executable, "two_steps.py", BUCKET],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    assert submitted.returncode == 0, submitted.stdout
    sagemaker = cloud.aws_client("sagemaker")
    pipeline = sagemaker.list_pipelines()["PipelineSummaries"][0]["PipelineName"]
    listed = sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]
    arn = listed[0]["PipelineExecutionArn"]
    deadline = time.monotonic() + 180
    while (execution := sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn))[
        "PipelineExecutionStatus"
    ] == "Executing" and time.monotonic() < deadline:
        time.sleep(0.2)
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    yield Training(execution, {each["StepName"]: each for each in steps}, _zenml_run(cloud), submitted.stdout)
    sagemaker.delete_pipeline(PipelineName=pipeline, ClientRequestToken="t" * 32)


def _zenml_run(cloud: Cloud) -> dict[str, Any]:
    port = int(cloud.zenml_environment()["ZENML_STORE_URL"].rpartition(":")[2])
    token = login(port, {"password": cloud.zenml_environment()["ZENML_STORE_API_KEY"]})
    assert token is not None
    found: dict[str, Any] = rest(port, "GET", "/api/v1/runs?hydrate=true&sort_by=desc:created", token)["items"][0]
    return found


def _log(cloud: Cloud, step: dict[str, Any]) -> str:
    job = step["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    return (cloud._root / "logs" / "jobs" / f"{job}.log").read_text()


def test_the_run_completes_on_sagemaker_and_in_zenml(cloud: Cloud, training: Training) -> None:
    logs = "\n".join([str(training.execution), *(_log(cloud, step) for step in training.steps.values())])
    assert training.execution["PipelineExecutionStatus"] == "Succeeded", logs
    assert training.run["body"]["status"] == "completed", logs
    assert {name: step["StepStatus"] for name, step in training.steps.items()} == {
        "load": "Succeeded",
        "add_up": "Succeeded",
    }
    assert training.steps["load"]["EndTime"] <= training.steps["add_up"]["StartTime"]


def test_the_run_in_zenml_is_the_execution_on_sagemaker(training: Training) -> None:
    assert training.run["metadata"]["orchestrator_run_id"] == training.execution["PipelineExecutionArn"]


def test_the_artifacts_are_objects_of_the_bucket(cloud: Cloud, training: Training) -> None:
    s3 = cloud.aws_client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    totals = [key for key in keys if re.fullmatch(r"add_up/total/.+/data\.json", key)]
    assert len(totals) == 1, keys
    assert json.loads(s3.get_object(Bucket=BUCKET, Key=totals[0])["Body"].read()) == 6
    assert [key for key in keys if key.startswith("code_uploads/")], "the code did not go through the artifact store"


def test_a_step_takes_less_than_it_may_in_the_demo(training: Training) -> None:
    """13 s each on two idle cores; here others may be at work as well, so this only catches what is far off."""
    seconds = {name: (each["EndTime"] - each["StartTime"]).total_seconds() for name, each in training.steps.items()}
    assert max(seconds.values()) < 40, seconds


def test_nothing_of_the_run_is_left_on_the_machine(cloud: Cloud, training: Training) -> None:
    left = list((cloud._root / "jobs").iterdir())
    assert left == []
    key = cloud.zenml_environment()["ZENML_STORE_API_KEY"]
    assert not (cloud._root / "home").exists() or not list((cloud._root / "home").iterdir())
    for step in training.steps.values():
        assert key not in _log(cloud, step)
