"""One sample: a few resources, and what a rule says of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.policies.shown import Given


@dataclass(frozen=True)
class Sample:
    rule: str
    title: str
    stack: tuple[Given, ...]
    says: str | None
    """Part of the one finding; None when there must be none."""
    config: Mapping[str, Any] = field(default_factory=dict)


def refused(rule: str, title: str, *stack: Given, says: str, config: Mapping[str, Any] | None = None) -> Sample:
    return Sample(rule, title, stack, says, config or {})


def passes(rule: str, title: str, *stack: Given, config: Mapping[str, Any] | None = None) -> Sample:
    return Sample(rule, title, stack, None, config or {})


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})
