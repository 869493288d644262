"""Resources that were adopted keep their names, and every document speaks of them by those."""

import json

import pytest

from components.problems import SettingsError
from tests.components.stacks import program, settings
from tests.recording import record

GIVEN = {
    "bucket": "zenml-123456789012-0a1b2c3d4e5f",
    "repository": "zenml-0a1b2c3d4e5f",
    "accessRole": "zenml-0a1b2c-in",
    "executionRole": "zenml-0a1b2c-sagemaker",
    "buildRole": "zenml-0a1b2c-codebuild",
    "buildProject": "zenml-0a1b2c-builds",
    "user": "zenml-0a1b2c-user",
}
ADOPTED = {"mlstack:names": json.dumps(GIVEN), "mlstack:connector": '{"auth": "iam-role"}'}


def test_given_names_are_those_of_the_resources_and_of_all_documents() -> None:
    computed = settings({"mlstack:connector": '{"auth": "iam-role"}'}).names
    gone = [
        computed.bucket,
        computed.repository_arn,
        computed.build_project_arn,
        computed.build_log_group,
        computed.user_arn("zenml"),
        *(computed.role_arn(purpose) for purpose in ("access", "sagemaker", "codebuild")),
    ]
    said = "\n".join(json.dumps(resource.inputs, default=str) for resource in record(program(ADOPTED)).resources)
    for name in GIVEN.values():
        assert name in said, f"{name} is given and used nowhere"
    for name in gone:
        assert name not in said, f"the computed {name} is still used"


def test_what_is_not_given_is_computed() -> None:
    names = settings({"mlstack:names": json.dumps({"bucket": GIVEN["bucket"]})}).names
    assert names.bucket == GIVEN["bucket"]
    assert names.repository == "mlstack-dev"
    assert names.role("scheduler") == "mlstack-dev-eu-west-1-scheduler"


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("bucket", "Zenml"),
        ("repository", "zenml//x"),
        ("accessRole", "arn:aws:iam::123456789012:role/zenml"),
        ("buildProject", "a b"),
        ("user", "/ml/zenml"),
    ],
)
def test_a_name_that_aws_does_not_take_is_refused_with_its_key(what: str, name: str) -> None:
    with pytest.raises(SettingsError, match=f"mlstack:names.{what} is "):
        settings({"mlstack:names": json.dumps({what: name})})
