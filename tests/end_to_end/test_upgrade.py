"""What the last release deployed, taken over by this program: nothing that holds data is replaced or lost.

Everything that can be switched on is: a type that only this program declares does not matter, one that only the last
release declared does. The emulator and the embedded provider decide what replaces: the real plugin was not asked.
"""

import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from mlstack.local.cloud import Cloud
from mlstack.review.guards import KINDS
from tests.end_to_end.conftest import ROOT, Deployment

pytestmark = pytest.mark.engine

RELEASED = Path(__file__).with_name("released") / "0.1.0.tar.xz"

EVERYTHING = {
    "profile": "production",
    "protect": True,
    "network": {"mode": "isolated"},
    "roles": {"path": "/ml/"},
    "connector": {"auth": "iam-role"},
    "enhancedScanning": True,
    "artifactStoreForceDestroy": False,
    "containerRegistryForceDelete": False,
}


@pytest.fixture(scope="module")
def old_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("released")
    with tarfile.open(RELEASED) as archive:
        archive.extractall(directory, filter="data")
    (directory / ".venv").symlink_to(ROOT / ".venv")
    return directory


@pytest.fixture(scope="module", autouse=True)
def released(deployment: Deployment, old_program: Path, cloud: Cloud) -> None:
    """Deployed by the last release, and used: an artifact, an image's place, a key."""
    deployment.configure(**EVERYTHING)
    subprocess.run(
        [
            *("pulumi", "up", "--yes", "--skip-preview", "--non-interactive"),
            *("--stack", "local", "--config-file", str(deployment.settings)),
        ],
        cwd=old_program,
        env={**os.environ, **deployment.environment},
        check=True,
        capture_output=True,
        timeout=300,
    )
    cloud.aws_client("s3").put_object(Bucket=deployment.output("bucket"), Key="artifact", Body=b"weights")


@pytest.fixture(scope="module")
def report(deployment: Deployment, released: None) -> Any:
    done = deployment.mlstack(
        "review", "--stack", "local", "--config-file", str(deployment.settings), "--json", check=False
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_nothing_that_holds_data_is_replaced_or_deleted(report: Any) -> None:
    assert not report["partial"], report["problems"]
    lost = [each for each in report["changes"] if each["operation"] in ("delete", "replace") and each["type"] in KINDS]
    assert lost == []


def test_nothing_else_is_replaced_either(report: Any) -> None:
    """A role or project that is replaced has another id, and what runs with it ends. A lifecycle is its text alone."""
    replaced = {each["type"] for each in report["changes"] if each["operation"] in ("delete", "replace")}
    assert replaced <= {"aws:ecr/lifecyclePolicy:LifecyclePolicy"}


def test_the_zenml_stack_stays_the_same_one(report: Any) -> None:
    assert "contract-identity" not in {each["guard"] for each in report["findings"]}


def test_it_is_deployed_over_the_old_one_and_keeps_the_data(deployment: Deployment, cloud: Cloud, report: Any) -> None:
    before = deployment.output("bucket")
    deployment.up()
    assert deployment.output("bucket") == before
    kept = cloud.aws_client("s3").get_object(Bucket=before, Key="artifact")
    assert kept["Body"].read() == b"weights"
    assert set(deployment.up()) == {"same"}
    repository = deployment.output("repository_url").partition("/")[2]
    policy = cloud.aws_client("ecr").get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"]
    assert "mlstack-builder-" in policy, "the old policy, deleted last, takes the new one along"
    assert report["plan_hash"]


def test_the_changelog_says_what_the_next_preview_shows(report: Any) -> None:
    """Whoever upgrades and sees a change finds a word about it; without one there is nothing to say."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased = text.split("\n## ")[1]
    types = {each["type"].rpartition(":")[2] for each in report["changes"]}
    missing = sorted(kind for kind in types if f"`{kind}`" not in unreleased)
    assert not missing, f"CHANGELOG.md does not say under {unreleased.splitlines()[0]} what happens to {missing}"
