"""Calls that must not work, each beside one that does and differs in nothing but what is forbidden."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.least_privilege.calls import Call

_FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, kw_only=True)
class Forbidden:
    works: Call
    refused: Call

    @classmethod
    def of(cls, written: dict[str, Any]) -> "Forbidden":
        def call(who: str, operation: str, parameters: dict[str, str]) -> Call:
            return Call(
                who=who,
                operation=operation,
                parameters=parameters,
                inside=written.get("inside", False),
                needs=frozenset(written.get("needs", ())),
                source=_FILE.name,
            )

        who, operation, on = written["who"], written["call"], written.get("parameters", {})
        return cls(
            works=call(who, operation, on),
            refused=call(written.get("by", who), written.get("instead", operation), {**on, **written.get("but", {})}),
        )


FORBIDDEN: dict[str, Forbidden] = {
    each["that"]: Forbidden.of(each) for each in tomllib.loads(_FILE.read_text(encoding="utf-8"))["forbidden"]
}
"""By a sentence that says what must not happen."""
