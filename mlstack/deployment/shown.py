"""A preview and an update for people: by component, and statement by statement."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from mlstack.outcome import CHANGES, Outcome, Step
from mlstack.review.model import Statement

_STYLES = {"create": "green", "update": "yellow", "replace": "red", "delete": "red"}
_PAST = {"create": "created", "update": "updated", "replace": "replaced", "remove": "removed"}


def by_component(steps: Iterable[Step]) -> dict[str, Counter[str]]:
    """Operations that change something, counted by component."""
    found: dict[str, Counter[str]] = {}
    for step in steps:
        if step.operation in CHANGES:
            found.setdefault(step.component, Counter())[step.operation] += 1
    return found


def show_preview(console: Console, outcome: Outcome) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for component, counts in by_component(outcome.changes).items():
        said = [f"[{_STYLES[operation]}]{count} {operation}[/]" for operation, count in counts.items()]
        table.add_row(component, ", ".join(said))
    console.print(table)


def show_iam(console: Console, changes: list[Statement]) -> None:
    """Statement by statement, below whose they are."""
    console.print(f"{len(changes)} changes to who may do what:")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for (whose, kind), several in groupby(changes, key=lambda change: (change.whose, change.kind)):
        table.add_row("", f"[bold]{escape(kind)}[/]", f"[bold]{escape(whose)}[/]")
        for change in several:
            style = "green" if change.sign == "+" else "red"
            about = [
                *(f"for {each}" for each in change.principals),
                *(f"on {each}" for each in change.resources),
                *([f"if {change.conditions}"] if change.conditions else []),
            ]
            sign = f"[{style}]{change.sign} {change.effect}[/]"
            table.add_row(sign, escape("\n".join(change.actions)), escape("\n".join(about)))
    console.print(table)


class Progress:
    """What is done of what was previewed: on a terminal a line for each component, elsewhere one when it is done."""

    def __init__(self, console: Console, planned: Iterable[Step]) -> None:
        self._console = console
        self._planned = Counter(step.component for step in planned)
        self._done: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._live: Live | None = None

    @property
    def done(self) -> int:
        """Resources that are done, of all components."""
        return self._done.total()

    @contextmanager
    def shown(self) -> Iterator[None]:
        if not self._console.is_terminal:
            yield
            return
        with Live(get_renderable=self._table, console=self._console, refresh_per_second=4) as live:
            self._live = live
            yield
        self._live = None

    def step(self, step: Step) -> None:
        """One resource is done."""
        if step.operation not in CHANGES or step.component not in self._planned:
            return
        now = time.monotonic()
        self._began.setdefault(step.component, now)
        self._done[step.component] += 1
        if self._done[step.component] == self._planned[step.component]:
            self._ended[step.component] = now
            if not self._console.is_terminal:
                self._console.print(f"  {step.component}: {self._done[step.component]} done", highlight=False)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for component, planned in self._planned.items():
            done = self._done[component]
            began = self._began.get(component)
            seconds = "" if began is None else f"{self._ended.get(component, time.monotonic()) - began:.0f} s"
            table.add_row("[green]✓[/]" if done >= planned else " ", component, f"{done} of {planned}", seconds)
        return table


def would(outcome: Outcome) -> str:
    """`3 to create, 1 to update`."""
    counted = [f"{outcome.counts[each]} to {each}" for each in CHANGES if outcome.counts.get(each)]
    return ", ".join(counted) or "no changes"


def of_plan(result: Mapping[str, Any]) -> str:
    """Of a registration: `9 created`, or `unchanged, 9 objects`."""
    actions = [change["action"] for change in result["changes"]]
    changed = [f"{actions.count(action)} {past}" for action, past in _PAST.items() if action in actions]
    return ", ".join(changed) if changed else f"unchanged, {len(actions)} objects"
