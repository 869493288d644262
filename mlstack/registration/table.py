"""A plan for people."""

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
_SHOWN = 60


def show(result: Mapping[str, Any]) -> None:
    """To stdout; coloured only on a terminal."""
    console = Console()
    changes = [change for change in result["changes"] if change["action"] != "same"]
    if not changes:
        console.print(f"{result['stack']}: nothing to do, {len(result['changes'])} objects are as they should be")
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for change in changes:
        what = change["slot"] if change["kind"] == "component" else change["kind"]
        table.add_row(_SIGNS[change["action"]], what, change["name"], escape(change["reason"]))
        if change["action"] in ("update", "replace"):
            for path, values in change["fields"].items():
                table.add_row(
                    "", "", escape(f"  {path}"), escape(f"{_short(values['old'])} -> {_short(values['new'])}")
                )
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


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
