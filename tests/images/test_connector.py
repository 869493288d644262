"""Credentials of the stack's service connector, asked for at a real ZenML server: what is said when it has expired."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from mlstack.contract import MLStackOutputs
from mlstack.registration import source
from tests.registration.conftest import Hook, Server, emulated, forked, hook, server

__all__ = ["emulated", "forked", "hook", "server"]


@dataclass(frozen=True)
class Made:
    name: str
    id: str
    session: dict[str, Any]


@pytest.fixture
def declared(hook: Hook) -> MLStackOutputs:
    hook.settings()
    return source.load(None, str(hook.directory / "outputs.json"))


@pytest.fixture
def code(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    return root


@pytest.fixture
def made(hook: Hook, server: Server, declared: MLStackOutputs) -> Iterator[Callable[[int], Made]]:
    """A connector that signs with a session of so many seconds, which the contract names as the stack's own."""
    ids: list[str] = []

    def make(seconds: int) -> Made:
        # AWS gives no session of less than 15 minutes, and botocore asks for none.
        sts = boto3.client(
            "sts",
            region_name=declared.region,
            endpoint_url=hook.cloud.aws_client("sts").meta.endpoint_url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(parameter_validation=False),
        )
        role = f"arn:aws:iam::{declared.account_id}:role/{hook.name}-dev-eu-west-1-access"
        session = sts.assume_role(RoleArn=role, RoleSessionName="short", DurationSeconds=seconds)["Credentials"]
        name = f"{declared.connectors['aws'].name}-short"
        connector = {
            "name": name,
            "connector_type": "aws",
            "auth_method": "sts-token",
            "resource_types": [declared.connectors["aws"].resource_type],
            "configuration": {
                "region": declared.region,
                "aws_access_key_id": session["AccessKeyId"],
                "aws_secret_access_key": session["SecretAccessKey"],
                "aws_session_token": session["SessionToken"],
            },
        }
        # The server tries it, as long as it is good.
        ids.append(server.call("POST", "service_connectors", connector)["id"])
        file = hook.directory / "outputs.json"
        contract = json.loads(json.loads(file.read_text())["mlstack"])
        contract["connectors"]["aws"]["name"] = name
        file.write_text(json.dumps({"mlstack": json.dumps(contract)}))
        return Made(name, ids[-1], session)

    yield make
    for each in ids:
        server.call("DELETE", f"service_connectors/{each}")


def refused(hook: Hook, declared: MLStackOutputs, code: Path) -> str:
    """What is said, once it is certain that nothing came of it."""
    bucket = str(declared.components["artifact_store"].configuration["path"]).removeprefix("s3://")

    def everything() -> tuple[Any, ...]:
        s3 = hook.cloud.aws_client("s3")
        return (
            s3.list_objects_v2(Bucket=bucket).get("Contents", ()),
            s3.list_multipart_uploads(Bucket=bucket).get("Uploads", ()),
            hook.cloud.aws_client("codebuild").list_builds()["ids"],
        )

    before = everything()
    outputs = hook.directory / "outputs.json"
    done = hook.run("image", "build", str(code), "--outputs", str(outputs), "--connector", COLUMNS="1000")
    assert done.returncode == 1, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1
    assert everything() == before
    assert "nothing was uploaded" in done.stderr
    return done.stderr


def test_a_connector_whose_date_is_past_is_named_with_that_date_and_the_command_that_moves_it(
    hook: Hook, server: Server, declared: MLStackOutputs, made: Callable[[int], Made], code: Path
) -> None:
    connector = made(900)
    past = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=2)
    server.call("PUT", f"service_connectors/{connector.id}", {"expires_at": past.isoformat()})
    said = refused(hook, declared, code)
    assert f"the service connector {connector.name} expired at {past:%Y-%m-%d %H:%M} UTC" in said
    assert f"zenml service-connector update {connector.name} --expires-at" in said


def test_a_connector_that_signs_with_a_session_that_is_over_is_named_with_what_aws_says(
    hook: Hook, declared: MLStackOutputs, made: Callable[[int], Made], code: Path
) -> None:
    connector = made(4)
    time.sleep(max(0.0, (connector.session["Expiration"] - datetime.now(UTC)).total_seconds()) + 0.1)
    said = refused(hook, declared, code)
    assert f"the service connector {connector.name} signs with AWS credentials that have expired" in said
    assert "ExpiredToken" in said
    assert f"zenml service-connector update {connector.name} -i" in said
    assert connector.session["SecretAccessKey"] not in said
    assert connector.session["SessionToken"] not in said


LONG = """
import sys
from mlstack.images import connector
from mlstack.registration import source

for connector.RENEWED_BEFORE in (120, 24 * 3600):
    s3 = connector.connector_clients(source.load(None, sys.argv[1])).s3
    for _ in range(3):
        s3.list_objects_v2(Bucket=sys.argv[2])
        print(s3.generate_presigned_url("list_objects_v2", {"Bucket": sys.argv[2]}))
"""


def test_credentials_are_asked_for_anew_shortly_before_they_end_and_not_sooner(hook: Hook) -> None:
    hook.register()
    done = subprocess.run(
        [sys.executable, "-c", LONG, str(hook.directory / "outputs.json"), f"{hook.name}-dev-123456789012-eu-west-1"],
        env={**hook.environment(), **hook.cloud.aws_environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    keys = re.findall(r"(?:X-Amz-Credential|AWSAccessKeyId)=(ASIA\w+)", done.stdout)
    assert (len(set(keys[:3])), len(set(keys[3:]))) == (1, 3), keys
