"""The whole way: deployed, registered, a pipeline trained on SageMaker as emulated. No image is built or pulled."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.names import Names
from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import ROOT, Deployment
from tests.least_privilege.calls import RECORDED
from tests.registration.conftest import Server
from tools.calls.embedded import mark, read_raw, watching
from tools.calls.normal import difference, normal, read

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def registered(deployment: Deployment, aws_calls: Path) -> dict[str, object]:
    deployment.configure(orchestratorConfig={"environment": watching(aws_calls, "step")})
    deployment.up()
    mark(aws_calls, "training")
    done = deployment.mlstack("register", "--stack", "local", "--json")
    plan: dict[str, object] = json.loads(done.stdout)
    return plan


def test_a_pipeline_runs_to_its_end_and_leaves_model_and_metrics_in_the_bucket(
    deployment: Deployment, cloud: Cloud, registered: dict[str, object], aws_calls: Path
) -> None:
    environment = {
        **cloud.aws_environment(),
        **cloud.zenml_environment(),
        **watching(aws_calls, "client"),
        "PATH": deployment.environment["PATH"],
        "ZENML_ACTIVE_STACK_ID": str(registered["stack_id"]),
    }
    image = f"{deployment.output('repository_url')}:none"
    done = subprocess.run(
        [sys.executable, "run.py", "--image", image, "--timeout", "300", "--json"],
        cwd=ROOT / "examples" / "digits",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["status"] == "completed"
    assert result["accuracy"] > 0.9, "a logistic regression reads more than nine of ten digits"

    bucket = deployment.output("bucket")
    for artifact in ("model", "metrics", "accuracy"):
        assert result["artifacts"][artifact].startswith(f"s3://{bucket}/"), "an artifact is outside the stack's bucket"
    keys = _keys(cloud, bucket)
    for artifact in ("model", "metrics"):
        prefix = result["artifacts"][artifact].removeprefix(f"s3://{bucket}/")
        assert any(key.startswith(prefix) for key in keys), f"{artifact} is registered but not in the bucket"


def test_no_call_was_made_that_the_tests_of_least_privilege_do_not_know(
    deployment: Deployment, aws_calls: Path
) -> None:
    """A release of ZenML that calls something else is seen here, before AWS refuses it."""
    names = Names(name=deployment.name, environment="local", account_id="123456789012", region="eu-west-1")
    made = normal((record for record in read_raw(aws_calls) if record["during"] == "training"), names)
    assert {record["at"][0] for record in made} >= {"client", "server"}
    assert any("step" in record["at"] for record in made), "the steps were not watched"
    unknown = difference(made, read(RECORDED))
    assert not unknown, "`make calls` records anew what is called; not in the list yet: " + "; ".join(unknown)


def test_the_sdk_made_no_bucket_of_its_own(cloud: Cloud) -> None:
    assert not [name for name in _buckets(cloud) if name.startswith("sagemaker-")]


@pytest.fixture(scope="module")
def image(deployment: Deployment) -> str:
    return f"{deployment.output('repository_url')}:none"


@pytest.fixture(scope="module")
def outputs(deployment: Deployment, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stack's outputs as a file, so that each command below need not ask the engine."""
    file = tmp_path_factory.mktemp("outputs") / "outputs.json"
    file.write_text(json.dumps({"mlstack": deployment.output("mlstack")}))
    return file


