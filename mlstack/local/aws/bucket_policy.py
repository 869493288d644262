"""Decides whether a policy allows, denies or does not mention a request.

Documents in, a request in, a decision out: nothing of moto and no state. Written after
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: an explicit deny wins over
any allow, and what nothing allows is only implicitly denied. Serves bucket policies and the trust policies of roles.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from mlstack.local.aws.conditions import Condition, Context, PolicyError, matches

_ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}


class Decision(Enum):
    DENY = "explicit deny"
    ALLOW = "allow"
    SILENT = "not mentioned"
    """Implicitly denied as far as this policy goes; another may still allow it."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks. Nobody in particular (anonymous) when left empty."""

    account: str | None = None
    arns: tuple[str, ...] = ()
    """All names it goes by: the session of an assumed role is also the role."""
    service: str | None = None
    """`sagemaker.amazonaws.com`, when an AWS service asks on its own behalf."""


@dataclass(frozen=True, kw_only=True)
class Request:
    action: str
    """`s3:GetObject`"""
    resource: str
    caller: Caller = field(default_factory=Caller)
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    decision: Decision
    sid: str | None = None
    """Of the statement that decided."""


@dataclass(frozen=True, kw_only=True)
class _Statement:
    sid: str | None
    denies: bool
    principals: Mapping[str, tuple[str, ...]] | None
    not_principal: bool
    actions: tuple[str, ...]
    not_action: bool
    resources: tuple[str, ...] | None
    not_resource: bool
    conditions: tuple[Condition, ...]

    def applies(self, request: Request, context: Context) -> bool:
        if self.principals is not None and _names(self.principals, request.caller) == self.not_principal:
            return False
        if any(matches(request.action, each, ignore_case=True) for each in self.actions) == self.not_action:
            return False
        if (
            self.resources is not None
            and any(matches(request.resource, r) for r in self.resources) == self.not_resource
        ):
            return False
        return all(condition.holds(context) for condition in self.conditions)


@dataclass(frozen=True)
class Policy:
    """A policy document that was read and understood as a whole."""

    _statements: tuple[_Statement, ...]

    @classmethod
    def parse(cls, document: str | bytes) -> "Policy":
        """Raises PolicyError when any of it is unknown: a policy that is half understood decides nothing."""
        return _parse(document.decode() if isinstance(document, bytes) else document)

    def decide(self, request: Request) -> Verdict:
        context = {key.lower(): value for key, value in request.context.items()}
        allowed: Verdict | None = None
        for statement in self._statements:
            if statement.applies(request, context):
                if statement.denies:
                    return Verdict(decision=Decision.DENY, sid=statement.sid)
                allowed = allowed or Verdict(decision=Decision.ALLOW, sid=statement.sid)
        return allowed or Verdict(decision=Decision.SILENT)


@lru_cache(maxsize=256)
def _parse(text: str) -> Policy:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise PolicyError(f"the policy is not JSON: {error}") from None
    statements = document.get("Statement") if isinstance(document, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise PolicyError("the policy has no Statement")
    if unknown := document.keys() - {"Version", "Id", "Statement"}:
        raise PolicyError(f"the policy has unknown elements: {', '.join(sorted(unknown))}")
    return Policy(tuple(_statement(each) for each in statements))


def _statement(given: object) -> _Statement:
    if not isinstance(given, dict):
        raise PolicyError("a statement of the policy is not an object")
    sid = given.get("Sid")
    where = f"statement {sid}" if sid else "a statement"
    if unknown := given.keys() - _ELEMENTS:
        raise PolicyError(f"{where} has unknown elements: {', '.join(sorted(unknown))}")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"{where} has Effect {given.get('Effect')!r}: Allow or Deny")
    for positive in ("Principal", "Action", "Resource"):
        if positive in given and f"Not{positive}" in given:
            raise PolicyError(f"{where} has both {positive} and Not{positive}")
    actions = given.get("Action", given.get("NotAction"))
    if not actions:
        raise PolicyError(f"{where} has no Action")
    resources = given.get("Resource", given.get("NotResource"))
    if variable := next((r for r in _texts(resources or (), where) if "${" in r), None):
        raise PolicyError(f"{where}: policy variables ({variable}) are not understood here")
    return _Statement(
        sid=sid,
        denies=given["Effect"] == "Deny",
        principals=_principals(given.get("Principal", given.get("NotPrincipal")), where),
        not_principal="NotPrincipal" in given,
        actions=_texts(actions, where),
        not_action="NotAction" in given,
        resources=None if resources is None else _texts(resources, where),
        not_resource="NotResource" in given,
        conditions=tuple(_conditions(given.get("Condition", {}), where)),
    )


def _principals(given: object, where: str) -> Mapping[str, tuple[str, ...]] | None:
    if given is None:
        return None
    if given == "*":
        return {"*": ("*",)}
    if not isinstance(given, dict) or not given:
        raise PolicyError(f'{where} has Principal {given!r}: "*" or an object')
    if unknown := given.keys() - {"AWS", "Service"}:
        raise PolicyError(f"{where} has a principal of a kind not understood here: {', '.join(sorted(unknown))}")
    return {kind: _texts(values, where) for kind, values in given.items()}


def _conditions(given: object, where: str) -> Iterable[Condition]:
    if not isinstance(given, dict):
        raise PolicyError(f"{where} has a Condition that is not an object")
    for operator, keys in given.items():
        if not isinstance(keys, dict):
            raise PolicyError(f"{where}: condition {operator} is not an object")
        for key, values in keys.items():
            yield Condition.parse(operator, key, _texts(values, where))


def _texts(given: object, where: str) -> tuple[str, ...]:
    values = given if isinstance(given, list | tuple) else (given,)
    found = []
    for value in values:
        if isinstance(value, bool):
            found.append("true" if value else "false")
        elif isinstance(value, str | int | float):
            found.append(str(value))
        else:
            raise PolicyError(f"{where} has {value!r} where text is expected")
    return tuple(found)


def _names(principals: Mapping[str, tuple[str, ...]], caller: Caller) -> bool:
    """Whether the caller is among the principals. No wildcard inside an ARN: AWS knows none there."""
    if "*" in principals:
        return True
    if caller.service is not None:
        return caller.service in principals.get("Service", ())
    for named in principals.get("AWS", ()):
        if named == "*" or named in caller.arns:
            return True
        if caller.account is not None and (named == caller.account or _is_root_of(named, caller.account)):
            return True
    return False


def _is_root_of(arn: str, account: str) -> bool:
    parts = arn.split(":")
    return len(parts) == 6 and parts[2] == "iam" and parts[4] == account and parts[5] == "root"
