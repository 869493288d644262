"""Holds what is about to be done against what was approved: a hash from a comment, or the whole report."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from mlstack.errors import UsageError
from mlstack.outcome import Outcome, Step
from mlstack.review.model import Change, Report
from mlstack.review.plan_hash import plan_hash

_SHORTEST = 16
"""Hexadecimal digits of a hash that are enough to mean one plan."""


class NotApprovedError(UsageError):
    """What would be done is not what was approved."""

    exit_code: ClassVar[int] = 4


def refuse_unless_approved(approved: str, project: str, environment: str, outcome: Outcome) -> None:
    """`approved`: a plan's hash, or the file that `mlstack review --json` wrote. Without changes all is well.

    Raises NotApprovedError with the difference, as far as it is known, and UsageError for what is neither.
    """
    changes = [_change(step) for step in outcome.changes]
    if not (changes or outcome.unprotected):
        return
    report = None if re.fullmatch(rf"[0-9a-f]{{{_SHORTEST},64}}", approved) else _report(approved)
    wanted = report.plan_hash if report else approved
    now = plan_hash(project, environment, changes, outcome.unprotected)
    if now.startswith(wanted):
        return
    difference = f":\n{_difference(report.changes, changes)}" if report else ""
    raise NotApprovedError(
        f"the plan is {now[:_SHORTEST]} now, and {wanted[:_SHORTEST]} was approved; nothing was changed{difference}",
        hint="review it anew: something was changed since, in the program, its settings or in what is deployed",
    )


def _change(step: Step) -> Change:
    return Change(
        operation=step.operation,
        urn=step.urn,
        type=step.type,
        name=step.name,
        component=step.component,
        old=dict(step.old),
        new=dict(step.new),
    )


def _report(file: str) -> Report:
    try:
        return Report.model_validate_json(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            f"{file} is neither the hash of a plan (at least {_SHORTEST} hexadecimal digits) nor a file to read"
        ) from None
    except ValidationError:
        raise UsageError(f"{file} is not what `mlstack review --json` writes") from None


def _difference(approved: Iterable[Change], now: Iterable[Change]) -> str:
    before, after = ({each.urn: each for each in changes} for changes in (approved, now))
    lines = [
        f"  {each.operation} {each.name}: is not to be done any more"
        for urn, each in before.items()
        if urn not in after
    ]
    lines += [f"  {each.operation} {each.name}: was not approved" for urn, each in after.items() if urn not in before]
    for urn in before.keys() & after.keys():
        if _said(before[urn]) != _said(after[urn]):
            lines.append(f"  {after[urn].operation} {after[urn].name}: with other values than were approved")
    return "\n".join(sorted(lines))


def _said(change: Change) -> Any:
    return change.operation, json.dumps([change.old, change.new], sort_keys=True)
