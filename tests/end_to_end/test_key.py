"""A ZenML server outside AWS: the access key of a user, kept secret, given to ZenML and replaced without downtime."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import Deployment
from tests.registration.conftest import Server

pytestmark = pytest.mark.engine

USER = "key-local-eu-west-1-zenml"


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
    )
    deployment.up()
    deployment.mlstack("register", "--stack", "local")


@pytest.fixture
def server(cloud: Cloud) -> Server:
    environment = cloud.zenml_environment()
    return Server(environment["ZENML_STORE_URL"], environment["ZENML_STORE_API_KEY"])


def key_of(deployment: Deployment) -> Any:
    shown = deployment.run("pulumi", "stack", "output", "connector_key", "--show-secrets", "--stack", "local").stdout
    return json.loads(shown)


def holding(deployment: Deployment, text: str) -> list[Path]:
    """Files of the state in which the text stands."""
    state = Path(deployment.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    return [file for file in state.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


def rotate(deployment: Deployment, *arguments: str, check: bool = True) -> Any:
    settings = ("--stack", "local", "--config-file", str(deployment.settings))
    return deployment.mlstack("rotate-key", *settings, "--yes", "--json", *arguments, check=check)


def test_the_user_may_assume_the_access_role_and_nothing_else_and_only_it_may(
    deployment: Deployment, cloud: Cloud
) -> None:
    iam = cloud.aws_client("iam")
    [name] = iam.list_user_policies(UserName=USER)["PolicyNames"]
    [granted] = iam.get_user_policy(UserName=USER, PolicyName=name)["PolicyDocument"]["Statement"]
    role = deployment.output("access_role_arn")
    assert (granted["Action"], granted["Resource"]) == ("sts:AssumeRole", role)
    assert not iam.list_attached_user_policies(UserName=USER)["AttachedPolicies"]
    trust = iam.get_role(RoleName=role.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
    assert [each["Principal"] for each in trust["Statement"]] == [{"AWS": iam.get_user(UserName=USER)["User"]["Arn"]}]


def test_the_secret_is_nowhere_in_plain_text(deployment: Deployment) -> None:
    secret = key_of(deployment)["secret_access_key"]
    assert holding(deployment, "aws:iam/accessKey:AccessKey"), "that is not the state"
    assert holding(deployment, secret) == []
    for shown in (
        deployment.run("pulumi", "stack", "output", "--json", "--stack", "local").stdout,
        deployment.pulumi("preview", "--json").stdout,
        deployment.mlstack("status", "--stack", "local", "--json").stdout,
    ):
        assert secret not in shown


def keys_in_zenml(server: Server) -> set[str]:
    found = server.held("service_connectors", "key-local")
    whole = [server.call("GET", f"service_connectors/{each['id']}?expand_secrets=true") for each in found]
    return {each["metadata"]["configuration"]["aws_access_key_id"] for each in whole}


def test_a_rotation_that_zenml_misses_keeps_both_keys_and_the_next_run_ends_it(
    deployment: Deployment, cloud: Cloud, server: Server
) -> None:
    old, settings = key_of(deployment), deployment.settings.read_text()
    away = replace(deployment, environment={**deployment.environment, "ZENML_STORE_URL": "http://127.0.0.1:9"})
    missed = rotate(away, check=False)
    assert missed.returncode == 1
    assert "http://127.0.0.1:9 refuses connections" in missed.stderr
    new = key_of(deployment)
    assert keys_at_aws(cloud) == {old["access_key_id"], new["access_key_id"]}
    assert keys_in_zenml(server) == {old["access_key_id"]}

    variables = {
        "MLSTACK_CONNECTOR_KEY_ID": old["access_key_id"],
        "MLSTACK_CONNECTOR_SECRET": old["secret_access_key"],
    }
    done = rotate(replace(deployment, environment={**deployment.environment, **variables}))
    told = json.loads(done.stdout)
    assert (told["old"], told["new"], told["resumed"], told["access_key_id"]) == (1, 2, True, new["access_key_id"])
    assert keys_at_aws(cloud) == keys_in_zenml(server) == {new["access_key_id"]}
    for secret in (old["secret_access_key"], new["secret_access_key"]):
        assert secret not in missed.stdout + missed.stderr + done.stdout + done.stderr
    asked = settings.replace("auth: iam-role", "auth: iam-role\n    keys: [2]")
    assert deployment.settings.read_text().split() == asked.split()
    assert deployment.mlstack("status", "--stack", "local").returncode == 0
    assert deployment.pulumi("preview", "--expect-no-changes").returncode == 0


def keys_at_aws(cloud: Cloud) -> set[str]:
    return {key["AccessKeyId"] for key in cloud.aws_client("iam").list_access_keys(UserName=USER)["AccessKeyMetadata"]}


def test_registered_by_the_engine_the_key_is_as_secret_and_everything_goes_away_again(
    deployment: Deployment, cloud: Cloud, server: Server
) -> None:
    deployment.mlstack("deregister", "--stack", "local")
    deployment.configure(connector={"auth": "iam-role", "keys": [2]}, register="automatic")
    deployment.up()
    key = key_of(deployment)
    assert keys_in_zenml(server) == {key["access_key_id"]}
    assert holding(deployment, key["secret_access_key"]) == []
    deployment.pulumi("destroy", "--yes", "--skip-preview", "--run-program")
    assert keys_in_zenml(server) == set()
    assert USER not in {user["UserName"] for user in cloud.aws_client("iam").list_users()["Users"]}
