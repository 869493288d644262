"""The `Condition` part of an IAM statement.

Written after https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
reference_policies_condition-single-vs-multi-valued-context-keys.html.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Context = Mapping[str, str | tuple[str, ...]]
"""Condition keys of a request, such as `aws:SecureTransport`. A key that the request does not have is left out."""


class PolicyError(ValueError):
    """A policy that AWS would refuse, or one that says what this evaluator does not understand."""


@dataclass(frozen=True)
class Condition:
    """One key of one operator, such as `Bool: {aws:SecureTransport: false}`."""

    operator: str
    key: str
    values: tuple[str, ...]
    if_exists: bool = False
    quantifier: Literal["ForAllValues", "ForAnyValue"] | None = None

    @classmethod
    def parse(cls, operator: str, key: str, values: tuple[str, ...]) -> "Condition":
        name, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
        quantifier: Literal["ForAllValues", "ForAnyValue"] | None = None
        if name.startswith("ForAllValues:"):
            quantifier, name = "ForAllValues", name.removeprefix("ForAllValues:")
        elif name.startswith("ForAnyValue:"):
            quantifier, name = "ForAnyValue", name.removeprefix("ForAnyValue:")
        if name == "Null":
            if if_exists or quantifier or any(value not in ("true", "false") for value in values):
                raise PolicyError(f"condition {operator} on {key}: Null takes true or false, and nothing around it")
        elif name not in _POSITIVE and name not in _NEGATED:
            raise PolicyError(f"condition operator {operator} on {key} is not one that this evaluator understands")
        if variable := next((value for value in values if "${" in value), None):
            raise PolicyError(f"condition {operator} on {key}: policy variables ({variable}) are not understood here")
        condition = cls(name, key.lower(), values, if_exists, quantifier)
        condition._check_values()
        return condition

    def holds(self, context: Context) -> bool:
        """Whether the request has what the condition asks for. `context` has lower-case keys."""
        asked = context.get(self.key)
        seen = () if asked is None else (asked,) if isinstance(asked, str) else asked
        if self.operator == "Null":
            return (self.values == ("true",)) == (not seen)
        if not seen:
            # A missing key fails what it should be equal to and passes what it should differ from.
            return self.if_exists or self.quantifier == "ForAllValues" or (self._negated and self.quantifier is None)
        if self.quantifier == "ForAllValues":
            return all(self._passes(value) for value in seen)
        if self.quantifier is None and self._negated:
            return all(self._passes(value) for value in seen)
        return any(self._passes(value) for value in seen)

    def implies(self, other: "Condition") -> bool:
        """Whether every request that passes this one passes `other`. False when it cannot be shown."""
        if self == other:
            return True
        if self.key != other.key or self.quantifier != other.quantifier:
            return False
        if self.if_exists and not other.if_exists:
            return False
        if self._negated or other._negated:
            # Differing from more values is stricter.
            return self.operator == other.operator and set(other.values) <= set(self.values)
        if other.operator == self.operator or (self.operator, other.operator) in _WIDENS:
            return all(
                any(_covers_value(other.operator, wide, value) for wide in other.values) for value in self.values
            )
        return False

    @property
    def _negated(self) -> bool:
        return negated(self.operator)

    def _passes(self, seen: str) -> bool:
        if self._negated:
            return not any(_POSITIVE[_NEGATED[self.operator]](seen, wanted) for wanted in self.values)
        return any(_POSITIVE[self.operator](seen, wanted) for wanted in self.values)

    def _check_values(self) -> None:
        """What is no number, boolean or address in the policy is the policy's mistake, not a request's."""
        try:
            for value in self.values:
                if self.operator.startswith("Numeric"):
                    float(value)
                elif self.operator == "Bool" and value.lower() not in ("true", "false"):
                    raise ValueError("neither true nor false")
                elif self.operator in ("IpAddress", "NotIpAddress"):
                    ipaddress.ip_network(value, strict=False)
        except ValueError as error:
            raise PolicyError(f"condition {self.operator} on {self.key}: {error}") from None


@lru_cache(maxsize=1024)
def _pattern(text: str, *, ignore_case: bool) -> re.Pattern[str]:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in text)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def matches(text: str, pattern: str, *, ignore_case: bool = False) -> bool:
    """IAM's wildcards: `*` is any number of characters, `?` is one."""
    return _pattern(pattern, ignore_case=ignore_case).fullmatch(text) is not None


def pattern_covers(wide: str, narrow: str, *, ignore_case: bool = False) -> bool:
    """Whether all texts that `narrow` matches are matched by `wide`. False when it cannot be shown."""
    # A wildcard of `narrow` stands for itself: only a `*` of `wide` takes a `*`, and a `?` takes a `?`.
    parts = (".*" if char == "*" else r"[^*]" if char == "?" else re.escape(char) for char in wide)
    return re.fullmatch("".join(parts), narrow, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def _covers_value(operator: str, wide: str, narrow: str) -> bool:
    if operator == "StringLike":
        return pattern_covers(wide, narrow)
    if operator in ("ArnLike", "ArnEquals"):
        parts, patterns = narrow.split(":", 5), wide.split(":", 5)
        return len(parts) == len(patterns) == 6 and all(map(pattern_covers, patterns, parts))
    if operator in ("Bool", "StringEqualsIgnoreCase"):
        return wide.lower() == narrow.lower()
    return wide == narrow


def negated(operator: str) -> bool:
    """Whether it asks that something differs, so that a missing key passes."""
    return operator in _NEGATED


def _arn_like(seen: str, wanted: str) -> bool:
    """Each of the six parts on its own, so that a `*` does not reach over a colon."""
    parts, patterns = seen.split(":", 5), wanted.split(":", 5)
    return len(parts) == len(patterns) == 6 and all(
        matches(part, pattern) for part, pattern in zip(parts, patterns, strict=True)
    )


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def holds(seen: str, wanted: str) -> bool:
        try:
            return compare(float(seen), float(wanted))
        except ValueError:
            return False

    return holds


def _in_network(seen: str, wanted: str) -> bool:
    try:
        return ipaddress.ip_address(seen) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


_POSITIVE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda seen, wanted: seen == wanted,
    "StringEqualsIgnoreCase": lambda seen, wanted: seen.lower() == wanted.lower(),
    "StringLike": matches,
    "ArnEquals": _arn_like,  # AWS's ArnEquals and ArnLike behave alike
    "ArnLike": _arn_like,
    "Bool": lambda seen, wanted: seen.lower() == wanted.lower(),
    "IpAddress": _in_network,
    "NumericEquals": _numeric(lambda seen, wanted: seen == wanted),
    "NumericLessThan": _numeric(lambda seen, wanted: seen < wanted),
    "NumericLessThanEquals": _numeric(lambda seen, wanted: seen <= wanted),
    "NumericGreaterThan": _numeric(lambda seen, wanted: seen > wanted),
    "NumericGreaterThanEquals": _numeric(lambda seen, wanted: seen >= wanted),
}

_WIDENS = {
    ("StringEquals", "StringLike"),
    ("StringEquals", "StringEqualsIgnoreCase"),
    ("ArnEquals", "ArnLike"),
    ("ArnLike", "ArnEquals"),
}
"""An operator, and another that accepts all that it accepts."""

_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
}
