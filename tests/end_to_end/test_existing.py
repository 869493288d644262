"""A stack over resources that were there before, from the refusal to the end, through the real engine.

Afterwards each of them is compared, byte for byte, with what it was. AWS itself was not asked.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlstack.existing.lack import Change
from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import Deployment
from tests.existing.owner import Owner

pytestmark = pytest.mark.engine

PREFIX = "teams/vision/"
EXISTING = (
    "artifactStore",
    "repository",
    "encryption",
    "roles.access",
    "roles.execution",
    "roles.build",
    "buildProject",
    "network without group",
)


@pytest.fixture(scope="module")
def owner(cloud: Cloud, deployment: Deployment) -> Owner:
    made = Owner(cache(cloud.aws_client), "company").make()
    deployment.configure(**made.together(*EXISTING), register="automatic")
    return made


@pytest.fixture(scope="module")
def before(owner: Owner, refused: str, lacks: list[dict[str, Any]]) -> dict[str, Any]:
    """After the owner did what they were told."""
    for lack in lacks:
        owner.paste(Change(**lack["change"]))
    return owner.snapshot()


@pytest.fixture(scope="module")
def refused(owner: Owner, deployment: Deployment) -> str:
    untouched = owner.snapshot()
    done = deployment.pulumi("up", "--yes", "--skip-preview", check=False)
    assert done.returncode != 0
    assert owner.snapshot() == untouched
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def lacks(owner: Owner, deployment: Deployment, refused: str) -> list[dict[str, Any]]:
    done = deployment.mlstack("existing", str(deployment.settings), "--json", check=False)
    assert done.returncode == 7, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["lacks"]
    return found


@pytest.fixture(scope="module")
def deployed(before: dict[str, Any], deployment: Deployment) -> dict[str, int]:
    return deployment.up()


def test_the_engine_is_stopped_before_anything_is_declared(refused: str, deployment: Deployment, owner: Owner) -> None:
    assert "existing resources are not as this stack needs them; nothing was changed" in refused
    for resource in (f"role {owner.role_arn('execution')}", f"key {owner.key_arn}", f"repository {owner.repository}"):
        assert resource in refused
    assert '"Sid": "JobOutput"' in refused, "the JSON to paste is in the message"
    assert "Traceback" not in refused
    state = json.loads(deployment.run("pulumi", "stack", "export", "--stack", "local").stdout)
    held = [each["type"] for each in state["deployment"].get("resources", []) if each.get("custom")]
    assert not [each for each in held if not each.startswith("pulumi:providers:")], (
        "asking whose account it is takes one"
    )


def test_after_the_owner_pasted_what_they_were_told_nothing_is_lacking(
    before: dict[str, Any], deployment: Deployment
) -> None:
    done = deployment.mlstack("existing", str(deployment.settings))
    assert done.stdout == "nothing is lacking\n"


def test_only_what_is_not_there_is_created(deployed: dict[str, int], deployment: Deployment) -> None:
    assert deployed.get("same") == 1, "the stack itself, which the refused run left empty"
    assert set(deployed) == {"create", "same"}
    state = json.loads(deployment.run("pulumi", "stack", "export", "--stack", "local").stdout)
    made = sorted(each["type"].rpartition(":")[2] for each in state["deployment"]["resources"] if each.get("custom"))
    assert [each for each in made if each not in ("Stack", "aws")] == [
        "Role",
        "RolePolicy",
        "SecurityGroup",
        "SecurityGroupEgressRule",
    ]
    assert set(deployment.up()) == {"same"}


def test_a_pipeline_runs_on_it_below_the_prefix(
    deployed: dict[str, int], deployment: Deployment, owner: Owner, tmp_path: Path
) -> None:
    contract = json.loads(deployment.output("mlstack"))
    assert contract["components"]["artifact_store"]["configuration"]["path"] == f"s3://{owner.bucket}/teams/vision"
    image = f"{deployment.output('repository_url')}:none"
    done = deployment.mlstack("verify", "--stack", "local", "--image", image, "--keep", "--json", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    checks = {check["name"]: check["detail"] for check in json.loads(done.stdout)["checks"]}
    for step in ("write", "read"):
        assert checks[f"artifact of {step}"].startswith(f"s3://{owner.bucket}/{PREFIX}{step}/")
        assert checks[f"log of {step} in ZenML"].startswith(f"s3://{owner.bucket}/{PREFIX}logs/")
    kept = {each["Key"] for each in owner.client("s3").list_objects_v2(Bucket=owner.bucket)["Contents"]}
    assert {key for key in kept if not key.startswith(PREFIX)} == {"before/us.txt"}


def test_destroy_takes_its_own_away_and_leaves_the_rest_byte_for_byte(
    deployed: dict[str, int], deployment: Deployment, owner: Owner, before: dict[str, Any]
) -> None:
    during = owner.snapshot()
    iam, role = owner.client("iam"), f"{owner.name}-execution"
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    rights = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    # What a stack would lack to be made keeps nobody from destroying it, although the program runs for its hooks.
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    gone = deployment.mlstack("destroy", "--stack", "local", "--config-file", str(deployment.settings), "--yes")
    assert "nothing of it is left in ZenML" in gone.stdout
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(rights))
    after = owner.snapshot()
    ours = {key for key in after[owner.bucket]["content"] if key.startswith(PREFIX)}
    assert ours, "what a stack wrote is data, and stays with the bucket"
    assert _without(after, owner.bucket) == _without(before, owner.bucket)
    assert after[owner.bucket] == during[owner.bucket], "destroying deleted or changed an object"


def _without(snapshot: dict[str, Any], bucket: str) -> dict[str, Any]:
    """The snapshot without what pipelines wrote below the prefix."""
    content = {
        key: {name: value for name, value in snapshot[bucket][key].items() if not name.startswith(PREFIX)}
        for key in ("objects", "content")
    }
    return {**snapshot, bucket: {**snapshot[bucket], **content}}
