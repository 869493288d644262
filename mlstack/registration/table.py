"""A plan for people."""

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_SIGNS = {
    "create": "[green]+ create[/]",
    "update": "[yellow]~ update[/]",
    "replace": "[red]± replace[/]",
    "remove": "[red]- remove[/]",
}
_PAST = {"create": "created", "update": "updated", "replace": "replaced", "remove": "removed"}
_STATES = {
    "same": "[green]ok[/]",
    "create": "[red]missing[/]",
    "update": "[yellow]differs[/]",
    "replace": "[red]differs[/]",
    "remove": "[yellow]left over[/]",
}
_SHOWN = 60
_UNLIMITED = 1000


def show(result: Mapping[str, Any]) -> None:
    """To stdout; coloured only on a terminal."""
    console = _console()
    changes = [change for change in result["changes"] if change["action"] != "same"]
    if not changes:
        console.print(f"{result['stack']}: nothing to do, {len(result['changes'])} objects are as they should be")
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for change in changes:
        _add(table, _SIGNS[change["action"]], change, change["reason"])
    console.print(table)
    counted = [
        f"{sum(c['action'] == action for c in changes)} {past}"
        for action, past in _PAST.items()
        if any(c["action"] == action for c in changes)
    ]
    verb = "would be " if result["dry_run"] else ""
    console.print(f"{result['stack']} on {result['server']}: {verb}{', '.join(counted)}")
    if "stack_id" in result and not result["dry_run"]:
        console.print(f"use it: zenml stack set {result['stack']}")


def show_status(result: Mapping[str, Any]) -> None:
    """What ZenML holds, object by object, beside what the contract says."""
    console = _console()
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for change in result["changes"]:
        why = "" if change["action"] == "same" else change["reason"] or "the contract has changed since"
        _add(table, _STATES[change["action"]], change, why)
    console.print(table)
    right = sum(change["action"] == "same" for change in result["changes"])
    console.print(f"{result['stack']} on {result['server']}: {right} of {len(result['changes'])} as the contract says")
    if right < len(result["changes"]):
        console.print("mlstack register makes it so")


def _console() -> Console:
    """A log of CI has no width of its own: there a line is as long as it needs."""
    return Console() if sys.stdout.isatty() else Console(width=_UNLIMITED)


def _add(table: Table, sign: str, change: Mapping[str, Any], why: str) -> None:
    what = change["slot"] if change["kind"] == "component" else change["kind"]
    table.add_row(sign, what, change["name"], escape(why))
    if change["action"] in ("update", "replace"):
        for path, values in change["fields"].items():
            table.add_row("", "", escape(f"  {path}"), escape(f"{_short(values['old'])} -> {_short(values['new'])}"))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
