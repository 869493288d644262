"""Runs the steps of a pipeline in the order of what they wait for."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mlstack.local.aws.jobs import JobEnd
from mlstack.local.aws.pipeline_definition import PipelineDefinition, Step

PARALLEL_STEPS = 2


@dataclass
class StepRun:
    """A step that was started. Steps that never were have none, as on SageMaker."""

    name: str
    status: str = "Executing"
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    reason: str | None = None
    job_arn: str | None = None
    job_kind: str = "TrainingJob"


class PipelineRun:
    """One execution. A failed step fails it and keeps back what depends on it; the others still run."""

    def __init__(
        self,
        definition: PipelineDefinition,
        run_step: Callable[[Step, StepRun], JobEnd],
        parallel: int = PARALLEL_STEPS,
    ) -> None:
        self.steps: dict[str, StepRun] = {}
        self._definition = definition
        self._run_step = run_step
        self._parallel = parallel
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Start no further step. Whoever runs the steps stops those that run."""
        self._stopped.set()

    def stopping(self) -> bool:
        return self._stopped.is_set()

    def run(self) -> JobEnd:
        """Blocks until every step ended that could be started."""
        by_name = {step.name: step for step in self._definition.steps}
        order = self._definition.order()
        order.prepare()
        running: dict[Future[JobEnd], str] = {}
        failures: list[str] = []
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="step") as pool:
            while True:
                for name in order.get_ready():
                    running[pool.submit(self._run_one, by_name[name])] = name
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    end = future.result()
                    if end.outcome == "Completed":
                        order.done(name)
                    else:
                        failures.append(f"step {name} failed: {end.reason or 'its job was stopped'}")
        if self._stopped.is_set():
            return JobEnd("Stopped")
        if failures:
            return JobEnd("Failed", "; ".join(failures))
        return JobEnd("Completed")

    def _run_one(self, step: Step) -> JobEnd:
        if self._stopped.is_set():
            return JobEnd("Stopped")
        run = self.steps[step.name] = StepRun(step.name, job_kind=f"{step.kind}Job")
        end = self._run_step(step, run)
        stopped = end.outcome == "Stopped" and self._stopped.is_set()
        run.status = "Succeeded" if end.outcome == "Completed" else "Stopped" if stopped else "Failed"
        run.reason = end.reason
        run.ended = datetime.now(UTC)
        return end
