"""Which objects of a stack that somebody else registered become ours, so that they keep their ids.

Runs and artifacts hang on the ids of the stack, its components and its connectors. By name alone they would not be
found: ZenML's own deployments name them otherwise, and give one connector to all components.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mlstack.registration.objects import Held, Wanted

GENERIC = "aws-generic"


def of_the_stack(desired: Iterable[Wanted], held: Iterable[Held]) -> dict[tuple[str, str], Held]:
    """The parts of the stack of our name that fit ours, by kind and slot. Nothing, when that stack is not there."""
    desired, free = list(desired), {each.id: each for each in held if each.owner is None}
    name = next((want.name for want in desired if want.kind == "stack"), None)
    stack = next((each for each in free.values() if each.kind == "stack" and each.name == name), None)
    if stack is None:
        return {}
    found = {("stack", "stack"): stack}
    for want in desired:
        if want.kind == "component":
            parts = [free[id_] for id_ in stack.links.get(want.slot, ()) if id_ in free]
            fitting = [each for each in parts if each.fixed["flavor"] == want.fixed["flavor"]]
            if fitting:
                found["component", want.slot] = fitting[0]
    for want in desired:
        if want.kind == "connector":
            for each in _connectors(want, desired, found, free):
                if each not in found.values() and stands_for(each.fixed, want.fixed):
                    found["connector", want.slot] = each
                    break
    return found


def _connectors(
    want: Wanted, desired: Iterable[Wanted], found: Mapping[tuple[str, str], Held], free: Mapping[str, Held]
) -> Iterable[Held]:
    """What the components work with that are to work with `want`."""
    for user in desired:
        if user.kind == "component" and user.content["connector"] == want.slot:
            part = found.get(("component", user.slot))
            yield from (free[id_] for id_ in (part.links.get("connector", ()) if part else ()) if id_ in free)


def stands_for(have: Mapping[str, Any], want: Mapping[str, Any]) -> bool:
    """Whether a connector can be the one that is wanted although ZenML cannot change it any more.

    One for all resource types hands out no more than an aws-generic one, which has no session policy either. A resource
    may be written in several ways: `bucket` or `s3://bucket`, the registry or a repository in it.
    """
    if "resource_type" not in have or "resource_type" not in want:
        return False
    if any(have[each] != want[each] for each in ("type", "auth_method")):
        return False
    types = have["resource_type"]
    if isinstance(types, list):
        return want["resource_type"] == GENERIC and GENERIC in types and have["resource_id"] is None
    return bool(types == want["resource_type"] and _resource(have) == _resource(want))


def _resource(fixed: Mapping[str, Any]) -> str | None:
    id_ = fixed["resource_id"]
    if id_ is None:
        return None
    plain = str(id_).partition("://")[2] or str(id_)
    return plain.partition("/")[0]
