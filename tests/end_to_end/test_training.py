"""The whole way: deployed, registered, a pipeline trained on SageMaker as emulated. No image is built or pulled."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.names import Names
from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import ROOT, Deployment
from tests.least_privilege.calls import RECORDED
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


def test_registering_again_changes_nothing(deployment: Deployment) -> None:
    plan = json.loads(deployment.mlstack("register", "--stack", "local", "--json").stdout)
    assert {change["action"] for change in plan["changes"]} == {"same"}


def test_deregistering_takes_everything_of_ours_away(deployment: Deployment) -> None:
    deployment.mlstack("deregister", "--stack", "local")
    plan = json.loads(deployment.mlstack("register", "--stack", "local", "--dry-run", "--json").stdout)
    assert {change["action"] for change in plan["changes"]} == {"create"}


def _keys(cloud: Cloud, bucket: str) -> list[str]:
    pages = cloud.aws_client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def _buckets(cloud: Cloud) -> list[str]:
    return [bucket["Name"] for bucket in cloud.aws_client("s3").list_buckets()["Buckets"]]
