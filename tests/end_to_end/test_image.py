"""From code to an image with the stack as it was deployed and registered, and with the credentials that ZenML gives.

Of a stack with its own key and its closed bucket. Proves nothing about what AWS itself would accept.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import Deployment
from tests.images.packages import install

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def deployed(deployment: Deployment) -> None:
    install()
    deployment.configure(imageBuilder=True, containerRegistryForceDelete=True, artifactStoreForceDestroy=True)
    deployment.up()


@pytest.fixture
def code(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    root.mkdir()
    busybox = shutil.which("busybox")
    assert busybox is not None
    shutil.copy(busybox, root / "busybox")
    (root / "Dockerfile").write_text('FROM scratch\nCOPY . /app/\nRUN ["/app/busybox", "touch", "/app/made"]\n')
    return root


def test_before_it_is_registered_the_connector_is_missing(deployment: Deployment, code: Path) -> None:
    early = _without_keys(deployment, *_building(code), check=False)
    assert early.returncode == 1
    assert "ZenML holds no service connector" in early.stderr
    assert "mlstack register" in early.stderr


def test_deploy_builds_the_image_of_the_pipeline_that_proves_the_stack_and_it_runs_in_exactly_that(
    deployment: Deployment, cloud: Cloud, code: Path
) -> None:
    settings = ("--stack", "local", "--config-file", str(deployment.settings))
    done = deployment.mlstack("deploy", *settings, "--yes", "--smoke", "--image", str(code), "--json")
    proven = json.loads(done.stdout)["smoke"][f"{deployment.name}-local"]
    image = proven["image"]
    assert proven["ok"]
    assert image["built"]
    assert image["reason"] is None
    assert image["image"] == f"{deployment.output('repository_url')}@{image['digest']}"
    assert f"{image['seconds']} s   built, {image['digest']}, " in done.stderr
    (found,) = cloud.aws_client("ecr").describe_images(repositoryName=f"{deployment.name}-local")["imageDetails"]
    assert (found["imageDigest"], found["imageSizeInBytes"]) == (image["digest"], image["bytes"])
    sagemaker = cloud.aws_client("sagemaker")
    execution = proven["run"]["execution"]
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)["PipelineExecutionSteps"]
    names = [each["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2] for each in steps]
    jobs = [sagemaker.describe_training_job(TrainingJobName=name) for name in names]
    assert [job["AlgorithmSpecification"]["TrainingImage"] for job in jobs] == [image["image"]] * 2

    # Whoever builds has ZenML's log-in and nothing of AWS: the same content, the same image.
    again = json.loads(_without_keys(deployment, *_building(code)).stdout)
    assert (again["built"], again["image"]) == (False, image["image"])
    (code / "more").write_text("another content")
    assert json.loads(_without_keys(deployment, *_building(code)).stdout)["built"]
    deployment.mlstack("deregister", "--stack", "local")


def _building(code: Path) -> tuple[str, ...]:
    return ("image", "build", str(code), "--stack", "local", "--connector", "--json")


def _without_keys(deployment: Deployment, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    own = {name: deployment.environment.pop(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    try:
        return deployment.mlstack(*arguments, check=check)
    finally:
        deployment.environment |= own
