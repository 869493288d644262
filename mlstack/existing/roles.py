"""An existing role: whom it trusts, what it may do, how long its sessions last."""

import json
from collections.abc import Mapping
from typing import Any

from mlstack.existing.asked import RoleAsked, StatementJson
from mlstack.existing.lack import Change, Lack, Weight
from mlstack.existing.policies import document, missing, not_let_in, with_added
from mlstack.existing.reading import Aws, decoded, managed_policy, or_refused, policies_of_role
from mlstack.iam.conditions import PolicyError


def of_role(aws: Aws, asked: RoleAsked) -> list[Lack]:
    def lack(weight: Weight, problem: str, way_out: str, change: Change | None = None) -> Lack:
        resource = f"role {asked.arn}"
        return Lack(
            weight=weight, setting=asked.setting, resource=resource, problem=problem, way_out=way_out, change=change
        )

    answer = aws.ask("iam", "get_role", RoleName=asked.name)
    if answer is None:
        return [lack("wrong", "does not exist", "name one that does, or set mode: create")]
    role = answer["Role"]
    if role["Arn"] != asked.arn:
        return [lack("wrong", f"does not exist: the role of that name is {role['Arn']}", "write its ARN whole")]

    found: list[Lack] = []
    trust = decoded(role["AssumeRolePolicyDocument"])
    try:
        distrusted = not_let_in([asked.trust], trust, asked.arn, asked.arn.split(":")[4])
    except PolicyError as error:
        distrusted = [asked.trust]
        found.append(lack("advised", f"has a trust policy that is not understood here: {error}", "compare it yourself"))
    if distrusted:
        whom = " and ".join(str(each) for each in _principal(asked.trust).values())
        problem = f"may not be assumed by {whom} in the way that this stack needs"
        command = f"aws iam update-assume-role-policy --role-name {asked.name} --policy-document file://change.json"
        change = Change(command=command, document=with_added(trust, distrusted), adds=distrusted)
        found.append(lack("wrong", problem, "its owner adds to its trust policy:", change))
    if role.get("MaxSessionDuration", 3600) < asked.session_seconds:
        problem = f"has sessions of at most {role['MaxSessionDuration']} seconds, and {asked.session_seconds} are asked"
        command = f"aws iam update-role --role-name {asked.name} --max-session-duration {asked.session_seconds}"
        change = Change(command=command, document=None, adds={"MaxSessionDuration": asked.session_seconds})
        way_out = "its owner allows longer ones, or you lower mlstack:connector.sessionSeconds:"
        found.append(lack("lacks", problem, way_out, change))

    refused: list[str] = []
    policies = or_refused(lambda: policies_of_role(aws, asked.name), refused)
    if policies is not None and (absent := missing(asked.permissions, policies)):
        problem = f"lacks {_listed(absent)}"
        command = f"aws iam put-role-policy --role-name {asked.name} --policy-name {asked.policy_name}"
        command += " --policy-document file://change.json"
        change = Change(command=command, document=document(absent), adds=absent)
        found.append(lack("lacks", problem, "its owner adds an inline policy:", change))
    if boundary := role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"):
        limits = or_refused(lambda: managed_policy(aws, boundary), refused)
        if limits is not None and (absent := missing(asked.permissions, limits)):
            problem = f"has the boundary {boundary}, which does not let through {_listed(absent)}"
            command = f"aws iam create-policy-version --set-as-default --policy-arn {boundary} --policy-document file://change.json"
            whole = with_added(_merged(limits), absent)
            change = Change(command=command, document=whole, adds=absent)
            found.append(lack("lacks", problem, "the owner of the boundary adds to it:", change))
    found += [lack("lacks", *_unreadable(each)) for each in refused]
    return found


def _unreadable(operation: str) -> tuple[str, str]:
    return (
        f"cannot be checked: these credentials have no right to {operation}",
        "let them, or set mlstack:existingLacks: warn",
    )


def _listed(statements: list[StatementJson]) -> str:
    return "the rights " + ", ".join(str(each["Sid"]) for each in statements)


def _principal(statement: StatementJson) -> Mapping[str, Any]:
    principal = statement["Principal"]
    return principal if isinstance(principal, Mapping) else {"AWS": principal}


def _merged(documents: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return json.loads(json.dumps(documents[0])) if documents else None
