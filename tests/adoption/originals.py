"""Stacks in the emulator as ZenML's own template and module make them, and registered as those register them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlstack.local.cloud import ACCOUNT_ID, REGION, Cloud
from tests.registration.conftest import Server

HERE = Path(__file__).parent
TEMPLATE = HERE / "one-click.yaml"
STATE = HERE / "states" / "zenml-stack.tfstate"
OBJECTS = {"runs/1/model": b"a model", "runs/1/metrics.json": b"{}"}

Attributes = dict[str, Any]


@dataclass(frozen=True)
class Original:
    """What is there before, and has to be there afterwards."""

    bucket: str
    repository: str
    roles: tuple[str, ...]
    user: str
    key_id: str
    secret: str
    project: str | None = None


def by_cloudformation(cloud: Cloud, name: str, *, images: bool = True) -> Original:
    formation = cloud.aws_client("cloudformation")
    parameters = {"ResourceName": name, "CodeBuild": "true" if images else "false"}
    formation.create_stack(
        StackName=name,
        TemplateBody=TEMPLATE.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    found = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in formation.describe_stack_resources(StackName=name)["StackResources"]
    }
    outputs = formation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    roles = [found[each] for each in ("StackAccessRole", "SageMakerRuntimeRole", "CodeBuildRole") if each in found]
    return Original(
        bucket=found["S3Bucket"],
        repository=found["ECRRepository"],
        roles=tuple(roles),
        user=found["IAMUser"],
        key_id=found["IAMUserAccessKey"],
        secret=next(each["OutputValue"] for each in outputs if each["OutputKey"] == "AWSSecretAccessKey"),
        project=found.get("CodeBuildProject"),
    )


def instances(type_: str) -> list[Attributes]:
    """Attributes of all resources of a type in the recorded state."""
    resources = json.loads(STATE.read_text(encoding="utf-8"))["resources"]
    return [
        each["attributes"]
        for resource in resources
        if resource["mode"] == "managed" and resource["type"] == type_
        for each in resource["instances"]
    ]


def by_terraform(cloud: Cloud) -> Original:
    """What the recorded state says was made."""
    iam, s3, ecr = (cloud.aws_client(each) for each in ("iam", "s3", "ecr"))
    [bucket], [repository] = instances("aws_s3_bucket"), instances("aws_ecr_repository")
    where = {"LocationConstraint": bucket["region"]}
    s3.create_bucket(Bucket=bucket["bucket"], CreateBucketConfiguration=where)
    ecr.create_repository(repositoryName=repository["name"])
    [user] = instances("aws_iam_user")
    iam.create_user(UserName=user["name"])
    for policy in instances("aws_iam_user_policy"):
        iam.put_user_policy(UserName=policy["user"], PolicyName=policy["name"], PolicyDocument=policy["policy"])
    key = iam.create_access_key(UserName=user["name"])["AccessKey"]
    roles = instances("aws_iam_role")
    for role in roles:
        iam.create_role(RoleName=role["name"], AssumeRolePolicyDocument=role["assume_role_policy"])
        for arn in role["managed_policy_arns"]:
            iam.attach_role_policy(RoleName=role["name"], PolicyArn=arn)
    for policy in instances("aws_iam_role_policy"):
        iam.put_role_policy(RoleName=policy["role"], PolicyName=policy["name"], PolicyDocument=policy["policy"])
    return Original(
        bucket=bucket["bucket"],
        repository=repository["name"],
        roles=tuple(role["name"] for role in sorted(roles, key=lambda each: len(each["name"]))),
        user=user["name"],
        key_id=key["AccessKeyId"],
        secret=key["SecretAccessKey"],
    )


def fill(cloud: Cloud, original: Original) -> None:
    """Artifacts and an image, as runs leave them."""
    for name, body in OBJECTS.items():
        cloud.aws_client("s3").put_object(Bucket=original.bucket, Key=name, Body=body)
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
    cloud.aws_client("ecr").put_image(
        repositoryName=original.repository, imageManifest=json.dumps(manifest), imageTag="digits-orchestrator"
    )


def remains(cloud: Cloud, original: Original) -> dict[str, Any]:
    """What must not change: the things themselves, by what AWS tells them apart by, and what is in them."""
    iam, s3, ecr = (cloud.aws_client(each) for each in ("iam", "s3", "ecr"))
    [repository] = ecr.describe_repositories(repositoryNames=[original.repository])["repositories"]
    created = {each["Name"]: each["CreationDate"] for each in s3.list_buckets()["Buckets"]}
    return {
        "roles": {each: iam.get_role(RoleName=each)["Role"]["RoleId"] for each in original.roles},
        "user": iam.get_user(UserName=original.user)["User"]["UserId"],
        "bucket": created[original.bucket],
        "repository": repository["createdAt"],
        "images": sorted(str(e) for e in ecr.list_images(repositoryName=original.repository)["imageIds"]),
        "objects": {
            each["Key"]: s3.get_object(Bucket=original.bucket, Key=each["Key"])["Body"].read()
            for each in s3.list_objects_v2(Bucket=original.bucket)["Contents"]
        },
    }


def _credentials(original: Original) -> dict[str, str]:
    return {
        "aws_access_key_id": original.key_id,
        "aws_secret_access_key": original.secret,
        "role_arn": _role_arn(original.roles[0]),
        "region": REGION,
    }


def _role_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT_ID}:role/{name}"


def _configurations(original: Original) -> dict[str, tuple[str, dict[str, str]]]:
    """Flavor and configuration of each component."""
    execution = _role_arn(original.roles[1])
    return {
        "artifact_store": ("s3", {"path": f"s3://{original.bucket}"}),
        "container_registry": (
            "aws",
            {
                "uri": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com",
                "default_repository": original.repository,
            },
        ),
        "orchestrator": (
            "sagemaker",
            {"execution_role": execution, "output_data_s3_uri": f"s3://{original.bucket}/sagemaker"},
        ),
        "step_operator": ("sagemaker", {"role": execution, "bucket": original.bucket}),
        "image_builder": ("aws", {"code_build_project": original.project}) if original.project else ("local", {}),
    }


def register_one_click(server: Server, original: Original, name: str) -> None:
    """One connector for everything, and everything named after the stack."""
    labels = {"zenml:provider": "aws", "zenml:deployment": "cloud-formation"}
    server.call(
        "POST",
        "stacks",
        {
            "name": name,
            "description": f"Deployed by AWS CloudFormation stack {name}.",
            "labels": labels,
            "service_connectors": [
                {"type": "aws", "auth_method": "iam-role", "configuration": _credentials(original)},
            ],
            "components": {
                kind: [
                    {"flavor": flavor, "configuration": configuration}
                    | ({} if flavor == "local" else {"service_connector_index": 0})
                ]
                for kind, (flavor, configuration) in _configurations(original).items()
            },
        },
    )


def register_module(server: Server, original: Original, name: str) -> None:
    """Three connectors, each for one type, and components named after what they are."""
    labels = {"zenml:provider": "aws", "zenml:deployment": "terraform"}
    uri = f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/{original.repository}"
    connectors = {}
    for suffix, resource_type, resource_id in (
        ("s3", "s3-bucket", original.bucket),
        ("ecr", "docker-registry", uri),
        ("aws", "aws-generic", None),
    ):
        made = server.call(
            "POST",
            "service_connectors",
            {
                "name": f"{name}-{suffix}",
                "connector_type": "aws",
                "auth_method": "iam-role",
                "resource_types": [resource_type],
                "resource_id": resource_id,
                "configuration": _credentials(original),
                "labels": labels,
            },
        )
        connectors[suffix] = made["id"]
    components = {}
    for kind, suffix, connector in (
        ("artifact_store", "s3", "s3"),
        ("container_registry", "ecr", "ecr"),
        ("orchestrator", "sagemaker", "aws"),
        ("step_operator", "sagemaker", "aws"),
        ("image_builder", "local", None),
    ):
        flavor, configuration = _configurations(original)[kind]
        body = {"name": f"{name}-{suffix}", "type": kind, "flavor": flavor, "configuration": configuration}
        if connector:
            body["connector"] = connectors[connector]
        components[kind] = [server.call("POST", "components", {**body, "labels": labels})["id"]]
    server.call("POST", "stacks", {"name": name, "components": components, "labels": labels})


def ids_in_zenml(server: Server, stack: str) -> dict[str, str]:
    """Of the stack, its components and their connectors, by what they are."""
    [held] = [each for each in server.held("stacks", stack) if each["name"] == stack]
    found = {"stack": held["id"]}
    for kind, parts in held["metadata"]["components"].items():
        for part in parts:
            found[kind] = part["id"]
            whole = server.call("GET", f"components/{part['id']}?hydrate=true")
            if connector := whole["metadata"].get("connector"):
                found[f"connector of {kind}"] = connector["id"]
    return found
