"""SageMaker on the running emulator, through its API: what is started really runs."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import RunningEmulator, start_emulator, stop_emulator

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/execution"
GROUP = "/aws/sagemaker/TrainingJobs"


@pytest.fixture(scope="module")
def sagemaker(emulator: RunningEmulator) -> Any:
    make_role(emulator, "execution", {"StringEquals": {"aws:SourceAccount": ACCOUNT}})
    return emulator.client("sagemaker")


def make_role(emulator: RunningEmulator, name: str, condition: dict[str, Any]) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    emulator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)


def job(*command: str, role: str = ROLE, **environment: Any) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "any",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": list(command),
        },
        "RoleArn": role,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/sagemaker"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "Environment": environment,
    }


def python(code: str, **more: Any) -> dict[str, Any]:
    return job("python", "-c", code, **more)


def step(name: str, arguments: dict[str, Any], *depends_on: str, kind: str = "Training") -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments, "DependsOn": list(depends_on)}


def start(sagemaker: Any, *steps: dict[str, Any], **more: Any) -> str:
    name = f"pipeline-{uuid.uuid4().hex}"
    parameters = more.pop("parameters", [])
    text = json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)})
    sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=text, RoleArn=ROLE, ClientRequestToken=uuid.uuid4().hex
    )
    started = sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=uuid.uuid4().hex, **more)
    return str(started["PipelineExecutionArn"])


def wait(describe: Callable[[], dict[str, Any]], key: str, *until: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (described := describe())[key] not in until:
        assert time.monotonic() < deadline, f"{described[key]} after a minute, not {until}"
        time.sleep(0.05)
    return described


def ended(sagemaker: Any, execution: str) -> dict[str, Any]:
    describe = partial(sagemaker.describe_pipeline_execution, PipelineExecutionArn=execution)
    return wait(describe, "PipelineExecutionStatus", "Succeeded", "Failed", "Stopped")


def steps_of(sagemaker: Any, execution: str) -> dict[str, dict[str, Any]]:
    listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution, SortOrder="Ascending")
    return {each["StepName"]: each for each in listed["PipelineExecutionSteps"]}


def training_job(sagemaker: Any, step: dict[str, Any]) -> dict[str, Any]:
    name = step["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    described: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
    return described


def test_a_pipeline_runs_its_steps_in_order(sagemaker: Any, tmp_path: Path) -> None:
    note = f"open({str(tmp_path / 'notes')!r}, 'a').write"
    execution = start(
        sagemaker,
        step("second", python(f"{note}('second ')"), "first"),
        step("first", python(f"import time; time.sleep(0.5); {note}('first ')")),
    )
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
    assert described["PipelineExecutionStatus"] == "Executing"
    assert ended(sagemaker, execution)["PipelineExecutionStatus"] == "Succeeded"
    assert (tmp_path / "notes").read_text() == "first second "
    steps = steps_of(sagemaker, execution)
    assert [(name, each["StepStatus"]) for name, each in steps.items()] == [
        ("first", "Succeeded"),
        ("second", "Succeeded"),
    ]
    assert steps["first"]["EndTime"] <= steps["second"]["StartTime"]
    assert training_job(sagemaker, steps["first"])["TrainingJobStatus"] == "Completed"


def test_variables_of_the_execution_reach_the_step(sagemaker: Any, tmp_path: Path) -> None:
    code = f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(os.environ['RUN'] + ' ' + os.environ['RATE'])"
    arguments = python(code, RUN={"Get": "Execution.PipelineExecutionArn"}, RATE={"Get": "Parameters.rate"})
    execution = start(
        sagemaker,
        step("only", arguments),
        parameters=[{"Name": "rate", "Type": "String", "DefaultValue": "slow"}],
        PipelineParameters=[{"Name": "rate", "Value": "fast"}],
    )
    assert ended(sagemaker, execution)["PipelineExecutionStatus"] == "Succeeded"
    assert (tmp_path / "seen").read_text() == f"{execution} fast"


def test_a_failing_step_fails_the_execution_with_its_last_words(sagemaker: Any, tmp_path: Path) -> None:
    execution = start(
        sagemaker,
        step("bad", python("import sys; print('no data here'); sys.exit(4)")),
        step("after", python(f"open({str(tmp_path / 'ran')!r}, 'w')"), "bad"),
    )
    described = ended(sagemaker, execution)
    assert described["PipelineExecutionStatus"] == "Failed"
    assert described["FailureReason"] == "step bad failed: AlgorithmError: exit code 4: no data here"
    steps = steps_of(sagemaker, execution)
    assert steps.keys() == {"bad"}
    assert steps["bad"]["FailureReason"].endswith("no data here")
    failed = training_job(sagemaker, steps["bad"])
    assert (failed["TrainingJobStatus"], failed["SecondaryStatus"]) == ("Failed", "Failed")
    assert not (tmp_path / "ran").exists()


def test_a_job_has_the_credentials_of_its_role_and_nothing_of_the_operators(
    emulator: RunningEmulator, sagemaker: Any
) -> None:
    code = """
