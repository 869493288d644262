"""Policy documents as rules read them: what a statement grants, to whom and under which limits.

`mlstack.iam` refuses what it does not understand, rightly, because it decides. A rule must not lose sight of a wide
grant because of a policy variable beside it, so this reads what is there and leaves the rest alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.iam.conditions import matches
from policies.rule import Case, Declared, NotCheckedError

IDENTITY = {
    "aws:iam/groupPolicy:GroupPolicy": "policy",
    "aws:iam/policy:Policy": "policy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/userPolicy:UserPolicy": "policy",
}
"""Types whose document says what somebody may do, and the property that holds it."""

TRUST = {"aws:iam/role:Role": "assumeRolePolicy"}

RESOURCE = {
    "aws:ec2/vpcEndpoint:VpcEndpoint": "policy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
    "aws:kms/key:Key": "policy",
    "aws:kms/keyPolicy:KeyPolicy": "policy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
}
"""Types whose document says who may use them."""

ALL = {**IDENTITY, **TRUST, **RESOURCE}

_POSITIVE = {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"}


@dataclass(frozen=True, kw_only=True)
class Statement:
    label: str
    """`statement Sid`, or its place in the document."""
    allows: bool
    actions: tuple[str, ...]
    all_but: bool
    """`NotAction`: the actions are those that are left out."""
    resources: tuple[str, ...]
    principals: Mapping[str, tuple[str, ...]]
    limits: Mapping[str, tuple[str, ...]]
    """Condition keys, in lower case, that must have one of these values."""

    def grants(self, action: str) -> bool:
        named = any(matches(action, pattern, ignore_case=True) for pattern in self.actions)
        return self.allows and named != self.all_but

    def limited_by(self, *keys: str) -> bool:
        """Whether a condition narrows one of `keys` to something less than everything."""
        return any(values and "*" not in values for key in keys if (values := self.limits.get(key.lower(), ())))

    @property
    def for_everybody(self) -> bool:
        return "*" in self.principals or "*" in self.principals.get("AWS", ())


def document(resource: Declared, key: str) -> str | None:
    """The text of a policy document; None when there is none. Raises UnknownValueError when it is not known yet."""
    given = resource.props.get(key)
    if given is None or isinstance(given, str):
        return given
    return json.dumps(_plain(given))


def statements(case: Case, where: Mapping[str, str]) -> Iterator[Statement]:
    """All statements of the resource's document, as far as its type is one of `where`."""
    key = where.get(case.resource.resource_type)
    if key is not None and (text := document(case.resource, key)):
        yield from parse(text, f"{case.resource.name}.{key}")
    if where is IDENTITY or where is ALL:
        # The deprecated way of writing role policies.
        for inline in case.value("inlinePolicies") or () if case.resource.resource_type in TRUST else ():
            yield from parse(inline.get("policy") or '{"Statement": []}', f"{case.resource.name}.inlinePolicies")


def parse(text: str, where: str) -> Iterator[Statement]:
    try:
        read = json.loads(text)
    except ValueError:
        raise NotCheckedError(f"{where} is not JSON") from None
    given = read.get("Statement", ()) if isinstance(read, dict) else ()
    for place, each in enumerate(_listed(given), start=1):
        if not isinstance(each, dict):
            raise NotCheckedError(f"statement {place} of {where} is not an object")
        yield Statement(
            label=f"statement {each.get('Sid') or place}",
            allows=each.get("Effect") == "Allow",
            actions=_texts(each.get("Action", each.get("NotAction"))),
            all_but="NotAction" in each,
            resources=_texts(each.get("Resource", "*" if "NotResource" in each else None)),
            principals=_principals(each),
            limits=_limits(each.get("Condition") or {}),
        )


def _principals(statement: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    # Everybody but somebody is everybody, for what the rules ask.
    given = "*" if "NotPrincipal" in statement else statement.get("Principal", {})
    if isinstance(given, str):
        return {given: (given,)}
    return {kind: _texts(names) for kind, names in given.items()}


def _limits(conditions: Mapping[str, Mapping[str, Any]]) -> Mapping[str, tuple[str, ...]]:
    found = {}
    for operator, keys in conditions.items():
        if operator.removeprefix("ForAnyValue:") in _POSITIVE:
            found.update({key.lower(): _texts(values) for key, values in keys.items()})
    return found


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in _listed(given))


def _listed(given: Any) -> Sequence[Any]:
    if given is None:
        return ()
    return given if isinstance(given, list) else [given]


def _plain(given: Any) -> Any:
    if isinstance(given, Mapping):
        return {key: _plain(value) for key, value in given.items()}
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [_plain(value) for value in given]
    return given
