"""Why the s3 connector carries a session policy of ours: the one that ZenML makes up knows no KMS key."""

import subprocess
import sys
from dataclasses import replace

import pytest

from mlstack.iam.policy import Policy
from tests.least_privilege.asking import Asking
from tests.least_privilege.calls import Call, recorded
from tests.least_privilege.granted import Granted, granted

_ZENMLS_OWN = """
import sys
from zenml.integrations.aws.service_connectors.aws_service_connector import AWSServiceConnector as Connector
connector = Connector.model_construct()
print(connector._get_iam_policy(region_id=sys.argv[1], resource_type="s3-bucket", resource_id=sys.argv[2]))
"""


@pytest.fixture(scope="module")
def zenmls_own() -> Policy:
    """What ZenML hands over with sts:AssumeRole when the connector has no policy, by ZenML's own code."""
    names = granted("as it comes").names
    # In a process of its own: importing ZenML takes seconds and changes logging for everybody.
    made = subprocess.run(
        [sys.executable, "-c", _ZENMLS_OWN, names.region, f"s3://{names.bucket}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return Policy.parse(made.stdout.strip().splitlines()[-1])


def _with(stack: Granted, session: Policy | None) -> Asking:
    return Asking(replace(stack, sessions={**stack.sessions, "s3": session}))


def _artifact(operation: str) -> Call:
    call = next(
        each
        for each in recorded()
        if each.operation == operation and each.who == "access/s3" and each.parameters["Key"].startswith("{step}/")
    )
    assert call.parameters["Bucket"] == "{bucket}"
    return call


@pytest.mark.parametrize("operation", ["s3:GetObject", "s3:PutObject", "s3:CreateMultipartUpload", "s3:UploadPart"])
def test_with_zenmls_own_session_policy_no_artifact_could_be_read_or_written(
    operation: str, zenmls_own: Policy
) -> None:
    stack = granted("as it comes")
    answer = _with(stack, zenmls_own).allowed(_artifact(operation))
    assert not answer.allowed
    assert "kms:" in answer.why
    assert "the session policy does not allow it" in answer.why
    assert Asking(stack).allowed(_artifact(operation)).allowed, "ours does not let it through either"


def test_it_is_the_key_alone_that_zenmls_own_session_policy_lacks(zenmls_own: Policy) -> None:
    """The control: on a bucket that S3's own key encrypts it would do."""
    assert _with(granted("keys of AWS"), zenmls_own).allowed(_artifact("s3:GetObject")).allowed
    assert _with(granted("keys of AWS"), zenmls_own).allowed(_artifact("s3:PutObject")).allowed


def test_the_role_itself_has_what_the_session_policy_takes_away() -> None:
    """So nothing but the session policy is what fails above."""
    assert _with(granted("as it comes"), None).allowed(_artifact("s3:GetObject")).allowed