def test_verify_proves_the_stack_and_leaves_nothing_in_bucket_and_zenml(
    deployment: Deployment, cloud: Cloud, outputs: Path
) -> None:
    """Also where its image cannot be built: one line says so, and ZenML builds it, here in appearance."""
    bucket = deployment.output("bucket")
    before = set(_keys(cloud, bucket))
    base = ("--base", "127.0.0.1:9/python:3.11")
    done = deployment.mlstack("verify", "--outputs", str(outputs), *base, "--json", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["image"]["image"] is None
    assert f"not built, ZenML builds it: {result['image']['reason']}\n" in done.stderr
    assert "the registry 127.0.0.1:9 could not be asked" in result["image"]["reason"]
    checks = {check["name"]: check["detail"] for check in result["checks"] if check["ok"]}
    for step in ("write", "read"):
        assert result["steps"][step]["status"] == "completed"
        assert checks[f"artifact of {step}"].startswith(f"s3://{bucket}/{step}/")
        assert "Completed on ml." in checks[f"{step} executed"], "the step did not run as a job of SageMaker"
        assert result["run"]["execution"] in checks[f"{step} executed"]
        assert checks[f"log of {step} in ZenML"].startswith(f"s3://{bucket}/logs/")
        assert checks[f"log of {step} in CloudWatch"].startswith("/aws/sagemaker/TrainingJobs/")
    assert result["ok"]
    assert len(checks) == len(result["checks"])
    assert result["left"] is None
    # What ZenML sends to build an image stays, for the next one.
    left = {key for key in set(_keys(cloud, bucket)) - before if not key.startswith("code-build-contexts/")}
    assert left == set()
    assert not _in_zenml(cloud, "pipelines", "mlstack_verify")
    assert not _in_zenml(cloud, "artifacts", "mlstack_verify")


def test_verify_interrupted_stops_the_execution_and_cleans_up(
    deployment: Deployment, cloud: Cloud, outputs: Path, image: str
) -> None:
    bucket = deployment.output("bucket")
    before = set(_keys(cloud, bucket))
    command = [sys.executable, "-m", "mlstack", "verify", "--outputs", str(outputs), "--image", image]
    # A runner in the background passes on that Ctrl-C is ignored; people have terminals.
    process = subprocess.Popen(
        ["env", "--default-signal=INT", *command],
        cwd=ROOT,
        env=deployment.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    execution = next(line.split()[-1] for line in process.stderr if "✓ submit" in line)
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    assert process.wait(60) == 130, said
    assert f"stopped {execution}" in said
    state = cloud.aws_client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=execution)
    assert state["PipelineExecutionStatus"] == "Stopped"
    assert set(_keys(cloud, bucket)) == before
    assert not _in_zenml(cloud, "pipelines", "mlstack_verify")


def test_verify_names_the_right_that_the_bucket_takes_away(
    deployment: Deployment, cloud: Cloud, outputs: Path, image: str
) -> None:
    s3, bucket = cloud.aws_client("s3"), deployment.output("bucket")
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    document = json.loads(policy)
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    document["Statement"].append(denied)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    try:
        done = deployment.mlstack("verify", "--outputs", str(outputs), "--image", image, check=False)
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert f"the role {deployment.name}-local-eu-west-1-access may not s3:PutObject on arn:aws:s3:::{bucket}/" in said
    assert "the policy of the resource itself forbids it" in said
    assert "Traceback" not in done.stderr


def test_verify_names_the_quota_that_a_new_account_has_none_of(
    deployment: Deployment, outputs: Path, image: str, tmp_path: Path
) -> None:
    contract = json.loads(json.loads(outputs.read_text())["mlstack"])
    contract["components"]["orchestrator"]["configuration"]["instance_type"] = "ml.p4d.24xlarge"
    changed = tmp_path / "outputs.json"
    changed.write_text(json.dumps(contract))
    deployment.mlstack("register", "--outputs", str(changed))
    try:
        done = deployment.mlstack("verify", "--outputs", str(changed), "--image", image, "--json", check=False)
    finally:
        deployment.mlstack("register", "--outputs", str(outputs))
    assert done.returncode == 1
    problem = json.loads(done.stdout)["problem"]
    assert problem["kind"] == "quota"
    assert problem["message"] == "the account's quota 'ml.p4d.24xlarge for training job usage' is 0"
    assert "mlstack:instanceType" in problem["hint"]
    assert problem["hint"] in done.stderr


def test_a_schedule_is_removed_from_aws_and_from_zenml(
    deployment: Deployment, cloud: Cloud, outputs: Path, image: str, registered: dict[str, object]
) -> None:
    """ZenML's own removal leaves AWS starting the runs; ours finds and ends that too."""
    environment = {
        **cloud.aws_environment(),
        **cloud.zenml_environment(),
        "PATH": deployment.environment["PATH"],
        "ZENML_ACTIVE_STACK_ID": str(registered["stack_id"]),
    }
    script = [sys.executable, str(Path(__file__).with_name("scheduled.py")), image]
    subprocess.run(script, env=environment, check=True, capture_output=True, timeout=200)
    named = ("--outputs", str(outputs))
    listed = json.loads(deployment.mlstack("schedule", "list", *named, "--json").stdout)["schedules"]
    assert {each["name"]: each["state"] for each in listed} == {"nightly": "active", "weekly": "only in AWS"}
    assert {each["expression"] for each in listed} == {"cron(0 3 * * ? *)", "cron(0 4 ? * MON *)"}
    assert {each["aws_name"] for each in listed} == set(_schedules(cloud))
    deployment.mlstack("schedule", "remove", "nightly", "weekly", *named)
    assert _schedules(cloud) == []
    assert [each["body"]["is_archived"] for each in _in_zenml(cloud, "schedules", "nightly")] in ([], [True])
    again = deployment.mlstack("schedule", "remove", "nightly", *named, check=False)
    assert again.returncode == 1
    assert "this stack has no schedule 'nightly'" in again.stderr


def test_registering_again_changes_nothing(deployment: Deployment) -> None:
    plan = json.loads(deployment.mlstack("register", "--stack", "local", "--json").stdout)
    assert {change["action"] for change in plan["changes"]} == {"same"}


def test_deregistering_takes_everything_of_ours_away(deployment: Deployment, image: str) -> None:
    deployment.mlstack("deregister", "--stack", "local")
    verified = deployment.mlstack("verify", "--stack", "local", "--image", image, check=False)
    assert verified.returncode == 1
    assert "of this environment\n  mlstack register makes it" in verified.stderr
    plan = json.loads(deployment.mlstack("register", "--stack", "local", "--dry-run", "--json").stdout)
    assert {change["action"] for change in plan["changes"]} == {"create"}


def _keys(cloud: Cloud, bucket: str) -> list[str]:
    pages = cloud.aws_client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def _buckets(cloud: Cloud) -> list[str]:
    return [bucket["Name"] for bucket in cloud.aws_client("s3").list_buckets()["Buckets"]]


def _schedules(cloud: Cloud) -> list[str]:
    return [each["Name"] for each in cloud.aws_client("scheduler").list_schedules()["Schedules"]]


def _in_zenml(cloud: Cloud, kind: str, name: str) -> list[dict[str, Any]]:
    return Server.of(cloud).held(kind, name)
