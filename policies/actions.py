"""Actions that AWS does not have: nothing refuses them, they just never allow what they were written for.

The catalogue is a file of this repository (tools/actions.py writes it), so that the rule works without a network, costs
milliseconds and needs no development tool.
"""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from pulumi_policy import Severity

from mlstack.iam.conditions import matches
from policies.documents import ALL, statements
from policies.rule import Case, NotCheckedError, rule

FILE = Path(__file__).with_name("actions.json")


@cache
def catalogue() -> Mapping[str, frozenset[str]]:
    """Actions by service prefix, in lower case as IAM compares them."""
    read = json.loads(FILE.read_text(encoding="utf-8"))
    return {service: frozenset(actions) for service, actions in read.items()}


@rule(
    name="iam-no-such-action",
    refuses="An action that AWS does not have allows or denies nothing, whatever was meant",
    severity=Severity.MEDIUM,
    remedy="Take the name from the service's page of the Service Authorization Reference",
    url="https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
    types=tuple(ALL),
)
def no_such_action(case: Case) -> Iterator[str]:
    strange: set[str] = set()
    for statement in statements(case, ALL):
        for action in statement.actions:
            service, _, name = action.lower().partition(":")
            if service in catalogue() and name:
                if not _exists(catalogue()[service], name):
                    yield f"{statement.label} has {action}{_hint(service, name)}"
            elif action != "*" and not name:
                yield f"{statement.label} has {action}, which is not of the form service:Action"
            elif action != "*" and service != "*":
                strange.add(service)
    if strange:
        raise NotCheckedError(f"the actions of {', '.join(sorted(strange))} are not known to the catalogue")


def _exists(known: frozenset[str], name: str) -> bool:
    if "*" in name or "?" in name:
        return any(matches(each, name) for each in known)
    return name in known


def _hint(service: str, name: str) -> str:
    close = get_close_matches(name, catalogue()[service], n=1)
    return f" (is {service}:{close[0]} meant?)" if close else ""


RULES = (no_such_action,)
