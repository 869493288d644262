"""What an existing resource lacks, and the change that its owner has to make."""

import json
from dataclasses import dataclass
from typing import Any, Literal

Weight = Literal["wrong", "lacks", "advised"]
"""wrong: cannot be used at all, whatever the settings say. lacks: something would fail, sooner or later.
advised: works, and is less safe than what the program makes."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """For the owner: nothing here is ever run by us."""

    command: str
    """Of the AWS command line; `file://change.json` is `document`."""
    document: Any
    """All of the document after the change, to paste. What was in it is still in it."""
    adds: Any
    """The part of it that is new."""

    def as_json(self) -> dict[str, Any]:
        return {"command": self.command, "adds": self.adds, "document": self.document}


@dataclass(frozen=True, kw_only=True)
class Lack:
    weight: Weight
    setting: str
    resource: str
    """`bucket company-ml`."""
    problem: str
    """Follows the resource: `is in us-east-1, and this environment in eu-west-1`."""
    way_out: str
    change: Change | None = None

    def __str__(self) -> str:
        lines = [f"  {self.resource} ({self.setting}) {self.problem}", f"    {self.way_out}"]
        if self.change:
            lines.append(f"    {self.change.command}")
            lines += [f"      {line}" for line in json.dumps(self.change.adds, indent=2).splitlines()]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "weight": self.weight,
            "setting": self.setting,
            "resource": self.resource,
            "problem": self.problem,
            "way_out": self.way_out,
            "change": self.change.as_json() if self.change else None,
        }
