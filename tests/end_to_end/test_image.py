"""From code to an image with the stack as it was deployed and registered, and with the credentials that ZenML gives.

Of a stack with its own key and its closed bucket. Proves nothing about what AWS itself would accept.
"""

import json
import shutil
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


def test_before_it_is_registered_the_connector_is_missing_and_afterwards_it_builds(
    deployment: Deployment, cloud: Cloud, code: Path
) -> None:
    with_connector = ("image", "build", str(code), "--stack", "local", "--connector", "--json")
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    own = {name: deployment.environment.pop(name) for name in keys}
    try:
        early = deployment.mlstack(*with_connector, check=False)
    finally:
        deployment.environment |= own
    assert early.returncode == 1
    assert "ZenML holds no service connector" in early.stderr
    assert "mlstack register" in early.stderr

    deployment.mlstack("register", "--stack", "local")
    for name in keys:  # whoever builds has ZenML's log-in and nothing of AWS
        del deployment.environment[name]
    try:
        done = deployment.mlstack(*with_connector)
    finally:
        deployment.environment |= own
    result = json.loads(done.stdout)
    assert result["built"]
    assert result["image"].startswith(f"{deployment.output('repository_url')}@sha256:")
    found = cloud.aws_client("ecr").describe_images(repositoryName=result["image"].split("/")[1].split("@")[0])
    assert [each["imageDigest"] for each in found["imageDetails"]] == [result["digest"]]
    deployment.mlstack("deregister", "--stack", "local")
