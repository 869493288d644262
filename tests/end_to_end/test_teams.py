"""Two teams from one program: deployed, registered in a real ZenML server, one taken away, all destroyed."""

import json
from typing import Any

import pytest

from mlstack.contract import MLStackOutputs
from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import Deployment

pytestmark = pytest.mark.engine

TEAMS = [{"name": "vision"}, {"name": "vision-two", "stepOperator": False, "instanceType": "ml.c5.xlarge"}]


@pytest.fixture(scope="module", autouse=True)
def deployed(deployment: Deployment) -> Any:
    deployment.configure(teams=TEAMS, sharing={"key": True})
    settings = ("--stack", "local", "--config-file", str(deployment.settings))
    return json.loads(deployment.mlstack("deploy", *settings, "--yes", "--json").stdout)


def _contracts(deployment: Deployment) -> dict[str | None, MLStackOutputs]:
    return {each.team: each for each in MLStackOutputs.parse_all(deployment.output("mlstack"), origin="the stack")}


def test_each_team_has_a_stack_of_its_own_and_one_key_is_shared(deployment: Deployment, cloud: Cloud) -> None:
    contracts = _contracts(deployment)
    assert set(contracts) == {"vision", "vision-two"}
    buckets = {bucket["Name"] for bucket in cloud.aws_client("s3").list_buckets()["Buckets"]}
    assert set(deployment.output("bucket").values()) <= buckets
    assert len(set(deployment.output("bucket").values())) == len(TEAMS)
    keys = {
        contract.components["orchestrator"].configuration["estimator_args"]["output_kms_key"]  # type: ignore[index, call-overload]
        for contract in contracts.values()
    }
    assert len(keys) == 1


def test_a_second_update_changes_nothing(deployment: Deployment) -> None:
    assert set(deployment.up()) == {"same"}


def test_mlstack_deploy_registers_all_teams_and_then_nothing_is_left_to_do(
    deployment: Deployment, deployed: Any
) -> None:
    assert set(deployed["registration"]["teams"]) == {"vision", "vision-two"}
    again = _json(deployment, "register")
    assert not again["changed"]
    assert set(again["teams"]) == {"vision", "vision-two"}
    status = deployment.mlstack("status", "--stack", "local")
    assert "teams-vision-local on " in status.stdout
    assert "teams-vision-two-local on " in status.stdout


def test_each_team_is_proved_by_a_run_on_its_own_stack(deployment: Deployment) -> None:
    """Not that AWS keeps the teams apart: the emulator grants all (tests/isolation/ asks the policies)."""
    said = _json(deployment, "verify", "--no-image")
    assert said["ok"], said
    for team, instance in (("vision", "ml.m5.xlarge"), ("vision-two", "ml.c5.xlarge")):
        found = {check["name"]: check["detail"] for check in said["teams"][team]["checks"]}
        for held in ("artifact of write", "artifact of read", "log of read in ZenML"):
            assert found[held].startswith(f"s3://teams--{team}--local-123456789012-eu-west-1/")
        assert f" Completed on {instance};" in found["read executed"]


def test_one_team_alone_is_deregistered_and_registered(deployment: Deployment) -> None:
    gone = _json(deployment, "deregister", "--team", "vision")
    assert {change["action"] for change in gone["changes"]} == {"remove"}
    there = _json(deployment, "plan", check=False)
    assert there["teams"]["vision"]["changed"]
    assert not there["teams"]["vision-two"]["changed"]
    _json(deployment, "register", "--team", "vision")
    assert not _json(deployment, "plan")["changed"]


def test_a_team_that_is_none_is_refused_by_name(deployment: Deployment) -> None:
    refused = deployment.mlstack("plan", "--stack", "local", "--team", "visoin", check=False)
    assert refused.returncode == 2
    assert "has no team 'visoin'" in refused.stderr
    assert "vision or vision-two" in refused.stderr


def test_a_team_that_goes_is_taken_away_in_aws_and_then_in_zenml(deployment: Deployment, cloud: Cloud) -> None:
    bucket = deployment.output("bucket")["vision-two"]
    deployment.configure(teams=TEAMS[:1])
    assert set(deployment.up()) == {"same", "delete", "update"}
    assert bucket not in {each["Name"] for each in cloud.aws_client("s3").list_buckets()["Buckets"]}
    result = _json(deployment, "register")
    assert {change["action"] for change in result["teams"]["vision-two"]["changes"]} == {"remove"}
    assert not result["teams"]["vision"]["changed"]
    assert set(_json(deployment, "register")["teams"]) == {"vision"}


def test_destroy_takes_all_teams_out_of_zenml_and_of_aws(deployment: Deployment, cloud: Cloud) -> None:
    from mlstack.local.aws.inventory import inventory

    deployment.configure(teams=TEAMS)
    deployment.up()
    _json(deployment, "register")
    done = deployment.mlstack(
        "destroy", "--stack", "local", "--config-file", str(deployment.settings), "--confirm", "local", "--json"
    )
    said = json.loads(done.stdout)
    assert set(said["registration"]["teams"]) == {"vision", "vision-two"}
    state = cloud.state()
    assert state is not None
    assert [found for found in inventory(state.aws_endpoint) if "teams--vision" in str(found)] == []


def _json(deployment: Deployment, command: str, *arguments: str, check: bool = True) -> Any:
    return json.loads(deployment.mlstack(command, "--stack", "local", *arguments, "--json", check=check).stdout)
