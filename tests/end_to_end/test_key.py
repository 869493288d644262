"""A ZenML server outside AWS: the access key of a user, kept secret, given to ZenML and replaced without downtime."""

import json
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
    state = Path(deployment.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    files = [file for file in state.rglob("*") if file.is_file()]
    assert any(b"aws:iam/accessKey:AccessKey" in file.read_bytes() for file in files), "that is not the state"
    assert [file for file in files if secret.encode() in file.read_bytes()] == []
    for shown in (
        deployment.run("pulumi", "stack", "output", "--json", "--stack", "local").stdout,
        deployment.pulumi("preview", "--json").stdout,
        deployment.mlstack("status", "--stack", "local", "--json").stdout,
    ):
        assert secret not in shown


def test_a_rotation_ends_with_one_new_key_in_zenml_and_changes_one_line_of_the_settings(
    deployment: Deployment, cloud: Cloud, server: Server
) -> None:
    before, settings = key_of(deployment), deployment.settings.read_text()
    done = rotate(deployment)
    after = key_of(deployment)
    assert json.loads(done.stdout)["access_key_id"] == after["access_key_id"] != before["access_key_id"]
    for secret in (before["secret_access_key"], after["secret_access_key"]):
        assert secret not in done.stdout + done.stderr
    [left] = cloud.aws_client("iam").list_access_keys(UserName=USER)["AccessKeyMetadata"]
    assert left["AccessKeyId"] == after["access_key_id"]
    stored = [
        server.call("GET", f"service_connectors/{each['id']}?expand_secrets=true")
        for each in server.held("service_connectors", "key-local")
    ]
    used = {each["metadata"]["configuration"]["aws_access_key_id"] for each in stored}
    assert used == {after["access_key_id"]}
    assert deployment.settings.read_text() == settings.replace("auth: iam-role", "auth: iam-role\n    keys: [2]")
    assert deployment.mlstack("status", "--stack", "local").returncode == 0
    assert deployment.pulumi("preview", "--expect-no-changes").returncode == 0


def test_everything_goes_away_again(deployment: Deployment, cloud: Cloud) -> None:
    deployment.mlstack("deregister", "--stack", "local")
    deployment.pulumi("destroy", "--yes", "--skip-preview")
    assert USER not in {user["UserName"] for user in cloud.aws_client("iam").list_users()["Users"]}
