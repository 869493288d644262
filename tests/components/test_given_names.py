"""Resources that were adopted keep their names, and every document speaks of them by those."""

import json

import pytest

from components.problems import SettingsError
from tests.components.stacks import program, settings
from tests.recording import Recording, record

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


def kept(*what: str) -> Recording:
    return record(program({**ADOPTED, "mlstack:keep": json.dumps(what)}))


@pytest.mark.parametrize(
    ("what", "types"),
    [
        ("public-access", {"BucketPublicAccessBlock", "BucketOwnershipControls"}),
        ("versioning", {"BucketVersioning"}),
        ("bucket-encryption", {"BucketServerSideEncryptionConfiguration"}),
        ("bucket-lifecycle", {"BucketLifecycleConfiguration"}),
        ("bucket-policy", {"BucketPolicy"}),
        ("bucket-events", {"BucketNotification"}),
        ("image-lifecycle", {"LifecyclePolicy"}),
    ],
)
def test_a_setting_of_its_own_that_is_kept_is_not_declared_for_what_was_adopted(what: str, types: set[str]) -> None:
    def of_what_was_adopted(recording: Recording) -> set[str]:
        log_bucket = "access-logs"
        return {each.type.rpartition(":")[2] for each in recording.customs if log_bucket not in each.name}

    assert of_what_was_adopted(kept()) - of_what_was_adopted(kept(what)) == types
    logs = {each.name for each in kept().customs if "access-logs" in each.name}
    assert logs <= {each.name for each in kept(what).customs}, "the log bucket is new, and keeps nothing"


@pytest.mark.parametrize(
    ("what", "type_", "properties"),
    [
        ("image-encryption", "Repository", {"encryptionConfigurations"}),
        ("image-scanning", "Repository", {"imageScanningConfiguration"}),
        ("tag-mutability", "Repository", {"imageTagMutability", "imageTagMutabilityExclusionFilters"}),
        ("build-project", "Project", {"buildTimeout", "description", "encryptionKey", "environment"}),
    ],
)
def test_a_property_that_is_kept_is_left_to_what_is_there(what: str, type_: str, properties: set[str]) -> None:
    assert set(kept(what).of(type_).ignore_changes) == properties
    assert kept().of(type_).ignore_changes == []


def test_the_trust_that_is_kept_is_that_of_every_adopted_role() -> None:
    roles = [each for each in kept("trust").customs if each.type == "aws:iam/role:Role"]
    ignoring = {each.inputs["name"] for each in roles if each.ignore_changes == ["assumeRolePolicy"]}
    assert ignoring == {GIVEN["accessRole"], GIVEN["executionRole"], GIVEN["buildRole"]}


def test_roles_that_are_exclusive_lose_other_policies_once_they_have_their_own() -> None:
    recording = record(program({**ADOPTED, "mlstack:roles": '{"exclusive": true}'}))
    for type_, owner in (("RolePoliciesExclusive", "roleName"), ("UserPoliciesExclusive", "userName")):
        for each in (found for found in recording.customs if found.type.endswith(f":{type_}")):
            [name] = each.inputs["policyNames"]
            policies = [found.inputs for found in recording.customs if found.inputs.get("policy")]
            whose = owner.removesuffix("Name")
            assert any(policy.get(whose) == each.inputs[owner] and policy["name"] == name for policy in policies)
    assert not [each for each in kept().customs if each.type.endswith("Exclusive")]
