"""Decides whether one policy document allows, denies or does not mention a request.

A document in, a request in, a decision out, no state. Written after
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: an explicit deny wins over
any allow, and what nothing allows is only implicitly denied. How several documents work together is in `evaluate`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from mlstack.iam.conditions import Condition, Context, PolicyError, matches

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
    """All names it goes by, its own first: the session of an assumed role is also the role."""
    service: str | None = None
    """`sagemaker.amazonaws.com`, when an AWS service asks on its own behalf."""
    federated: str | None = None
    """ARN of the identity provider whose token is shown (sts:AssumeRoleWithWebIdentity)."""


@dataclass(frozen=True, kw_only=True)
class Request:
    action: str
    """`s3:GetObject`"""
    resource: str
    caller: Caller = field(default_factory=Caller)
    context: Context = field(default_factory=dict)


class Through(Enum):
    """By which name a resource-based policy means the caller. The nearest one counts."""

    NOBODY = 0
    ACCOUNT = 1
    """The caller's account as a whole: hands the decision on to the identity policies of that account."""
    EVERYBODY = 2
    ROLE = 3
    """The role of the caller's session."""
    ITSELF = 4
    """The very user, session or service that asks."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    decision: Decision
    sid: str | None = None
    """Of the statement that decided."""
    through: Through = Through.NOBODY
    """Of an allow in a policy with principals: by which name it means the caller."""


@dataclass(frozen=True, kw_only=True)
class Statement:
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
        """Whether it speaks of this request. `context` has lower-case keys."""
        if self.principals is not None and (self.named(request.caller) is Through.NOBODY) != self.not_principal:
            return False
        if any(matches(request.action, each, ignore_case=True) for each in self.actions) == self.not_action:
            return False
        if (
            self.resources is not None
            and any(matches(request.resource, r) for r in self.resources) == self.not_resource
        ):
            return False
        return all(condition.holds(context) for condition in self.conditions)

    def named(self, caller: Caller) -> Through:
        """By which name the principals mean the caller. No wildcard inside an ARN: AWS knows none there."""
        if self.principals is None:
            return Through.NOBODY
        if caller.service is not None and caller.service in self.principals.get("Service", ()):
            return Through.ITSELF
        if caller.federated is not None and caller.federated in self.principals.get("Federated", ()):
            return Through.ITSELF
        named = self.principals.get("AWS", ())
        for position, arn in enumerate(caller.arns):
            if arn in named:
                return Through.ITSELF if position == 0 else Through.ROLE
        if "*" in self.principals or ("*" in named and caller.service is None):
            return Through.EVERYBODY
        if caller.service is None and any(_is_account(each, caller.account) for each in named):
            return Through.ACCOUNT
        return Through.NOBODY


@dataclass(frozen=True)
class Policy:
    """A policy document that was read and understood as a whole."""

    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: str | bytes) -> "Policy":
        """Raises PolicyError when any of it is unknown: a policy that is half understood decides nothing."""
        return _parse(document.decode() if isinstance(document, bytes) else document)

    def decide(self, request: Request) -> Verdict:
        context = {key.lower(): value for key, value in request.context.items()}
        best = Verdict(decision=Decision.SILENT)
        for statement in self.statements:
            if not statement.applies(request, context):
                continue
            if statement.denies:
                return Verdict(decision=Decision.DENY, sid=statement.sid)
            through = statement.named(request.caller)
            if best.decision is Decision.SILENT or through.value > best.through.value:
                best = Verdict(decision=Decision.ALLOW, sid=statement.sid, through=through)
        return best


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


def _statement(given: object) -> Statement:
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
    return Statement(
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
    if unknown := given.keys() - {"AWS", "Federated", "Service"}:
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


def _is_account(named: str, account: str | None) -> bool:
    """`123456789012` or `arn:aws:iam::123456789012:root`, both the account as a whole."""
    parts = named.split(":")
    return account is not None and (
        named == account or (len(parts) == 6 and parts[2] == "iam" and parts[4] == account and parts[5] == "root")
    )
