"""Pipeline runs that use what a plan takes away.

A step on SageMaker loads the stack when it starts: with an orchestrator of another flavor it would not find out which
run it belongs to, and without its connector it gets no credentials. What is only updated it can do without.
"""

import time
from collections.abc import Callable

from mlstack.errors import MLStackError
from mlstack.registration.client import ZenML
from mlstack.registration.plan import Plan

LOOK_EVERY = 2.0
"""Seconds between two looks at the runs that are waited for."""
_NAMED = 3


class InUseError(MLStackError):
    """Runs in progress need what the plan would take away."""


def until_nothing_runs(zenml: ZenML, plan: Plan, seconds: float, progress: Callable[[str], None]) -> None:
    """Returns when no run in progress uses what the plan removes or replaces, after `seconds` at the latest.

    Raises InUseError when there still is one.
    """
    stack = plan.stack_in_use
    if stack is None:
        return
    deadline = time.monotonic() + seconds
    while runs := zenml.runs_in_progress(stack.id):
        left = deadline - time.monotonic()
        named = ", ".join(runs[:_NAMED]) + (f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else "")
        if left <= 0:
            raise InUseError(
                f"in progress on stack {stack.name}: {named}; this would take away what it uses: "
                f"{', '.join(plan.taken_away)}; nothing was changed",
                hint="wait for the end with --wait-for-runs SECONDS, stop the run, or break it with --despite-runs",
            )
        progress(f"waiting for {named} on stack {stack.name}, for {left:.0f} s more")
        time.sleep(min(LOOK_EVERY, left))
