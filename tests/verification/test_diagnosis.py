"""What `mlstack verify` makes of what AWS, SageMaker and ZenML say."""

from pathlib import Path

import pytest

from mlstack.verification.diagnosis import diagnose
from mlstack.verification.granted import Granted

ACCESS = "arn:aws:sts::123456789012:assumed-role/mlstack-dev-eu-west-1-access/zenml-connector-1"
OBJECT = "arn:aws:s3:::mlstack-dev-123456789012-eu-west-1/write/output/1"
CREATE = "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: "


@pytest.mark.parametrize(
    ("text", "kind", "message", "hint"),
    [
        (
            "An error occurred (AccessDenied) when calling the PutObject operation: User: "
            f'{ACCESS} is not authorized to perform: s3:PutObject on resource: "{OBJECT}" because no identity-based '
            "policy allows the s3:PutObject action",
            "permission",
            f"the role mlstack-dev-eu-west-1-access may not s3:PutObject on {OBJECT}: no identity-based policy allows",
            "docs/permissions.md, role access: permissions, statement ArtifactsReadWrite",
        ),
        (
            f"User: {ACCESS} is not authorized to perform: sagemaker:CreateModel on resource: arn:aws:sagemaker:x "
            "because no identity-based policy allows the sagemaker:CreateModel action",
            "permission",
            "may not sagemaker:CreateModel on arn:aws:sagemaker:x",
            "no statement of the program grants it",
        ),
        (
            f"User: {ACCESS} is not authorized to perform: sagemaker:CreatePipeline on resource: arn:aws:sagemaker:x "
            "with an explicit deny in a service control policy",
            "permission",
            "may not sagemaker:CreatePipeline",
            "service control policy decides",
        ),
        (
            f"User: {ACCESS} is not authorized to perform: sagemaker:CreatePipeline on resource: arn:aws:sagemaker:x "
            "because no permissions boundary allows the sagemaker:CreatePipeline action",
            "permission",
            "may not sagemaker:CreatePipeline",
            "mlstack:roles.permissionsBoundary",
        ),
        (
            f"User: {ACCESS} is not authorized to perform: kms:GenerateDataKey on resource: "
            "arn:aws:kms:eu-west-1:1:key/k "
            "because no resource-based policy allows the kms:GenerateDataKey action",
            "permission",
            "may not kms:GenerateDataKey on arn:aws:kms:eu-west-1:1:key/k",
            "mlstack:encryption.mode existing",
        ),
        (
            "User: arn:aws:sts::123456789012:assumed-role/eks-node/i-1 is not authorized to perform: sts:AssumeRole on "
            "resource: arn:aws:iam::123456789012:role/mlstack-dev-eu-west-1-access",
            "trust",
            "the role eks-node may not assume arn:aws:iam::123456789012:role/mlstack-dev-eu-west-1-access",
            "mlstack:connector.principal",
        ),
        (
            "ClientError: Could not assume role arn:aws:iam::123456789012:role/mlstack-dev-sagemaker. Please "
            "ensure that",
            "trust",
            "SageMaker could not assume arn:aws:iam::123456789012:role/mlstack-dev-sagemaker",
            "sagemaker.amazonaws.com",
        ),
        (
            f"{CREATE}The account-level service limit 'ml.g5.xlarge for training job usage' is 0 Instances, "
            "with current",
            "quota",
            "the account's quota 'ml.g5.xlarge for training job usage' is 0",
            "mlstack:instanceType",
        ),
        (
            "CapacityError: Unable to provision requested ML compute capacity due to "
            "InsufficientInstanceCapacity error",
            "capacity",
            "AWS has no instance of this type to give now",
            "mlstack:instanceType",
        ),
        (
            f"{CREATE}1 validation error detected: Value 'ml.m9.large' at 'resourceConfig.instanceType' "
            "failed to satisfy "
            "constraint: Member must satisfy enum value set",
            "instance type",
            "ml.m9.large",
            "mlstack:instanceType",
        ),
        (
            f"{CREATE}Requested image 123456789012.dkr.ecr.eu-west-1.amazonaws.com/mlstack-dev:x not found.",
            "image",
            "the image of the steps is not there",
            "--image",
        ),
        (
            "ClientError: Failed to pull image docker.io/zenmldocker/zenml: access denied",
            "image",
            "SageMaker could not pull the image",
            "not from Docker Hub",
        ),
        (
            "An error occurred (NoSuchBucket) when calling the PutObject operation: The specified bucket does "
            "not exist",
            "bucket",
            "the bucket does not exist",
            "mlstack register",
        ),
        (
            "NoCredentialsError: Unable to locate credentials",
            "credentials",
            "no AWS credentials",
            "connector.auth none",
        ),
        (
            "Traceback\n  File x\nModuleNotFoundError: No module named 's3fs'\n",
            "integration",
            "ModuleNotFoundError: No module named 's3fs'",
            "zenml integration requirements aws s3",
        ),
        ("docker.errors.DockerException: Error while", "builder", "no Docker here", "mlstack:imageBuilder"),
        ("PermissionError: Access Denied", "permission", "without naming the right", "docs/permissions.md"),
    ],
)
def test_a_failure_is_told_with_what_is_missing_and_where_it_is_set(
    text: str, kind: str, message: str, hint: str
) -> None:
    found = diagnose(["nothing telling", text], Granted())
    assert found is not None
    assert found.kind == kind
    assert message in found.message
    assert hint in found.hint


def test_what_nobody_knows_is_not_guessed() -> None:
    assert diagnose(["ValueError: read back 'a' instead of 'b'"], Granted()) is None


def test_without_the_document_a_right_is_named_all_the_same(tmp_path: Path) -> None:
    text = f"User: {ACCESS} is not authorized to perform: s3:GetObject on resource: {OBJECT} because no identity-based"
    found = diagnose([text], Granted(tmp_path / "absent.md"))
    assert found is not None
    assert "may not s3:GetObject" in found.message
