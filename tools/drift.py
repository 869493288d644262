"""What an issue says about an environment that is not as it was deployed."""

from pathlib import Path

from pydantic import ValidationError

from mlstack.errors import UsageError
from mlstack.review.model import Change, Report

_MOST = 100


def drift_in(file: Path, stack: str) -> Report:
    """What `mlstack review --drift --json` printed. Raises UsageError for what says nothing about drift."""
    try:
        report = Report.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        raise UsageError(f"{file.name} is not what `mlstack review --drift --json` prints") from None
    if report.partial or not report.drift:
        raise UsageError(f"whether {stack} has drifted is not known: {' '.join(report.problems) or 'no --drift'}")
    return report


def title(stack: str) -> str:
    return f"{stack} differs from what was deployed"


def described(report: Report, stack: str, run: str) -> str:
    """What differs, without values: an issue may be read by more people than the state."""
    rows = [f"| `{_plain(each.name)}` | `{_plain(each.type)}` | {_plain(_what(each))} |" for each in report.changes]
    more = f"\n\nand {len(rows) - _MOST} more" if len(rows) > _MOST else ""
    table = "\n".join(["| resource | type | |", "|---|---|---|", *rows[:_MOST]])
    return (
        f"Something outside of Pulumi changed what `{stack}` consists of.\n\n{table}{more}\n\n"
        f"[The run]({run}) has the details. Put it back with a deployment, or take it over with "
        f"`pulumi refresh --stack {stack}` and a change of the program. This issue closes itself.\n"
    )


def _what(change: Change) -> str:
    if change.operation == "delete":
        return "is gone"
    changed = sorted(key for key in {*change.old, *change.new} if change.old.get(key) != change.new.get(key))
    return f"changed: {', '.join(changed)}" if changed else "changed"


def _plain(text: str) -> str:
    """Cannot leave its cell."""
    return "".join(character for character in text if character not in "`|<>\r\n@")
