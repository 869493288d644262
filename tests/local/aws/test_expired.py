"""A session that is over is refused in the words of the API that was called. Who is still in time is not."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local.conftest import RunningEmulator, start_emulator, stop_emulator

CALLS = {
    "s3": ("list_buckets", "ExpiredToken", 400),
    "sts": ("get_caller_identity", "ExpiredToken", 403),
    "ecr": ("describe_repositories", "ExpiredTokenException", 403),
    "lambda": ("list_functions", "ExpiredTokenException", 403),
}
"""XML, query, JSON and JSON over paths."""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    emulator = start_emulator(tmp_path_factory.mktemp("expired"))
    try:
        yield emulator
    finally:
        stop_emulator(emulator)


def test_a_session_that_is_over_signs_nothing_any_more(emulator: RunningEmulator) -> None:
    sts = boto3.client(
        "sts",
        region_name="eu-west-1",
        endpoint_url=emulator.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False),
    )
    given = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/any", RoleSessionName="short", DurationSeconds=2)[
        "Credentials"
    ]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], "eu-west-1")

    def call(service: str) -> Any:
        return getattr(session.client(service, endpoint_url=emulator.endpoint), CALLS[service][0])()

    assert call("sts")["Arn"].endswith("assumed-role/any/short")
    time.sleep(max(0.0, (given["Expiration"] - datetime.now(UTC)).total_seconds()) + 0.1)
    for service, (_, code, status) in CALLS.items():
        with pytest.raises(ClientError) as refused:
            call(service)
        assert refused.value.response["Error"]["Code"] == code, service
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status, service
    assert emulator.client("sts").get_caller_identity()["Arn"]
