"""Is all that document A allows allowed by document B as well?

Three answers. CONTAINED is a proof over the documents' text: each grant of A is covered by one of B's, and nothing that
B denies is open in A. NOT_CONTAINED comes with a request that A allows and B does not. Where neither is found the
answer is UNDETERMINED, and whoever asks has to look.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import product

from mlstack.iam.conditions import Condition, Context, negated, pattern_covers
from mlstack.iam.policy import Caller, Decision, Policy, Request, Statement

_ANY = ("*",)


class Containment(Enum):
    CONTAINED = "contained"
    NOT_CONTAINED = "not contained"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, kw_only=True)
class Compared:
    verdict: Containment
    witness: Request | None = None
    """With NOT_CONTAINED: what A allows and B does not."""
    unproven: str = ""
    """With UNDETERMINED: the first grant of A that could not be judged."""


def contained(narrow: Policy, wide: Policy) -> Compared:
    """Whether everything that `narrow` allows is allowed by `wide`."""
    witness = next((each for each in _samples(narrow, wide) if _only(each, narrow, wide)), None)
    if witness:
        return Compared(verdict=Containment.NOT_CONTAINED, witness=witness)
    grants = [each for each in narrow.statements if not each.denies]
    for grant in grants:
        if not _covered(grant, [each for each in wide.statements if not each.denies]):
            return Compared(verdict=Containment.UNDETERMINED, unproven=grant.sid or "a statement without Sid")
    for deny in wide.statements:
        if not deny.denies or not any(_touch(grant, deny) for grant in grants):
            continue
        if not _covered(deny, [each for each in narrow.statements if each.denies]):
            return Compared(verdict=Containment.UNDETERMINED, unproven=deny.sid or "a statement without Sid")
    return Compared(verdict=Containment.CONTAINED)


def _only(request: Request, narrow: Policy, wide: Policy) -> bool:
    return narrow.decide(request).decision is Decision.ALLOW and wide.decide(request).decision is not Decision.ALLOW


def _covered(one: Statement, others: Iterable[Statement]) -> bool:
    """Whether every pair of action and resource of `one` is within one of `others`."""
    others = list(others)
    if any(_same_scope(one, other) and _no_stricter(other, one) for other in others):
        return True
    if one.not_action or one.not_resource or one.not_principal:
        return False
    return all(
        any(_covers(other, one, action, resource) for other in others)
        for action, resource in product(one.actions, one.resources or _ANY)
    )


def _same_scope(one: Statement, other: Statement) -> bool:
    def scope(of: Statement) -> tuple[object, ...]:
        principals = {kind: set(names) for kind, names in (of.principals or {}).items()}
        actions = {action.lower() for action in of.actions}
        return (principals, of.not_principal, actions, of.not_action, set(of.resources or ()), of.not_resource)

    return scope(one) == scope(other)


def _covers(wide: Statement, narrow: Statement, action: str, resource: str) -> bool:
    if wide.not_action or wide.not_resource or wide.not_principal:
        return False
    return (
        any(pattern_covers(each, action, ignore_case=True) for each in wide.actions)
        and (wide.resources is None or any(pattern_covers(each, resource) for each in wide.resources))
        and _principals_within(narrow, wide)
        and _no_stricter(wide, narrow)
    )


def _principals_within(narrow: Statement, wide: Statement) -> bool:
    if wide.principals is None or narrow.principals is None:
        return wide.principals is narrow.principals
    if "*" in wide.principals:
        return True
    return all(
        name in wide.principals.get(kind, ()) or (kind == "AWS" and "*" in wide.principals.get(kind, ()))
        for kind, names in narrow.principals.items()
        for name in names
    )


def _no_stricter(wide: Statement, narrow: Statement) -> bool:
    """Whether each condition of `wide` follows from one of `narrow`."""
    return all(any(given.implies(asked) for given in narrow.conditions) for asked in wide.conditions)


def _touch(one: Statement, other: Statement) -> bool:
    """Whether the two can speak of the same request. True when in doubt."""
    if one.not_action or other.not_action or one.not_resource or other.not_resource:
        return True
    return _overlap(one.actions, other.actions, ignore_case=True) and _overlap(
        one.resources or _ANY, other.resources or _ANY
    )


def _overlap(some: Iterable[str], others: Iterable[str], *, ignore_case: bool = False) -> bool:
    """Whether a text may match one of each. Two patterns count as overlapping."""
    return any(
        (_is_pattern(a) and _is_pattern(b))
        or pattern_covers(a, b, ignore_case=ignore_case)
        or pattern_covers(b, a, ignore_case=ignore_case)
        for a, b in product(some, others)
    )


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _samples(narrow: Policy, wide: Policy) -> Iterator[Request]:
    """Requests at the corners of what `narrow` grants: its own patterns filled in, and those of `wide` beside them."""
    fillings = ("", "x", "mlstack-sample/1")
    near = {text for each in wide.statements for text in each.resources or ()}
    for grant in narrow.statements:
        if grant.denies or grant.not_action:
            continue
        resources = list(_ANY if grant.resources is None or grant.not_resource else grant.resources)
        concrete = {_fill(text, filling) for text in [*resources, *near] for filling in fillings}
        for action, resource, caller, context in product(
            sorted({_fill(action, "Sample") for action in grant.actions}),
            sorted(concrete),
            _callers(grant),
            _contexts(grant.conditions, wide),
        ):
            yield Request(action=action, resource=resource, caller=caller, context=context)


def _callers(grant: Statement) -> tuple[Caller, ...]:
    if grant.principals is None:
        return (Caller(),)
    found = [Caller(service=name) for name in grant.principals.get("Service", ())]
    for name in grant.principals.get("AWS", grant.principals.get("*", ())):
        account = name if name.isdigit() else (name.split(":") + [""] * 5)[4] or "000000000000"
        found.append(Caller(account=account, arns=(name if ":" in name else f"arn:aws:iam::{account}:user/sample",)))
    return tuple(found) or (Caller(),)


def _contexts(conditions: tuple[Condition, ...], wide: Policy) -> Iterator[Context]:
    """What satisfies the grant's own conditions, bare and with the keys that the other document asks for left out."""
    chosen: dict[str, str | tuple[str, ...]] = {}
    for condition in conditions:
        if condition.operator == "Null":
            if condition.values == ("false",):
                chosen.setdefault(condition.key, "sample")
        elif not negated(condition.operator):
            value = _fill(condition.values[0], "sample")
            chosen[condition.key] = (value,) if condition.quantifier else value
    yield chosen
    for condition in conditions:
        for value in condition.values[1:]:
            filled = _fill(value, "sample")
            yield {**chosen, condition.key: (filled,) if condition.quantifier else filled}
    for statement in wide.statements:
        for condition in statement.conditions:
            if condition.key not in chosen and condition.operator != "Null" and condition.values:
                value = _fill(condition.values[0], "sample")
                yield {**chosen, condition.key: (value,) if condition.quantifier else value}


def _fill(pattern: str, filling: str) -> str:
    return pattern.replace("*", filling).replace("?", "x")
