"""Puts ZenML back to what it held before a run that failed.

Looks at what is there instead of remembering what was done: the answer to the call that failed may only have been lost.
Nobody else changes these objects meanwhile; the run holds the claim.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from mlstack.errors import MLStackError
from mlstack.registration.client import ZenML
from mlstack.registration.objects import ENVIRONMENT_LABEL, PROJECT_LABEL, SLOT_LABEL, Held, Links, what
from mlstack.registration.plan import Plan

_UP: Final = ("connector", "component", "stack")
_MINE: Final = (PROJECT_LABEL, ENVIRONMENT_LABEL, SLOT_LABEL)


def put_back(zenml: ZenML, before: Iterable[Held], plan: Plan, progress: Callable[[str], None]) -> list[str]:
    """What could not be put back, each in words; empty when all is as it was."""
    try:
        now = zenml.snapshot()
    except MLStackError:
        return ["anything, because the server does not answer any more"]
    return _PuttingBack(zenml, tuple(before), now, plan, progress).all()


class _PuttingBack:
    def __init__(
        self,
        zenml: ZenML,
        before: tuple[Held, ...],
        now: tuple[Held, ...],
        plan: Plan,
        progress: Callable[[str], None],
    ) -> None:
        self._zenml = zenml
        self._progress = progress
        self._left: list[str] = []
        self._moved: dict[str, str] = {}
        """Old id to new, of what had to be made again."""
        touched = {change.held.id for change in plan.changes if change.held}
        known = {each.id for each in before}
        self._was = {each.id: each for each in before if each.id in touched}
        self._is = {each.id: each for each in now}
        self._made = [each for each in now if each.id not in known and _of_this_run(each, plan)]
        self._names = {_place(each): each.id for each in now}
        self._provisional: list[Held] = []
        """What has a name of its own until the right one is free again."""

    def all(self) -> list[str]:
        for kind in _UP:
            for old in self._of(kind, self._was.values()):
                if old.id not in self._is:
                    self._try(f"{what(old)} {old.name} (removed)", partial(self._make_again, old))
                elif self._differs(old):
                    self._try(f"{what(old)} {old.name} (changed)", partial(self._restore, old))
        for kind in reversed(_UP):
            for new in self._of(kind, self._made):
                self._try(f"{what(new)} {new.name} (created)", partial(self._remove, new))
        for old in self._provisional:
            self._try(f"the name of {what(old)} {old.name}", partial(self._update, old, old.name))
        return self._left

    def _of(self, kind: str, held: Iterable[Held]) -> list[Held]:
        return [each for each in held if each.kind == kind]

    def _differs(self, old: Held) -> bool:
        return self._is[old.id] != old or any(id_ in self._moved for ids in old.links.values() for id_ in ids)

    def _try(self, words: str, act: Callable[[], None]) -> None:
        try:
            act()
        except MLStackError:
            self._left.append(words)

    def _make_again(self, old: Held) -> None:
        self._progress(f"making {what(old)} {old.name} again")
        self._moved[old.id] = self._zenml.create(old, self._name_for(old), _moved(old.links, self._moved))

    def _restore(self, old: Held) -> None:
        self._progress(f"restoring {what(old)} {old.name}")
        self._update(old, self._name_for(old))

    def _update(self, old: Held, name: str) -> None:
        id_ = self._moved.get(old.id, old.id)
        self._zenml.update(id_, old, name, _moved(old.links, self._moved))

    def _remove(self, new: Held) -> None:
        self._progress(f"removing {what(new)} {new.name}")
        self._zenml.remove(new)

    def _name_for(self, old: Held) -> str:
        """Its own, unless something that this run made has it."""
        if self._names.get(_place(old), old.id) == old.id:
            return old.name
        self._provisional.append(old)
        return f"{old.name}-{secrets.token_hex(3)}"


def _of_this_run(each: Held, plan: Plan) -> bool:
    mine = {(change.kind, *map(change.wanted.labels.get, _MINE)) for change in plan.changes if change.wanted}
    return (each.kind, *map(each.labels.get, _MINE)) in mine


def _place(each: Held) -> tuple[str, str, str]:
    """Where its name has to be the only one."""
    return (each.kind, each.slot if each.kind == "component" else "", each.name)


def _moved(links: Links, moved: Mapping[str, str]) -> Links:
    return {name: tuple(moved.get(id_, id_) for id_ in ids) for name, ids in links.items()}
