"""What has to be done in ZenML, and nothing else: pure, and the same however often it is asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mlstack.errors import MLStackError
from mlstack.registration.objects import ACCOUNT_LABEL, CONTRACT_LABEL, Held, Kind, Wanted, what
from mlstack.registration.takeover import of_the_stack, stands_for

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
    by_hand: bool = False
    """The contract is the one that was registered: ZenML was changed by somebody else."""
    adopted: bool = False
    """It was not ours before."""

    @property
    def reason(self) -> str:
        said = []
        if self.adopted:
            said.append("taken over, it was not ours")
        if self.action == "replace":
            said.append(f"ZenML cannot change {', '.join(self.fields)} in place")
        if self.action == "remove":
            said.append("the contract does not have it any more")
        if self.by_hand:
            said.append("removed in ZenML by hand" if self.action == "create" else "changed in ZenML by hand")
        return "; ".join(said)


@dataclass(frozen=True)
class Plan:
    changes: tuple[Change, ...]

    @property
    def empty(self) -> bool:
        return all(change.action == "same" for change in self.changes)

    @property
    def stack_id(self) -> str | None:
        """Of the stack that ZenML holds already."""
        return next((change.held.id for change in self.changes if change.kind == "stack" and change.held), None)

    @property
    def taken_away(self) -> list[str]:
        """What is not there afterwards, or not as the same object."""
        return [f"{what(c.held)} {c.held.name}" for c in self.changes if c.action in ("replace", "remove") and c.held]

    @property
    def stack_in_use(self) -> Held | None:
        """The stack whose runs would miss what is taken away."""
        stacks = (change.held for change in self.changes if change.kind == "stack" and change.held)
        return next(stacks, None) if self.taken_away else None

    def as_json(self) -> dict[str, Any]:
        return {
            "changed": not self.empty,
            "changes": [
                {
                    "action": change.action,
                    "kind": change.kind,
                    "slot": change.slot,
                    "name": change.name,
                    "reason": change.reason,
                    "by_hand": change.by_hand,
                    "fields": {path: {"old": old, "new": new} for path, (old, new) in change.fields.items()},
                }
                for change in self.changes
            ],
        }


def make_plan(
    desired: Iterable[Wanted], held: Iterable[Held], project: str, environment: str, *, adopt: bool = False
) -> Plan:
    """Reconcile `held` with `desired`. Only objects with our labels are touched; with `adopt` those of our names too,
    and those that make up the stack of our name.

    Raises ConflictError when a name that is needed belongs to somebody else, or the environment is registered for
    another account or region.
    """
    everything, desired = list(held), list(desired)
    ours = [each for each in everything if each.belongs_to(project, environment)]
    _refuse_another_account(desired, ours)
    parts = of_the_stack(desired, everything) if adopt else {}
    as_registered = _is_registered(desired, ours)
    changes: list[Change] = []
    kept: set[str] = set()
    for want in desired:
        mine = [each for each in ours if (each.kind, each.slot) == (want.kind, want.slot)]
        # More than one of a slot is left of a run that was killed while replacing: the one of the right name stays.
        mine.sort(key=lambda each: (each.name != want.name, each.name))
        found = mine[0] if mine else None
        if found is None or found.name != want.name:
            theirs = _of_the_same_name(want, everything, ours)
            part = parts.get((want.kind, want.slot))
            if part is not None and theirs in (None, part):
                theirs = part
            if theirs:
                _refuse_to_take(want, theirs, adopt=adopt)
                # Of two, the one that is in use under the name stays.
                found = theirs
        if found is None:
            create = Change(
                action="create", kind=want.kind, slot=want.slot, name=want.name, wanted=want, by_hand=as_registered
            )
            changes.append(create)
            continue
        kept.add(found.id)
        changes.append(_compare(want, found, adopted=found not in ours))
    changes += [
        Change(action="remove", kind=each.kind, slot=each.slot, name=each.name, held=each)
        for each in ours
        if each.id not in kept
    ]
    return Plan(tuple(changes))


def _is_registered(desired: Iterable[Wanted], ours: Iterable[Held]) -> bool:
    """Whether the stack that ZenML holds is of exactly this contract."""
    hashes = {want.labels[CONTRACT_LABEL] for want in desired if want.kind == "stack"}
    return any(each.kind == "stack" and each.labels.get(CONTRACT_LABEL) in hashes for each in ours)


def _refuse_another_account(desired: Iterable[Wanted], ours: Iterable[Held]) -> None:
    """Two accounts that call their environment the same would take the stack from one another at each run."""
    here = next((want.labels[ACCOUNT_LABEL] for want in desired), None)
    for each in ours:
        there = each.labels.get(ACCOUNT_LABEL, here)
        if there != here:
            raise ConflictError(
                f"environment {each.owner} is registered in ZenML for account {there}, and this contract is of {here}; "
                "nothing was changed",
                hint="check which account is meant; to move it, `mlstack deregister` first",
            )


def removal_plan(held: Iterable[Held], project: str, environment: str) -> Plan:
    """Everything of ours away, in the order that ZenML allows: the stack, its components, their connectors."""
    order: dict[Kind, int] = {"stack": 0, "component": 1, "connector": 2}
    ours = sorted((each for each in held if each.belongs_to(project, environment)), key=lambda each: order[each.kind])
    return Plan(
        tuple(Change(action="remove", kind=each.kind, slot=each.slot, name=each.name, held=each) for each in ours)
    )


def _compare(want: Wanted, have: Held, *, adopted: bool) -> Change:
    if have.fixed != want.fixed and stands_for(have.fixed, want.fixed):
        want = replace(want, fixed=have.fixed)
    forcing = _differences(have.fixed, want.fixed)
    changing = _differences(
        {"name": have.name, "labels": have.labels, **have.content},
        {"name": want.name, "labels": want.labels, **want.content},
    )
    action: Action = "replace" if forcing else "update" if changing else "same"
    said = {path: values for path, values in changing.items() if path != f"labels.{CONTRACT_LABEL}"}
    return Change(
        action=action,
        kind=want.kind,
        slot=want.slot,
        name=want.name,
        fields=forcing or said or changing,
        wanted=want,
        held=have,
        by_hand=action != "same" and have.labels.get(CONTRACT_LABEL) == want.labels[CONTRACT_LABEL],
        adopted=adopted,
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


def _of_the_same_name(want: Wanted, everything: Iterable[Held], ours: list[Held]) -> Held | None:
    for each in everything:
        # ZenML has one namespace of components for each type.
        same_space = each.kind == want.kind and (want.kind != "component" or each.slot == want.slot)
        if same_space and each.name == want.name and each not in ours:
            return each
    return None


def _refuse_to_take(want: Wanted, theirs: Held, *, adopt: bool) -> None:
    if theirs.owner:
        raise ConflictError(
            f"the {what(want)} {want.name!r} in ZenML belongs to environment {theirs.owner}; nothing was changed",
            hint="choose another mlstack:stackName for one of the two",
        )
    if not adopt:
        raise ConflictError(
            f"ZenML holds the {what(want)} {want.name!r}, which this environment did not make; nothing was changed",
            hint="take it over with --adopt, choose another mlstack:stackName, or rename it in ZenML",
        )
