"""What a rule is: a check, and everything that somebody who runs into it needs.

A check is a generator of findings about one resource. Around each stands the same wall: what it raises, and what it
cannot see yet, becomes an advisory line and never the end of a preview.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    PolicyResource,
    PolicyResourceOptions,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

FOUNDATIONAL = PolicyComplianceFramework(name="AWS Foundational Security Best Practices", version="1.0.0")
SECURITY_HUB = PolicyComplianceFramework(name="AWS Security Hub, beyond the foundational standard")
OWN = PolicyComplianceFramework(name="MLStack")


class NotCheckedError(UnknownValueError):
    """The check could not come to a verdict. pulumi_policy makes an advisory of it, whatever the rule's level is."""

    def __init__(self, why: str) -> None:
        Exception.__init__(self, why)
        self.message = why


class Declared(Protocol):
    """What the two kinds of policy are shown of a resource, as far as it is the same."""

    @property
    def resource_type(self) -> str: ...
    @property
    def props(self) -> Mapping[str, Any]: ...
    @property
    def urn(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def opts(self) -> PolicyResourceOptions: ...


@dataclass(frozen=True, kw_only=True)
class Case:
    """One resource before one rule."""

    resource: Declared
    stack: Sequence[PolicyResource] = ()
    """All resources, for a rule that looks at the whole stack."""
    config: Mapping[str, Any] = field(default_factory=dict)

    def value(self, *path: str) -> Any:
        """What the resource has there, None when nothing. Raises UnknownValueError when that is not known yet."""
        found: Any = self.resource.props
        for key in path:
            if not isinstance(found, Mapping):
                return None
            found = found.get(key)
        return found

    def computed_from(self, key: str, type_: str) -> bool:
        """Whether the program computed the property `key` from a resource of `type_`, whatever its value is."""
        origins = getattr(self.resource, "property_dependencies", {}).get(key, [])
        return any(origin.resource_type == type_ for origin in origins)

    def attached(self, type_: str, key: str, *, by: str) -> list[PolicyResource]:
        """Resources of `type_` whose property `key` means this resource, which goes by its property `by`.

        By value where both are known, else by what the program computed the property from.
        """
        ours = _known(self.resource, by)
        found, vague = [], []
        for other in self.stack:
            if other.resource_type != type_:
                continue
            theirs = _known(other, key)
            origins = other.property_dependencies.get(key, [])
            if theirs is not None and ours is not None:
                if theirs == ours:
                    found.append(other)
            elif any(origin.urn == self.resource.urn for origin in origins):
                found.append(other)
            elif theirs is None and not any(each.resource_type == self.resource.resource_type for each in origins):
                vague.append(other)
        if vague and not found:
            raise NotCheckedError(f"{key} of {vague[0].name} is not known before the deployment, so it may be its own")
        return found


Check = Callable[[Case], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    name: str
    refuses: str
    """What it does not let pass, and why: the first line of every finding."""
    severity: Severity
    remedy: str
    url: str
    types: tuple[str, ...]
    """Resource types that it looks at; none means all."""
    check: Check
    whole_stack: bool
    """Sees the other resources as well, but not before all are declared: in an update without preview, too late."""
    control: str | None
    """Of AWS Security Hub, such as `S3.5`."""
    foundational: bool
    """Whether the control belongs to AWS's foundational standard."""
    options: Mapping[str, Mapping[str, Any]]
    """JSON schema of what its configuration may hold beside the level."""

    @property
    def title(self) -> str:
        return f"[{self.control}] {self.refuses}" if self.control else self.refuses

    @property
    def framework(self) -> PolicyComplianceFramework:
        if self.control is None:
            return OWN
        named = FOUNDATIONAL if self.foundational else SECURITY_HUB
        return PolicyComplianceFramework(name=named.name, version=named.version, reference=self.control)

    def looks_at(self, type_: str) -> bool:
        return not self.types or type_ in self.types

    def policy(self) -> Policy:
        """Advisory until a configuration says otherwise."""
        about: dict[str, Any] = {
            "name": self.name,
            "description": self.title,
            "enforcement_level": EnforcementLevel.ADVISORY,
            "config_schema": PolicyConfigSchema({key: dict(schema) for key, schema in self.options.items()})
            if self.options
            else None,
            "severity": self.severity,
            "framework": self.framework,
            "remediation_steps": self.remedy,
            "url": self.url,
        }
        if self.whole_stack:
            return StackValidationPolicy(validate=self._over_stack, **about)
        return ResourceValidationPolicy(validate=self._over_resource, **about)

    def examine(self, case: Case) -> tuple[list[str], str | None]:
        """Findings, and why there may be more that the check did not come to."""
        found: list[str] = []
        try:
            for message in self.check(case):
                found.append(message)  # not at once: what was found before an exception counts
        except NotCheckedError as obstacle:
            return found, f"{case.resource.name} could not be checked: {obstacle.message}"
        except UnknownValueError as unknown:
            what = ".".join(unknown.props)
            return found, (
                f"{case.resource.name} could not be checked before the deployment, because {what} is not known yet"
            )
        except Exception as error:  # pulumi_policy would end the whole preview
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}:{last.lineno}"
            return found, (
                f"{case.resource.name} was not checked: rule {self.name} itself failed with "
                f"{type(error).__name__}: {error} ({where})"
            )
        return found, None

    def _over_resource(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        if not self.looks_at(args.resource_type):
            return
        found, obstacle = self.examine(Case(resource=args, config=args.get_config()))
        for message in found:
            report(f"{args.name}: {message}. {self.remedy}", None)
        if obstacle:
            raise NotCheckedError(obstacle)

    def _over_stack(self, args: StackValidationArgs, report: ReportViolation) -> None:
        obstacles = []
        for resource in args.resources:
            if not self.looks_at(resource.resource_type):
                continue
            case = Case(resource=resource, stack=args.resources, config=args.get_config())
            found, obstacle = self.examine(case)
            for message in found:
                report(f"{resource.name}: {message}. {self.remedy}", resource.urn)
            obstacles += [obstacle] if obstacle else []
        # One resource that cannot be seen hides nothing of the others.
        if obstacles:
            raise NotCheckedError("; ".join(obstacles))


def rule(
    *,
    name: str,
    refuses: str,
    severity: Severity,
    remedy: str,
    url: str,
    types: tuple[str, ...] = (),
    whole_stack: bool = False,
    control: str | None = None,
    foundational: bool = True,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Callable[[Check], Rule]:
    """Make a rule of the check below it."""

    def make(check: Check) -> Rule:
        return Rule(
            name=name,
            refuses=refuses,
            severity=severity,
            remedy=remedy,
            url=url,
            types=types,
            check=check,
            whole_stack=whole_stack,
            control=control,
            foundational=foundational,
            options=options or {},
        )

    return make


def _known(resource: Declared, key: str) -> Any:
    try:
        return resource.props.get(key)
    except UnknownValueError:
        return None
