"""Which of the statements that a stack needs are missing in policies that somebody else wrote."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from mlstack.existing.asked import StatementJson
from mlstack.iam.conditions import Context, PolicyError, negated
from mlstack.iam.containment import Containment, contained
from mlstack.iam.evaluate import Answer, Identity, Resource, evaluate, evaluate_service
from mlstack.iam.policy import Caller, Policy, Request, Statement

_MAY_ALL = Policy.parse('{"Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]}')
_FILLING = "mlstack"


def document(statements: Iterable[StatementJson]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [dict(each) for each in statements]}


def with_added(existing: Mapping[str, Any] | None, adds: Iterable[StatementJson]) -> dict[str, Any]:
    """The whole document after the change: AWS replaces documents, it never adds to one."""
    if existing is None:
        return document(adds)
    before = existing.get("Statement", [])
    before = before if isinstance(before, list) else [before]
    taken = {each.get("Sid") for each in before}
    new = [{**each, "Sid": f"{each['Sid']}ForZenML"} if each.get("Sid") in taken else dict(each) for each in adds]
    return {**existing, "Statement": [*before, *new]}


def missing(needed: Iterable[StatementJson], given: Iterable[Mapping[str, Any]]) -> list[StatementJson]:
    """Statements of `needed` that the policies of a role do not grant, or of which it cannot be shown that they do.

    A policy that is not understood grants nothing here: whoever asks has to look.
    """
    wide = Policy(tuple(statement for each in given for statement in _understood(each)))
    return [each for each in needed if contained(_policy(each), wide).verdict is not Containment.CONTAINED]


def not_let_in(
    needed: Iterable[StatementJson], given: Mapping[str, Any], resource: str, account: str
) -> list[StatementJson]:
    """Statements of `needed` of which the resource's own policy, `given`, lets not all through.

    The policy of a key or a role, which decides alone. Raises PolicyError when it is not understood.
    """
    policy = Policy.parse(json.dumps(given))
    on = Resource(account=account, policy=policy, decides_alone=True)
    return [each for each in needed if not all(_answer(ask, on).allowed for ask in _requests(each, resource, account))]


def not_let_in_by_service(
    needed: Iterable[StatementJson], given: Mapping[str, Any], resource: str, account: str
) -> list[StatementJson]:
    """The same where there may be no policy at all yet."""
    return not_let_in(needed, given, resource, account) if given else list(needed)


def denied(
    users: Mapping[str, Iterable[StatementJson]], given: Mapping[str, Any], resource: str, account: str
) -> list[tuple[str, str, str]]:
    """Role, action and reason where the policy of a bucket or repository refuses what a role needs on it.

    Raises PolicyError when it is not understood.
    """
    on = Resource(account=account, policy=Policy.parse(json.dumps(given)))
    found = []
    for role, statements in users.items():
        for statement in statements:
            for ask in _requests(statement, resource, account, caller=role):
                if ask.resource.startswith(resource) and not (answer := _answer(ask, on)).allowed:
                    found.append((role, ask.action, answer.why))
    return list(dict.fromkeys(found))


def _answer(request: Request, on: Resource) -> Answer:
    if request.caller.service:
        return evaluate_service(request, on)
    return evaluate(request, Identity(account=request.caller.account or on.account, policies=(_MAY_ALL,)), on)


def _policy(statement: StatementJson) -> Policy:
    return Policy.parse(json.dumps(document([statement])))


def _understood(given: Mapping[str, Any]) -> Iterator[Statement]:
    try:
        yield from Policy.parse(json.dumps(given)).statements
    except PolicyError:
        # One deny that was not read could take anything away again.
        yield from Policy.parse(json.dumps(document([_DENY_ALL]))).statements if _denies(given) else ()


_DENY_ALL = {"Sid": "NotUnderstood", "Effect": "Deny", "Action": "*", "Resource": "*"}


def _denies(given: Mapping[str, Any]) -> bool:
    statements = given.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    return any(isinstance(each, Mapping) and each.get("Effect") == "Deny" for each in statements)


def _requests(statement: StatementJson, resource: str, account: str, *, caller: str | None = None) -> Iterator[Request]:
    """Requests that make use of a statement: each action, by each of those whom it is for."""
    [typed] = _policy(statement).statements
    patterns = [resource if each == "*" else each for each in typed.resources or (resource,)]
    for context in _contexts(typed):
        asking = _caller(typed, context, account, caller)
        whole: Context = {
            "aws:SecureTransport": "true",
            "s3:TlsVersion": "1.3",
            **({"aws:PrincipalAccount": account, "kms:CallerAccount": account} if not asking.service else {}),
            **({"aws:PrincipalArn": asking.arns[0]} if asking.arns else {}),
            **context,
        }
        for action, pattern in product(typed.actions, patterns):
            where = pattern.replace("*", _FILLING)
            yield Request(action=action, resource=where, caller=asking, context=whole)


def _contexts(statement: Statement) -> Iterator[Context]:
    """What satisfies the conditions; once for each principal and session name that they list."""
    chosen: dict[str, str | tuple[str, ...]] = {}
    spread: dict[str, tuple[str, ...]] = {}
    for condition in statement.conditions:
        if condition.operator == "Null" or negated(condition.operator):
            continue
        values = tuple(value.replace("*", _FILLING) for value in condition.values)
        if condition.quantifier:
            chosen[condition.key] = values[:1]
        else:
            spread[condition.key] = values
    for picked in product(*spread.values()):
        yield {**chosen, **dict(zip(spread, picked, strict=True))}


def _caller(statement: Statement, context: Context, account: str, given: str | None) -> Caller:
    principals = statement.principals or {}
    if service := principals.get("Service"):
        return Caller(service=service[0])
    by_condition = context.get("aws:principalarn")
    named = given or (by_condition if isinstance(by_condition, str) else None) or principals.get("AWS", ("",))[0]
    of = named.split(":")[4] if named.startswith("arn:") else account
    return Caller(account=of, arns=(named or f"arn:aws:iam::{account}:root",))
