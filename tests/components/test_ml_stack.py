"""What the stack is made of, and what its contract promises ZenML."""

import json
from datetime import timedelta

import pytest

from components.artifact_store import ArtifactStore, ArtifactStoreArgs
from mlstack.contract import ComponentType, MLStackOutputs
from mlstack.images.upload import FRESH
from tests.components.stacks import CASES, EXISTING_KEY, PRINCIPAL, program, settings
from tests.recording import Recording, record


def _contract(recording: Recording) -> MLStackOutputs:
    return MLStackOutputs.parse(recording.of("MLStack").outputs[0]["contract"], origin="the recording")


def test_the_switches_decide_which_components_exist() -> None:
    of_case = {name: set(_contract(record(program(changes))).components) for name, changes in CASES.items()}
    everything = {"artifact_store", "container_registry", "orchestrator", "step_operator", "image_builder"}
    assert of_case["everything on"] == everything
    assert of_case["no step operator"] == everything - {"step_operator"}
    assert of_case["no image builder"] == everything - {"image_builder"}
    assert of_case["artifact store alone"] == {"artifact_store", "orchestrator"}


def test_each_role_serves_one_purpose_and_exists_only_when_that_is_needed() -> None:
    def purposes(changes: dict[str, str]) -> set[str]:
        roles = [r for r in record(program(changes)).customs if r.type == "aws:iam/role:Role"]
        return {role.inputs["name"].rsplit("-", 1)[1] for role in roles}

    assert purposes({}) == {"access", "sagemaker", "scheduler", "codebuild"}
    assert purposes(CASES["own machine orchestrates"]) == {"access", "sagemaker", "codebuild"}
    assert purposes(CASES["artifact store alone"]) == {"access"}
    assert purposes(CASES["no connectors"]) == {"sagemaker", "scheduler", "codebuild"}


def test_only_zenmls_identity_may_assume_the_access_role_and_only_as_a_connector() -> None:
    trust = json.loads(record(program()).named("mlstack-access-role").inputs["assumeRolePolicy"])
    assert trust["Statement"] == [
        {
            "Sid": "ZenMLServer",
            "Effect": "Allow",
            "Principal": {"AWS": PRINCIPAL},
            "Action": "sts:AssumeRole",
            "Condition": {"StringLike": {"sts:RoleSessionName": ["zenml-connector", "zenml-connector-*"]}},
        }
    ]


def test_credentials_never_outlive_the_session_that_the_role_allows() -> None:
    recording = record(program({"mlstack:connector": json.dumps({"principal": PRINCIPAL, "sessionSeconds": 7200})}))
    assert recording.named("mlstack-access-role").inputs["maxSessionDuration"] == 7200
    assert {connector.expiration_seconds for connector in _contract(recording).connectors.values()} == {7200}


def test_a_warm_pool_is_not_asked_for_unless_the_settings_do() -> None:
    orchestrator = _contract(record(program())).components["orchestrator"]
    assert orchestrator.configuration["keep_alive_period_in_seconds"] is None
    asked = _contract(record(program({"mlstack:orchestratorConfig": '{"keep_alive_period_in_seconds": 60}'})))
    assert asked.components["orchestrator"].configuration["keep_alive_period_in_seconds"] == 60


def test_nothing_is_left_to_a_default_bucket_of_the_sdk() -> None:
    components = _contract(record(program())).components
    bucket = "mlstack-dev-123456789012-eu-west-1"
    assert components["orchestrator"].configuration["bucket"] == bucket
    assert components["orchestrator"].configuration["output_data_s3_uri"] == f"s3://{bucket}/sagemaker"
    assert components["step_operator"].configuration["bucket"] == bucket
    arguments = components["step_operator"].configuration["estimator_args"]
    assert isinstance(arguments, dict)
    assert arguments["output_path"] == f"s3://{bucket}/sagemaker"


def test_settings_of_the_step_operator_add_to_its_estimator_arguments() -> None:
    changes = {"mlstack:stepOperatorConfig": '{"estimator_args": {"use_spot_instances": true}}'}
    arguments = _contract(record(program(changes))).components["step_operator"].configuration["estimator_args"]
    assert isinstance(arguments, dict)
    assert arguments["use_spot_instances"] is True
    assert arguments["output_path"], "without it the jobs write among ZenML's artifacts"


def test_the_connector_of_the_bucket_may_use_its_key() -> None:
    policy = _contract(record(program())).connectors["s3"].configuration["policy"]
    assert "kms:Decrypt" in policy, "ZenML's own session policy has no KMS action, so nothing could be read"
    without = _contract(record(program(CASES["keys of AWS"]))).connectors["s3"].configuration["policy"]
    assert "kms:" not in without