import boto3, json, os
me = boto3.client("sts").get_caller_identity()["Arn"]
print(json.dumps({"me": me, "secret": "OPERATORS_OWN_SECRET" in os.environ, "home": os.environ["HOME"]}))
"""
    execution = start(sagemaker, step("only", python(code)))
    assert ended(sagemaker, execution)["PipelineExecutionStatus"] == "Succeeded"
    seen = json.loads(output(emulator, training_job(sagemaker, steps_of(sagemaker, execution)["only"]))[-1])
    assert seen["me"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/execution/pipelines-")
    assert not seen["secret"]
    assert seen["home"].startswith(str(emulator.root))


def test_credentials_are_for_running_jobs_only(emulator: RunningEmulator) -> None:
    from mlstack.local.loopback import call

    port = int(emulator.endpoint.rpartition(":")[2])
    status, answer = call(port, "GET", "/mlstack/credentials", headers={"Authorization": "guessed"})
    assert (status, answer) == (403, {"message": "this token belongs to no running job"})


def test_a_deleted_log_group_does_not_stop_a_job(emulator: RunningEmulator, sagemaker: Any) -> None:
    execution = start(sagemaker, step("only", python("import time; print(1, flush=True); time.sleep(1); print(2)")))
    while "only" not in steps_of(sagemaker, execution):
        time.sleep(0.05)
    time.sleep(0.3)
    emulator.client("logs").delete_log_group(logGroupName=GROUP)
    assert ended(sagemaker, execution)["PipelineExecutionStatus"] == "Succeeded"
    assert output(emulator, training_job(sagemaker, steps_of(sagemaker, execution)["only"]))[-1] == "2"


def test_output_is_in_cloudwatch_and_in_a_file(emulator: RunningEmulator, sagemaker: Any) -> None:
    execution = start(sagemaker, step("only", python("print('epoch 1'); print(); print('epoch 2')")))
    ended(sagemaker, execution)
    job = training_job(sagemaker, steps_of(sagemaker, execution)["only"])
    assert output(emulator, job) == ["epoch 1", " ", "epoch 2"]
    assert (emulator.root / "logs" / "jobs" / f"{job['TrainingJobName']}.log").read_text().startswith("epoch 1\n")


def test_a_role_that_does_not_trust_sagemaker_is_not_used(emulator: RunningEmulator, sagemaker: Any) -> None:
    make_role(emulator, "other", {"StringEquals": {"aws:SourceAccount": "999999999999"}})
    for role, why in (("other", "does not allow sagemaker.amazonaws.com"), ("missing", "does not exist")):
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        described = ended(sagemaker, start(sagemaker, step("only", python("print()", role=arn))))
        assert described["PipelineExecutionStatus"] == "Failed"
        assert why in described["FailureReason"]
        with pytest.raises(ClientError, match=why):
            sagemaker.create_training_job(TrainingJobName=uuid.uuid4().hex, **python("print()", role=arn))


def test_an_execution_can_be_stopped(sagemaker: Any, tmp_path: Path) -> None:
    execution = start(
        sagemaker,
        step("long", python("import time; time.sleep(600)")),
        step("after", python(f"open({str(tmp_path / 'ran')!r}, 'w')"), "long"),
    )
    while "long" not in steps_of(sagemaker, execution):
        time.sleep(0.05)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution, ClientRequestToken=uuid.uuid4().hex)
    assert ended(sagemaker, execution)["PipelineExecutionStatus"] == "Stopped"
    steps = steps_of(sagemaker, execution)
    assert [(name, each["StepStatus"]) for name, each in steps.items()] == [("long", "Stopped")]
    assert training_job(sagemaker, steps["long"])["TrainingJobStatus"] == "Stopped"
    assert not (tmp_path / "ran").exists()


def test_a_pipeline_that_runs_is_not_deleted(sagemaker: Any) -> None:
    execution = start(sagemaker, step("long", python("import time; time.sleep(600)")))
    name = execution.split("/")[1]
    with pytest.raises(ClientError, match="ConflictException"):
        sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken=uuid.uuid4().hex)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution, ClientRequestToken=uuid.uuid4().hex)
    ended(sagemaker, execution)
    sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken=uuid.uuid4().hex)


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ([step("a", {}, "b"), step("b", {}, "a")], "in a circle"),
        ([step("a", {}, "missing")], "depends on missing"),
        ([], "no Steps"),
    ],
)
def test_a_broken_pipeline_is_refused_when_it_is_made(
    sagemaker: Any, steps: list[dict[str, Any]], complaint: str
) -> None:
    with pytest.raises(ClientError, match=complaint) as refusal:
        start(sagemaker, *steps)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"


def test_a_step_of_another_type_fails_the_execution(sagemaker: Any) -> None:
    described = ended(sagemaker, start(sagemaker, step("ask", {}, kind="Condition")))
    assert "does not run steps of type Condition" in described["FailureReason"]


def test_a_training_job_of_its_own_runs(emulator: RunningEmulator, sagemaker: Any) -> None:
    name = f"job-{uuid.uuid4().hex[:8]}"
    sagemaker.create_training_job(TrainingJobName=name, **python("import os; print(os.environ['WHO'])", WHO="me"))
    describe = partial(sagemaker.describe_training_job, TrainingJobName=name)
    job = wait(describe, "TrainingJobStatus", "Completed", "Failed", "Stopped")
    assert (job["TrainingJobStatus"], job["Environment"]) == ("Completed", {"WHO": "me"})
    assert [each["Status"] for each in job["SecondaryStatusTransitions"]] == ["Training", "Completed"]
    assert output(emulator, job) == ["me"]
    with pytest.raises(ClientError, match="must be unique"):
        sagemaker.create_training_job(TrainingJobName=name, **python("print()"))


def test_a_training_job_can_be_stopped(sagemaker: Any) -> None:
    name = f"job-{uuid.uuid4().hex[:8]}"
    sagemaker.create_training_job(TrainingJobName=name, **python("import time; time.sleep(600)"))
    sagemaker.stop_training_job(TrainingJobName=name)
    describe = partial(sagemaker.describe_training_job, TrainingJobName=name)
    assert wait(describe, "TrainingJobStatus", "Stopped")["SecondaryStatus"] == "Stopped"


def test_a_processing_job_runs_too(sagemaker: Any) -> None:
    name = f"job-{uuid.uuid4().hex[:8]}"
    instance = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        AppSpecification={"ImageUri": "any", "ContainerEntrypoint": ["sh", "-c", "exit 7"]},
        ProcessingResources={"ClusterConfig": instance},
        RoleArn=ROLE,
    )
    describe = partial(sagemaker.describe_processing_job, ProcessingJobName=name)
    job = wait(describe, "ProcessingJobStatus", "Completed", "Failed")
    assert (job["ProcessingJobStatus"], "exit code 7" in job["FailureReason"]) == ("Failed", True)


@pytest.fixture
def short_lived(tmp_path: Path) -> Iterator[RunningEmulator]:
    running = start_emulator(tmp_path)
    yield running
    if running.process.poll() is None:
        stop_emulator(running)


def test_stopping_the_emulator_ends_its_jobs(short_lived: RunningEmulator, tmp_path: Path) -> None:
    from mlstack.local.processes import ProcessRecord

    make_role(short_lived, "execution", {})
    sagemaker = short_lived.client("sagemaker")
    start(sagemaker, step("long", python("import time; time.sleep(600)")))
    deadline = time.monotonic() + 20
    while not (records := list((tmp_path / "jobs").glob("*.json"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    record = ProcessRecord.read(records[0])
    assert record is not None and record.running() is not None
    stop_emulator(short_lived)
    assert record.running() is None


def output(emulator: RunningEmulator, job: dict[str, Any]) -> list[str]:
    logs = emulator.client("logs")
    found = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{job['TrainingJobName']}/")
    stream = found["logStreams"][0]["logStreamName"]
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True)["events"]
    return [event["message"] for event in events]
