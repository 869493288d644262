"""The stack that `zenml stack deploy` makes: found by its logical ids, and told to retain what is ours afterwards.

https://github.com/zenml-io/zenml/blob/main/infra/aws/aws-ecr-s3-sagemaker.yaml
"""

import json
from io import StringIO
from typing import Any

from mlstack.adoption.found import Found, whoami
from mlstack.errors import MLStackError, UsageError

_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
_NEEDED = ("S3Bucket", "ECRRepository", "StackAccessRole", "SageMakerRuntimeRole")
# The function that registered the stack, and what called it: of no use any more, they may go with the stack.
_NOT_OURS = ("AWS::Serverless::", "AWS::Lambda::", "Custom::", "AWS::CloudFormation::")


def find(name: str, region: str | None) -> Found:
    """Raises UsageError for a stack that is not there, not of ZenML's template, or in a failed state."""
    account_id, region = whoami(region)
    stack = _describe(name, account_id, region)
    status = stack["StackStatus"]
    if status not in _GOOD:
        raise UsageError(
            f"CloudFormation stack {name} is {status}; nothing was changed", hint=_way_out(name, status, region)
        )
    resources = _client(region).describe_stack_resources(StackName=name)["StackResources"]
    # One that could not be made has no id.
    ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources if "PhysicalResourceId" in each}
    missing = [each for each in _NEEDED if each not in ids]
    if missing:
        raise UsageError(
            f"CloudFormation stack {name} has no {', '.join(missing)}: it is not of ZenML's template",
            hint="mlstack adopt --from discover finds a ZenML stack by its roles, whatever made it",
        )
    failed = [each["LogicalResourceId"] for each in resources if each["ResourceStatus"].endswith("FAILED")]
    if failed:
        raise UsageError(
            f"CloudFormation stack {name}: {', '.join(failed)} failed; nothing was changed",
            hint=_way_out(name, "UPDATE_FAILED", region),
        )
    return Found(
        origin=f"CloudFormation stack {name}",
        account_id=account_id,
        region=region,
        bucket=ids["S3Bucket"],
        repository=ids["ECRRepository"],
        access_role=ids["StackAccessRole"],
        execution_role=ids["SageMakerRuntimeRole"],
        build_role=ids.get("CodeBuildRole"),
        build_project=ids.get("CodeBuildProject"),
        user=ids.get("IAMUser"),
        zenml_stack=name,
        leave=(
            "CloudFormation retains all of it now. Forget its stack when everything works: "
            f"aws cloudformation delete-stack --stack-name {name} --region {region}",
        ),
    )


def retain(name: str, region: str) -> int:
    """Have CloudFormation keep the resources when its stack is deleted or changed. How many were not kept before.

    Raises MLStackError when CloudFormation refuses; the stack is then as it was.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = _client(region)
    text, changed = _retaining(client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"])
    if not changed:
        return 0
    parameters = _describe(name, "", region).get("Parameters", ())
    try:
        client.update_stack(
            StackName=name,
            TemplateBody=text,
            Parameters=[{"ParameterKey": each["ParameterKey"], "UsePreviousValue": True} for each in parameters],
            # What the template of ZenML needs: it names roles, and one resource is of the serverless transform.
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        client.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 150})
    except (ClientError, BotoCoreError) as error:
        raise MLStackError(
            f"CloudFormation does not take the deletion policy for stack {name}: {error}",
            hint="nothing was imported; set `DeletionPolicy: Retain` on its resources yourself and run this again",
        ) from None
    return changed


def _retaining(template: Any) -> tuple[str, int]:
    """The template with a deletion policy on each resource of ours, and how many had none."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 4096
    document = json.loads(json.dumps(template)) if isinstance(template, dict) else yaml.load(template)
    changed = 0
    for resource in document["Resources"].values():
        if resource["Type"].startswith(_NOT_OURS):
            continue
        if (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
            resource["DeletionPolicy"] = resource["UpdateReplacePolicy"] = "Retain"
            # A deletion policy alone is no update to CloudFormation; metadata is.
            resource["Metadata"] = {**(resource.get("Metadata") or {}), "AdoptedBy": "mlstack"}
            changed += 1
    if isinstance(template, dict):
        return json.dumps(document), changed
    written = StringIO()
    yaml.dump(document, written)
    return written.getvalue(), changed


def _describe(name: str, account_id: str, region: str) -> Any:
    from botocore.exceptions import ClientError

    try:
        return _client(region).describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise MLStackError(f"CloudFormation does not show stack {name}: {error}") from None
        raise UsageError(
            f"account {account_id} has no CloudFormation stack {name!r} in {region}",
            hint="check the credentials' account (aws sts get-caller-identity) and --region",
        ) from None


def _way_out(name: str, status: str, region: str) -> str:
    if status.endswith("IN_PROGRESS"):
        return "wait until CloudFormation is done with it, then run the same command again"
    if status == "UPDATE_ROLLBACK_FAILED":
        return f"aws cloudformation continue-update-rollback --stack-name {name} --region {region}"
    if status == "DELETE_FAILED":
        return (
            "what is left of it can be adopted with --from discover; "
            "CloudFormation deletes it at the next delete-stack otherwise"
        )
    return (
        f"mend it first: aws cloudformation describe-stack-events --stack-name {name} --region {region} "
        "says what failed"
    )


def _client(region: str) -> Any:
    import boto3

    return boto3.Session().client("cloudformation", region_name=region)
