"""What one run of the engine did or would do, read from its event stream."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.causes import cause

News = Callable[[str], None]

SAYS_NOTHING = (
    "program exited with non-zero exit code",
    "update failed",
    "preview failed",
    # Of a plan, whatever is not reached once something else has failed.
    "but none were seen",
)
"""In what the engine says last, beside the error itself."""

CHANGES = ("create", "update", "replace", "delete")
"""Operations of the engine that change something, as it counts them; a replacement is counted once."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What the engine does, or would do, to one resource."""

    operation: str
    """`create`, `update`, `replace`, `delete`, `same`, as the engine calls them."""
    urn: str
    old: Mapping[str, Any] = field(default_factory=dict)
    """Inputs before. Secrets are masked by the engine."""
    new: Mapping[str, Any] = field(default_factory=dict)
    """Inputs after, as far as they are known."""
    reasons: tuple[str, ...] = ()
    """Properties that force a replacement."""
    differing: tuple[str, ...] = ()
    """Properties that an update changes."""
    parent: str = ""
    protection: bool | None = None
    """Whether it is protected afterwards, when that changes: no operation of the engine says so."""

    @property
    def type(self) -> str:
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def component(self) -> str:
        """`ArtifactStore`: the part of MLStack that it belongs to; `MLStack` for what is directly in it."""
        parents = self.urn.split("::")[2].split("$")[:-1]
        component = (parents[1:2] or parents or [self.type])[0].rpartition(":")[2]
        # Of roles there are several.
        return f"{component} {self.parent.rpartition('::')[2]}" if component == "Role" and self.parent else component


@dataclass(frozen=True, kw_only=True)
class Pending:
    """What the engine had begun when it was cut off; whether it was done, only AWS knows."""

    kind: str
    """`creating`, `updating`, `deleting`, as the engine calls them."""
    urn: str
    inputs: Mapping[str, Any]
    parent: str


@dataclass
class Outcome:
    """What one run of the engine did, or would do."""

    counts: dict[str, int] = field(default_factory=dict)
    """Operations by kind: `create`, `update`, `replace`, `delete`, `same`."""
    steps: list[Step] = field(default_factory=list)
    """In the order in which they were begun."""
    done: list[Step] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(count for operation, count in self.counts.items() if operation != "same")

    @property
    def changes(self) -> list[Step]:
        """One for each resource that changes; the stack itself and its providers are none."""
        return [step for step in self.steps if step.operation in CHANGES and not step.type.startswith("pulumi:p")]

    @property
    def unprotected(self) -> list[str]:
        """Names of what the engine will no longer refuse to delete."""
        return list(dict.fromkeys(step.name for step in self.steps if step.protection is False))

    def __str__(self) -> str:
        changes = [f"{count} {operation}d" for operation, count in self.counts.items() if operation != "same" and count]
        return ", ".join(changes) if changes else f"unchanged, {self.counts.get('same', 0)} resources"


def read_event(line: str, outcome: Outcome, news: News, on_step: Callable[[Step], None] | None) -> None:
    """Add one line of the engine's event stream to what is known; `news` is told of each change that is done."""
    try:
        event = json.loads(line)
    except ValueError:
        return
    if begun := event.get("resourcePreEvent"):
        outcome.steps.append(_step(begun["metadata"]))
    elif finished := event.get("resOutputsEvent"):
        step = _step(finished["metadata"])
        outcome.done.append(step)
        if step.operation != "same":
            news(f"{step.operation} {step.name} ({len(outcome.done)} done)")
        if on_step:
            on_step(step)
    elif said := event.get("diagnosticEvent"):
        if said["severity"] == "error" and (text := _plain_text(said["message"])):
            outcome.problems.append(_about(said.get("urn")) + cause(text))
    elif summary := event.get("summaryEvent"):
        outcome.counts = dict(summary.get("resourceChanges") or {})


def _step(metadata: Mapping[str, Any]) -> Step:
    old, new = metadata.get("old") or {}, metadata.get("new") or {}
    protected, before = bool(new.get("protect")), bool(old.get("protect"))
    return Step(
        operation=metadata["op"],
        urn=metadata["urn"],
        old=old.get("inputs") or {},
        new=new.get("inputs") or {},
        reasons=tuple(metadata.get("keys") or ()),
        differing=tuple(metadata.get("diffs") or ()),
        parent=new.get("parent") or old.get("parent") or "",
        protection=protected if old and new and protected != before else None,
    )


def _about(urn: str | None) -> str:
    step = Step(operation="", urn=urn) if urn else None
    return f"{step.type.rpartition(':')[2]} {step.name}: " if step and not step.type.startswith("pulumi:") else ""


def _plain_text(message: str) -> str:
    """A diagnostic without the engine's colour marks."""
    for mark in ("<{%reset%}>", "<{%fg 1%}>", "<{%bold%}>"):
        message = message.replace(mark, "")
    return message.strip()
