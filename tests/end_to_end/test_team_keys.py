"""Teams whose ZenML server is outside AWS: a key each, replaced for all or for one; and registered by `pulumi up`."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import Deployment

pytestmark = pytest.mark.engine

TEAMS = [{"name": "vision"}, {"name": "speech"}]


@pytest.fixture(scope="module", autouse=True)
def registered(deployment: Deployment) -> None:
    """Small, so that an update takes few seconds."""
    deployment.configure(
        connector={"auth": "iam-role"},
        orchestrator="local",
        stepOperator="false",
        imageBuilder="false",
        containerRegistry="false",
        encryption={"mode": "aws-managed"},
        teams=TEAMS,
    )
    deployment.up()
    deployment.mlstack("register", "--stack", "local")


def _keys(deployment: Deployment) -> dict[str, Any]:
    done = deployment.run("pulumi", "stack", "output", "connector_key", "--show-secrets", "--stack", "local")
    held: dict[str, Any] = json.loads(done.stdout)
    return held


def _rotate(deployment: Deployment, *arguments: str) -> Any:
    settings = ("--stack", "local", "--config-file", str(deployment.settings), "--yes", "--json")
    return json.loads(deployment.mlstack("rotate-key", *settings, *arguments).stdout)


def _changed(deployment: Deployment) -> bool:
    done = deployment.mlstack("plan", "--stack", "local", "--json", check=False)
    return bool(json.loads(done.stdout)["changed"])


def test_each_team_has_a_key_of_its_own_and_no_secret_is_in_the_state(deployment: Deployment) -> None:
    keys = _keys(deployment)
    assert set(keys) == {"vision", "speech"}
    assert keys["vision"]["access_key_id"] != keys["speech"]["access_key_id"]
    state = Path(deployment.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    for key in keys.values():
        secret = key["secret_access_key"].encode()
        assert not [file for file in state.rglob("*") if file.is_file() and secret in file.read_bytes()]
    assert not _changed(deployment)


def test_keys_are_replaced_for_all_teams_at_once(deployment: Deployment) -> None:
    before = _keys(deployment)
    assert _rotate(deployment)["new"] == 2
    after = _keys(deployment)
    assert {team: key["generation"] for team, key in after.items()} == {"vision": 2, "speech": 2}
    assert all(after[team]["access_key_id"] != before[team]["access_key_id"] for team in before)
    assert not _changed(deployment)


def test_the_key_of_one_team_is_replaced_and_the_other_keeps_its_own(deployment: Deployment, cloud: Cloud) -> None:
    before = _keys(deployment)
    assert _rotate(deployment, "--team", "speech")["team"] == "speech"
    after = _keys(deployment)
    assert after["vision"] == before["vision"]
    assert (after["speech"]["generation"], after["speech"]["generations"]) == (3, [3])
    assert "keys: [3]" in deployment.settings.read_text(encoding="utf-8")
    listed = cloud.aws_client("iam").list_access_keys(UserName="team-keys--speech--local-eu-west-1-zenml")
    assert [key["AccessKeyId"] for key in listed["AccessKeyMetadata"]] == [after["speech"]["access_key_id"]]
    assert not _changed(deployment)


def test_pulumi_up_alone_registers_every_team_and_forgets_one_that_goes(deployment: Deployment) -> None:
    deployment.configure(register="automatic", connector={"auth": "iam-role"}, teams=[*TEAMS, {"name": "text"}])
    deployment.mlstack("deregister", "--stack", "local")
    deployment.up()
    assert not _changed(deployment)
    assert set(_known(deployment)) == {"vision", "speech", "text"}
    deployment.configure(teams=TEAMS)
    deployment.up()
    assert set(_known(deployment)) == {"vision", "speech"}
    assert not _changed(deployment)
    deployment.pulumi("destroy", "--yes", "--skip-preview", "--run-program")


def _known(deployment: Deployment) -> list[str]:
    status = deployment.mlstack("status", "--stack", "local", "--json", check=False)
    return list(json.loads(status.stdout)["teams"])
