"""An account for each environment: the wrong one is refused, the right one reached through a role in it."""

import json
from typing import Any

import boto3
import pytest

from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import Deployment

pytestmark = pytest.mark.engine

OTHER = "210987654321"
ROLE = f"arn:aws:iam::{OTHER}:role/deployer"


@pytest.mark.parametrize("command", ["preview", "up"])
def test_the_wrong_account_is_refused_in_one_message_before_anything_is_declared(
    deployment: Deployment, command: str
) -> None:
    deployment.changes["aws:allowedAccountIds"] = [OTHER]
    deployment.write()
    refused = deployment.pulumi(command, *(["--yes", "--skip-preview"] if command == "up" else []), check=False)
    del deployment.changes["aws:allowedAccountIds"]
    deployment.write()
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert f"these credentials are of another account: aws:allowedAccountIds in Pulumi.local.yaml names {OTHER}" in said
    assert "123456789012" in said
    assert said.partition("Diagnostics:")[2].count("error: these credentials") == 1, "one message, not one a resource"
    assert "Traceback" not in said
    state = json.loads(deployment.run("pulumi", "stack", "export", "--stack", "local").stdout)["deployment"]
    assert not [each for each in state.get("resources", []) if each["custom"] and "aws:" in each["type"]]


def test_a_role_in_another_account_is_assumed_and_everything_is_there(deployment: Deployment, cloud: Cloud) -> None:
    deployment.changes |= {"aws:allowedAccountIds": [OTHER], "aws:assumeRoles": [{"roleArn": ROLE}]}
    deployment.write()
    assert deployment.up()["create"] > 20
    assert set(deployment.up()) == {"same"}
    bucket = deployment.output("bucket")
    assert OTHER in bucket
    assert bucket in _buckets(cloud, ROLE)
    assert bucket not in {each["Name"] for each in cloud.aws_client("s3").list_buckets()["Buckets"]}


def test_mlstack_destroy_looks_into_the_account_that_is_meant(deployment: Deployment, cloud: Cloud) -> None:
    deployment.configure(artifactStoreForceDestroy=False)
    deployment.up()
    bucket = deployment.output("bucket")
    _client(cloud, ROLE).put_object(Bucket=bucket, Key="artifact", Body=b"x")
    destroy = ("destroy", "--stack", "local", "--config-file", str(deployment.settings), "--confirm", "local")
    refused = deployment.mlstack(*destroy, check=False)
    assert refused.returncode == 2, refused.stderr
    assert f"bucket {bucket} is not empty" in refused.stderr
    deployment.configure(artifactStoreForceDestroy=True)
    deployment.up()
    deployment.mlstack(*destroy)
    assert bucket not in _buckets(cloud, ROLE)


def _buckets(cloud: Cloud, role: str) -> set[str]:
    return {each["Name"] for each in _client(cloud, role).list_buckets()["Buckets"]}


def _client(cloud: Cloud, role: str) -> Any:
    sts = cloud.aws_client("sts")
    given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return boto3.client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=sts.meta.endpoint_url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
