"""The order in which steps run, with steps that are events of the test."""

import threading
import time

from mlstack.local.aws.jobs import JobEnd
from mlstack.local.aws.pipeline_definition import PipelineDefinition, Step
from mlstack.local.aws.pipeline_run import PipelineRun, StepRun

PATIENCE = 10.0


def pipeline(**depends_on: tuple[str, ...]) -> PipelineDefinition:
    steps = [Step(name=name, kind="Training", arguments={}, depends_on=needs) for name, needs in depends_on.items()]
    return PipelineDefinition(tuple(steps), {})


class Recorder:
    """Runs steps by noting when they start and end; those in `fails` fail."""

    def __init__(self, *fails: str, seconds: float = 0.0) -> None:
        self.events: list[str] = []
        self.at_once = 0
        self._running = 0
        self._fails = fails
        self._seconds = seconds
        self._lock = threading.Lock()

    def __call__(self, step: Step, run: StepRun) -> JobEnd:
        with self._lock:
            self.events.append(f"+{step.name}")
            self._running += 1
            self.at_once = max(self.at_once, self._running)
        time.sleep(self._seconds)
        with self._lock:
            self.events.append(f"-{step.name}")
            self._running -= 1
        return JobEnd("Failed", "because") if step.name in self._fails else JobEnd("Completed")


def test_a_step_starts_when_all_it_waits_for_has_ended() -> None:
    steps = Recorder(seconds=0.02)
    run = PipelineRun(pipeline(last=("left", "right"), left=("first",), right=("first",), first=()), steps)
    assert run.run() == JobEnd("Completed")
    assert steps.events[:2] == ["+first", "-first"]
    assert steps.events[-2:] == ["+last", "-last"]
    assert {step.status for step in run.steps.values()} == {"Succeeded"}


def test_independent_steps_run_side_by_side_two_at_most() -> None:
    both = threading.Barrier(2)

    def meet(step: Step, run: StepRun) -> JobEnd:
        both.wait(PATIENCE)  # breaks unless another step runs at the same time
        return JobEnd("Completed")

    assert PipelineRun(pipeline(a=(), b=()), meet).run() == JobEnd("Completed")
    many = Recorder(seconds=0.05)
    PipelineRun(pipeline(a=(), b=(), c=(), d=(), e=()), many).run()
    assert many.at_once == 2


def test_a_failed_step_keeps_back_what_depends_on_it_and_nothing_else() -> None:
    steps = Recorder("bad")
    run = PipelineRun(pipeline(bad=(), after=("bad",), later=("after",), apart=(), then=("apart",)), steps)
    assert run.run() == JobEnd("Failed", "step bad failed: because")
    assert run.steps.keys() == {"bad", "apart", "then"}
    assert (run.steps["bad"].status, run.steps["bad"].reason) == ("Failed", "because")
    assert run.steps["then"].status == "Succeeded"


def test_a_step_whose_job_was_stopped_by_itself_is_a_failed_one() -> None:
    run = PipelineRun(pipeline(a=(), b=("a",)), lambda *_: JobEnd("Stopped", "MaxRuntimeExceeded"))
    assert run.run() == JobEnd("Failed", "step a failed: MaxRuntimeExceeded")
    assert {name: step.status for name, step in run.steps.items()} == {"a": "Failed"}


def test_a_stopped_run_starts_no_further_step() -> None:
    started, go_on = threading.Event(), threading.Event()

    def hold(step: Step, run: StepRun) -> JobEnd:
        started.set()
        go_on.wait(PATIENCE)
        return JobEnd("Stopped")

    run = PipelineRun(pipeline(a=(), b=("a",)), hold)
    ends: list[JobEnd] = []
    thread = threading.Thread(target=lambda: ends.append(run.run()))
    thread.start()
    started.wait(PATIENCE)
    run.stop()
    go_on.set()
    thread.join(PATIENCE)
    assert ends == [JobEnd("Stopped")]
    assert run.steps.keys() == {"a"}
