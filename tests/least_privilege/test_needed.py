"""No policy grants what no call needs: neither an action, nor a resource, nor a statement."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mlstack.iam.policy import Policy, Statement
from tests.components.stacks import CASES
from tests.least_privilege.asking import Asked, Asking
from tests.least_privilege.calls import must_work
from tests.least_privilege.granted import Granted, granted


@pytest.mark.parametrize("case", CASES)
def test_every_grant_is_needed_by_a_recorded_or_documented_call(case: str) -> None:
    unneeded = list(_unneeded(granted(case)))
    assert not unneeded, "\n".join(["granted, and no call needs it:", *unneeded])


def test_a_grant_that_nothing_needs_is_named_with_its_role_statement_and_action() -> None:
    stack = granted("as it comes")
    statement = stack.roles["access"].statements[0]
    more = replace(statement, actions=(*statement.actions, "s3:PutBucketPolicy"))
    role = Policy((more, *stack.roles["access"].statements[1:]))
    assert list(_unneeded(replace(stack, roles={**stack.roles, "access": role}))) == [
        f"the access role, statement {statement.sid}: s3:PutBucketPolicy"
    ]


def _unneeded(stack: Granted) -> Iterator[str]:
    asking = Asking(stack)
    by_policy: dict[int, list[Asked]] = {}
    for call in must_work():
        if call.made_in(stack.parts):
            for asked in asking.rights(call):
                for policy in asked.policies():
                    by_policy.setdefault(id(policy), []).append(asked)
    for name, policy in stack.documents().items():
        for statement in policy.statements:
            if not statement.denies:
                where = f"{name}, statement {statement.sid}"
                yield from (f"{where}: {part}" for part in _parts_unneeded(statement, by_policy.get(id(policy), [])))


def _parts_unneeded(statement: Statement, asked: list[Asked]) -> Iterator[str]:
    """Each action and each resource for itself: one that only stands beside a needed one is not needed."""
    for action in statement.actions:
        if not _speaks_of_any(replace(statement, actions=(action,)), asked):
            yield action
    for resource in statement.resources or ():
        if not _speaks_of_any(replace(statement, resources=(resource,)), asked):
            yield f"on {resource}"


def _speaks_of_any(statement: Statement, asked: list[Asked]) -> bool:
    return any(
        statement.applies(each.request, {key.lower(): value for key, value in each.request.context.items()})
        for each in asked
    )