def test_whoever_has_no_image_builder_may_push_images_themselves() -> None:
    assert "ecr:PutImage" not in _contract(record(program())).connectors["ecr"].configuration["policy"]
    without = _contract(record(program(CASES["no image builder"])))
    assert "ecr:PutImage" in without.connectors["ecr"].configuration["policy"]


def test_without_connectors_no_component_names_one() -> None:
    contract = _contract(record(program(CASES["no connectors"])))
    assert contract.connectors == {}
    assert {component.connector for component in contract.components.values()} == {None}


def test_the_contract_is_known_in_a_first_preview_but_for_what_kms_and_ec2_make_up() -> None:
    known = {"mlstack:encryption": CASES["key, network and log bucket of yours"]["mlstack:encryption"]}
    assert _contract(record(program(known), preview=True)) == _contract(record(program(known)))


@pytest.mark.parametrize("component", ["orchestrator", "step_operator"])
def test_jobs_are_told_the_key_and_the_subnets(component: ComponentType) -> None:
    contract = _contract(record(program(CASES["key, network and log bucket of yours"])))
    arguments = contract.components[component].configuration["estimator_args"]
    assert isinstance(arguments, dict)
    assert arguments["volume_kms_key"] == arguments["output_kms_key"] == EXISTING_KEY
    assert arguments["subnets"] == ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    assert arguments["security_group_ids"] == ["sg-0123456789abcdef0"]


@pytest.mark.parametrize(("instance", "encrypted"), [("ml.m5.xlarge", True), ("ml.g5.xlarge", False)])
def test_volumes_of_instances_with_disks_of_their_own_are_left_to_the_hardware(
    instance: str, *, encrypted: bool
) -> None:
    contract = _contract(record(program({"mlstack:instanceType": instance})))
    arguments = contract.components["orchestrator"].configuration["estimator_args"]
    assert isinstance(arguments, dict)
    assert ("volume_kms_key" in arguments) is encrypted
    assert "output_kms_key" in arguments


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_the_bucket_is_private_versioned_encrypted_and_closed_to_plain_http(changes: dict[str, str]) -> None:
    recording = record(program(changes)).under("ArtifactStore")
    access = recording.of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    closed = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert all(access[switch] is True for switch in closed)
    ownership = recording.of("aws:s3/bucketOwnershipControls:BucketOwnershipControls").inputs
    assert ownership["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    versioning = recording.of("aws:s3/bucketVersioning:BucketVersioning").inputs
    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    policy = json.loads(recording.of("aws:s3/bucketPolicy:BucketPolicy").inputs["policy"])
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert policy["Statement"][0]["Effect"] == "Deny"
    encryption = recording.of(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    ).inputs["rules"][0]
    by_default = encryption["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
    assert by_default == ("AES256" if changes == CASES["keys of AWS"] else "aws:kms")


def test_old_versions_and_unfinished_uploads_end_some_day() -> None:
    store = record(program()).under("ArtifactStore")
    rules = store.of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs["rules"]
    assert [rule["id"] for rule in rules] == ["drop-unfinished-uploads", "drop-old-versions", "drop-build-contexts"]
    assert rules[1]["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert [rule["filter"]["prefix"] for rule in rules] == ["", "", "code-build-contexts/"]
    assert [rule.get("expiration") for rule in rules] == [None, None, {"days": 30}], "artifacts themselves stay"
    assert timedelta(days=30) == 2 * FRESH, "`mlstack image build` takes no context that is about to end"


def test_tags_are_written_once_but_for_those_that_zenml_pushes_again() -> None:
    repository = record(program()).of("aws:ecr/repository:Repository").inputs
    assert repository["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert {f["filter"] for f in repository["imageTagMutabilityExclusionFilters"]} == {
        "*-orchestrator",
        "*-sagemaker_step_operator",
    }
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}


@pytest.mark.parametrize(
    ("image", "credentials"),
    [
        (None, "CODEBUILD"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/builder@sha256:0", "SERVICE_ROLE"),
    ],
)
def test_a_build_image_of_ones_own_is_pulled_with_the_projects_role(image: str | None, credentials: str) -> None:
    changes = {"mlstack:imageBuilderConfig": json.dumps({"build_image": image})} if image else {}
    project = record(program(changes)).of("aws:codebuild/project:Project").inputs
    assert project["environment"]["imagePullCredentialsType"] == credentials
    assert project["environment"]["privilegedMode"] is False


def test_a_component_can_be_used_on_its_own() -> None:
    from components.ml_stack import MLStackArgs

    names = MLStackArgs.from_settings(settings()).names
    recording = record(lambda: ArtifactStore("artifacts", ArtifactStoreArgs(names=names)))
    assert recording.of("ArtifactStore").outputs == [{"uri": "s3://mlstack-dev-123456789012-eu-west-1"}]
