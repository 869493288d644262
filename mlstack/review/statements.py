"""Which IAM statements a preview adds and takes away, as people have to acknowledge them.

Read from the inputs of every resource that carries a policy document. A document that is only known during the update
is one change of its own: it cannot be acknowledged by what is in it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from mlstack.outcome import Step
from mlstack.review.model import Statement

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a value that is known only after an update (`plugin.UnknownStringValue` of its Go SDK)."""

DOCUMENTS = {
    "aws:iam/role:Role": ("assumeRolePolicy", "trust", "name"),
    "aws:iam/rolePolicy:RolePolicy": ("policy", "policy", "role"),
    "aws:iam/userPolicy:UserPolicy": ("policy", "policy", "user"),
    "aws:iam/groupPolicy:GroupPolicy": ("policy", "policy", "group"),
    "aws:iam/policy:Policy": ("policy", "managed policy", "name"),
    "aws:kms/key:Key": ("policy", "key policy", ""),
    "aws:s3/bucketPolicy:BucketPolicy": ("policy", "bucket policy", "bucket"),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ("policy", "repository policy", "repository"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("policy", "endpoint policy", "serviceName"),
}
"""Property with the document, what kind it is, property that names whose it is."""

_VALUES = {
    "aws:iam/role:Role": (("permissionsBoundary", "boundary", "name"), ("managedPolicyArns", "attached", "name")),
    "aws:iam/user:User": (("name", "user", "name"), ("permissionsBoundary", "boundary", "name")),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (("policyArn", "attached", "role"),),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": (("policyArn", "attached", "user"),),
    "aws:iam/accessKey:AccessKey": (("user", "access key", "user"),),
}
"""The same for what is no document."""


def iam_changes(steps: Iterable[Step]) -> list[Statement]:
    """Of all steps that change something, in their order; what goes before what comes."""
    found: list[Statement] = []
    for step in steps:
        old = _entries(step, step.old)
        new = _entries(step, step.new)
        found += [_signed("-", entry) for key, entry in old.items() if key not in new]
        found += [_signed("+", entry) for key, entry in new.items() if key not in old]
    return found


def _signed(sign: Literal["+", "-"], entry: Mapping[str, Any]) -> Statement:
    return Statement(sign=sign, **entry)


def _entries(step: Step, inputs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By their own text: equal statements are the same one, whatever their `Sid` and order."""
    entries = [*_statements(step, inputs), *_plain_values(step, inputs)]
    return {json.dumps(entry, sort_keys=True): entry for entry in entries}


def _statements(step: Step, inputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    prop, kind, owned_by = DOCUMENTS.get(step.type, ("", "", ""))
    text = inputs.get(prop)
    if not text:
        return
    about = {"whose": owner(step.name, inputs, owned_by), "kind": kind}
    if UNKNOWN in json.dumps(text):
        yield {**about, "effect": "known after apply"}
        return
    document = json.loads(text) if isinstance(text, str) else text
    for statement in _list(document.get("Statement")):
        yield {
            **about,
            "effect": statement.get("Effect", ""),
            "principals": _principals(statement),
            "actions": _either(statement, "Action"),
            "resources": _either(statement, "Resource"),
            "conditions": _conditions(statement.get("Condition") or {}),
        }


def _plain_values(step: Step, inputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for prop, kind, owned_by in _VALUES.get(step.type, ()):
        for value in _list(inputs.get(prop)):
            shown = "known after apply" if value == UNKNOWN else str(value)
            yield {"whose": owner(step.name, inputs, owned_by), "kind": kind, "resources": (shown,)}


def owner(name: str, inputs: Mapping[str, Any], prop: str) -> str:
    """Whose a document is; the resource's own `name` where that is not said, or not known yet."""
    named = str(inputs.get(prop) or name)
    return name if UNKNOWN in named else named


def _principals(statement: Mapping[str, Any]) -> tuple[str, ...]:
    for element, prefix in (("Principal", ""), ("NotPrincipal", "not ")):
        if element in statement:
            named = statement[element]
            values = [named] if isinstance(named, str) else [each for many in named.values() for each in _list(many)]
            return tuple(sorted(f"{prefix}{value}" for value in values))
    return ()


def _either(statement: Mapping[str, Any], element: str) -> tuple[str, ...]:
    if f"Not{element}" in statement:
        return tuple(sorted(f"not {value}" for value in _list(statement[f"Not{element}"])))
    return tuple(sorted(str(value) for value in _list(statement.get(element))))


def _conditions(conditions: Mapping[str, Mapping[str, Any]]) -> str:
    said = [
        f"{operator} {key} {', '.join(sorted(map(str, _list(values))))}"
        for operator, keys in sorted(conditions.items())
        for key, values in sorted(keys.items())
    ]
    return "; ".join(said)


def _list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
