"""A schedule as both sides know it."""

import re
from dataclasses import dataclass
from typing import Literal

from mlstack.errors import MLStackError, nearest

State = Literal["active", "paused", "only in AWS", "only in ZenML", "removed"]


@dataclass(frozen=True)
class Schedule:
    id: str
    name: str
    """In ZenML."""
    pipeline: str | None
    expression: str
    """As AWS has it, such as `cron(0 6 * * ? *)`, else as ZenML has it."""
    aws_group: str | None
    aws_name: str | None
    """None where ZenML does not know what it made: it was not scheduled through SageMaker."""
    in_zenml: bool
    aws_state: str | None
    """`ENABLED` or `DISABLED`; None when it is not there."""

    @property
    def state(self) -> State:
        if self.aws_state is None:
            return "only in ZenML" if self.in_zenml else "removed"
        if not self.in_zenml:
            return "only in AWS"
        return "active" if self.aws_state == "ENABLED" else "paused"


def aws_schedule(trigger_url: str) -> tuple[str | None, str | None]:
    """Group and name, from the link to the console that ZenML keeps of a schedule: `...#schedules/<group>/<name>`."""
    found = re.search(r"#schedules/([^/?]+)/([^/?]+)$", trigger_url)
    return (found[1], found[2]) if found else (None, None)


def chosen(wanted: str, schedules: tuple[Schedule, ...]) -> Schedule:
    """By id, by AWS's name or by ZenML's. Raises MLStackError for none, and for a name that is not one's alone."""
    for each in schedules:
        if wanted in (each.id, each.aws_name):
            return each
    named = [each for each in schedules if each.name == wanted]
    if not named:
        raise MLStackError(
            f"this stack has no schedule {wanted!r}{nearest(wanted, [each.name for each in schedules])}",
            hint="mlstack schedule list shows those it has",
        )
    if len(named) > 1:
        ids = ", ".join(each.id for each in named)
        raise MLStackError(f"{len(named)} schedules are called {wanted!r}", hint=f"name one by its id: {ids}")
    return named[0]
