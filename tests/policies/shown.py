"""Shows declared resources to a rule as pulumi_policy does, without an engine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy

from policies.pack import RULES
from policies.rule import Rule
from tests.recording import Recording

UNKNOWN = UNKNOWN_STRING_VALUE
"""A text that is not known before the deployment."""

BY_NAME = {rule.name: rule for rule in RULES}


@dataclass(frozen=True)
class Given:
    """A resource as a program declares it."""

    type: str
    props: Mapping[str, Any]
    name: str = "it"
    protect: bool = False
    computed_from: Mapping[str, str] = field(default_factory=dict)
    """Property to the name of the resource that it is computed from."""

    @property
    def urn(self) -> str:
        return f"urn:pulumi:dev::mlstack::{self.type}::{self.name}"


@dataclass(frozen=True)
class Verdict:
    found: tuple[str, ...]
    not_checked: str | None


def judge(rule: Rule, stack: Sequence[Given], config: Mapping[str, Any] | None = None) -> Verdict:
    """What the rule says of the stack."""
    policy = rule.policy()
    found: list[str] = []
    obstacles: list[str] = []

    def report(message: str, urn: str | None = None) -> None:
        found.append(message)

    if isinstance(policy, StackValidationPolicy):
        _run(lambda: policy.validate(StackValidationArgs(_resources(stack), dict(config or {}), {}), report), obstacles)
    else:
        assert isinstance(policy, ResourceValidationPolicy)
        for each in stack:
            args = ResourceValidationArgs(
                each.type, _props(each), each.urn, each.name, _options(each), None, dict(config or {}), {}
            )
            _run(lambda args=args: policy.validate(args, report), obstacles)
    return Verdict(tuple(found), "; ".join(obstacles) or None)


def declared(recording: Recording) -> list[Given]:
    """What a program registered. Identifiers are those that the recording makes up."""
    found = []
    for each in recording.resources:
        outputs = each.outputs[0] if each.outputs else {}
        props = {**each.inputs, "id": f"{each.name}-id"} if each.custom else outputs
        found.append(Given(each.type, props, name=each.name, protect=each.protect))
    return found


def _run(validate: Any, obstacles: list[str]) -> None:
    try:
        validate()
    except UnknownValueError as obstacle:
        obstacles.append(obstacle.message)


def _resources(stack: Iterable[Given]) -> list[PolicyResource]:
    made = {
        each.name: PolicyResource(each.type, _props(each), each.urn, each.name, _options(each), None, None, [], {})
        for each in stack
    }
    for each in stack:
        made[each.name].property_dependencies.update(
            {key: [made[origin]] for key, origin in each.computed_from.items()}
        )
    return list(made.values())


def _props(given: Given) -> dict[str, Any]:
    return unknown_checking_proxy(dict(given.props))


def _options(given: Given) -> PolicyResourceOptions:
    return PolicyResourceOptions(given.protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
