"""What has to be done in ZenML, and nothing else: pure, and the same however often it is asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlstack.errors import MLStackError
from mlstack.registration.objects import Held, Kind, Wanted

Action = Literal["create", "update", "replace", "remove", "same"]


class ConflictError(MLStackError):
    """ZenML holds an object of a name that we need, and it is not ours."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One object: what happens to it, and why."""

    action: Action
    kind: Kind
    slot: str
    name: str
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Path to old and new value, of what is updated or what forces a replacement."""
    wanted: Wanted | None = None
    held: Held | None = None

    @property
    def reason(self) -> str:
        if self.action == "replace":
            return f"ZenML cannot change {', '.join(self.fields)} in place"
        return "the contract does not have it any more" if self.action == "remove" else ""


@dataclass(frozen=True)
class Plan:
    changes: tuple[Change, ...]

    @property
    def empty(self) -> bool:
        return all(change.action == "same" for change in self.changes)

    def as_json(self) -> dict[str, Any]:
        return {
            "changes": [
                {
                    "action": change.action,
                    "kind": change.kind,
                    "slot": change.slot,
                    "name": change.name,
                    "reason": change.reason,
                    "fields": {path: {"old": old, "new": new} for path, (old, new) in change.fields.items()},
                }
                for change in self.changes
            ]
        }


def make_plan(desired: Iterable[Wanted], held: Iterable[Held], project: str, environment: str) -> Plan:
    """Reconcile `held` with `desired`. Only objects with our labels are touched.

    Raises ConflictError when a name that is needed belongs to somebody else.
    """
    everything = list(held)
    ours = [each for each in everything if each.belongs_to(project, environment)]
    changes: list[Change] = []
    kept: set[str] = set()
    for want in desired:
        mine = [each for each in ours if (each.kind, each.slot) == (want.kind, want.slot)]
        # More than one of a slot is left of a run that was killed while replacing: the one of the right name stays.
        mine.sort(key=lambda each: (each.name != want.name, each.name))
        if not mine or mine[0].name != want.name:
            _refuse_to_take(want, everything, ours)
        if not mine:
            changes.append(Change(action="create", kind=want.kind, slot=want.slot, name=want.name, wanted=want))
            continue
        kept.add(mine[0].id)
        changes.append(_compare(want, mine[0]))
    changes += [
        Change(action="remove", kind=each.kind, slot=each.slot, name=each.name, held=each)
        for each in ours
        if each.id not in kept
    ]
    return Plan(tuple(changes))


def removal_plan(held: Iterable[Held], project: str, environment: str) -> Plan:
    """Everything of ours away, in the order that ZenML allows: the stack, its components, their connectors."""
    order: dict[Kind, int] = {"stack": 0, "component": 1, "connector": 2}
    ours = sorted((each for each in held if each.belongs_to(project, environment)), key=lambda each: order[each.kind])
    return Plan(
        tuple(Change(action="remove", kind=each.kind, slot=each.slot, name=each.name, held=each) for each in ours)
    )


def _compare(want: Wanted, have: Held) -> Change:
    forcing = _differences(have.fixed, want.fixed)
    changing = _differences(
        {"name": have.name, "labels": have.labels, **have.content},
        {"name": want.name, "labels": want.labels, **want.content},
    )
    action: Action = "replace" if forcing else "update" if changing else "same"
    return Change(
        action=action,
        kind=want.kind,
        slot=want.slot,
        name=want.name,
        fields=forcing or changing,
        wanted=want,
        held=have,
    )


def _differences(old: Any, new: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """Leaf by leaf; a key that is absent differs from one that is null."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: dict[str, tuple[Any, Any]] = {}
        for key in sorted({*old, *new}):
            here = f"{path}.{key}" if path else str(key)
            if key in old and key in new:
                found |= _differences(old[key], new[key], here)
            else:
                found[here] = (old.get(key), new.get(key))
        return found
    return {} if old == new else {path: (old, new)}


def _refuse_to_take(want: Wanted, everything: list[Held], ours: list[Held]) -> None:
    for each in everything:
        same_name = each.kind == want.kind and each.name == want.name
        # ZenML has one namespace of components for each type.
        same_space = want.kind != "component" or each.slot == want.slot
        if same_name and same_space and each not in ours:
            raise ConflictError(
                f"ZenML holds a {want.kind} {want.name!r} that this environment did not make; nothing was changed",
                hint="choose another mlstack:stackName, or rename or delete that object in ZenML",
            )
