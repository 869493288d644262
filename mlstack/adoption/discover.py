"""A ZenML stack without its template or state: read from what the access role may do.

Both of ZenML's originals give that role inline policies of the same names, which name all the other parts.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from mlstack.adoption.found import Found, refuse_skypilot, whoami
from mlstack.errors import UsageError

_MARKS = frozenset({"S3Policy", "ECRPolicy"})
"""Names of the inline policies by which an access role is known."""


def find(role: str | None, region: str | None) -> Found:
    """`role`: the access role's name, where an account has several. Raises UsageError for none or several."""
    import boto3

    account_id, here = whoami(region)
    iam = boto3.Session().client("iam", region_name=here)
    candidates = [each for each in _roles(iam) if role in (None, each) and _is_access_role(iam, each)]
    if not candidates:
        raise UsageError(
            f"account {account_id} has no role {role!r} that ZenML's template or module made"
            if role
            else f"account {account_id} has no role that ZenML's template or module made",
            hint="check the credentials' account: aws sts get-caller-identity",
        )
    if len(candidates) > 1:
        raise UsageError(
            f"account {account_id} has {len(candidates)} ZenML stacks, by their access roles: {', '.join(candidates)}",
            hint=f"choose one: mlstack adopt --from discover {candidates[0]}",
        )
    return _read(iam, candidates[0], account_id, here, asked=region is not None)


def _roles(iam: Any) -> Iterator[str]:
    for page in iam.get_paginator("list_roles").paginate():
        yield from (each["RoleName"] for each in page["Roles"])


def _is_access_role(iam: Any, role: str) -> bool:
    # Roles of AWS's own services have no inline policies and are refused to whoever asks.
    return not role.startswith("AWSServiceRoleFor") and set(_policies(iam, role)) >= _MARKS


def _policies(iam: Any, role: str) -> list[str]:
    return list(iam.list_role_policies(RoleName=role)["PolicyNames"])


def _read(iam: Any, role: str, account_id: str, region: str, *, asked: bool) -> Found:
    if "SkyPilotPolicy" in _policies(iam, role):
        refuse_skypilot(f"the stack of role {role}")
    text = _resources(iam, role)
    bucket = _one(text, r"arn:aws[\w-]*:s3:::([a-z0-9.-]+)", role, "bucket")
    repository = _one(text, r"arn:aws[\w-]*:ecr:[\w-]+:\d{12}:repository/([a-z0-9._/-]+)", role, "repository")
    where = _one(text, rf"arn:aws[\w-]*:ecr:([\w-]+):\d{{12}}:repository/{re.escape(repository)}", role, "region")
    if asked and where != region:
        raise UsageError(f"the ZenML stack of role {role} is in {where}, not in {region}", hint=f"--region {where}")
    passed = re.findall(r"arn:aws[\w-]*:iam::\d{12}:role/([\w+=,.@/-]+)", text)
    projects = re.findall(r"arn:aws[\w-]*:codebuild:[\w-]+:\d{12}:project/([\w-]+)", text)
    trusted = _principal(iam, role)
    return Found(
        origin=f"role {role}",
        account_id=account_id,
        region=where,
        bucket=bucket,
        repository=repository,
        access_role=role,
        execution_role=_last(passed[0]) if passed else None,
        build_project=projects[0] if projects else None,
        build_role=_service_role(projects[0], where) if projects else None,
        user=_last(trusted) if ":user/" in trusted else None,
        orchestrator="sagemaker" if "sagemaker:CreatePipeline" in text else "local",
        leave=(
            "if CloudFormation or Terraform made it, let that forget it: --from cloudformation and --from terraform "
            "say how",
        ),
    )


def _resources(iam: Any, role: str) -> str:
    """All that the role's inline policies say, as text: what is looked for is unmistakable."""
    return json.dumps(
        [
            iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"]["Statement"]
            for each in _policies(iam, role)
        ]
    )


def _principal(iam: Any, role: str) -> str:
    """Who may assume it, as far as that is an identity of AWS."""
    statements = _listed(iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"])
    principals = (each["Principal"] for each in statements if isinstance(each.get("Principal"), dict))
    return str(next((each["AWS"] for each in principals if each.get("AWS")), ""))


def _listed(statement: Any) -> list[Any]:
    return statement if isinstance(statement, list) else [statement]


def _service_role(project: str, region: str) -> str | None:
    import boto3

    found = boto3.Session().client("codebuild", region_name=region).batch_get_projects(names=[project])["projects"]
    return _last(found[0]["serviceRole"]) if found else None


def _one(text: str, pattern: str, role: str, what: str) -> str:
    names: list[str] = sorted(set(re.findall(pattern, text)))
    if len(names) != 1:
        said = f"{len(names)}: {', '.join(names)}" if names else "none"
        raise UsageError(
            f"role {role} was to name one {what}, and names {said}",
            hint="its policies were changed by hand: adopt from the CloudFormation stack or the Terraform state",
        )
    return names[0]


def _last(arn_or_path: str) -> str:
    return str(arn_or_path).rpartition("/")[2]
