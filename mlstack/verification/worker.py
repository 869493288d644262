"""Runs the smoke pipeline and looks at what came of it: `python -m mlstack.verification.worker --events <fd>`.

A process of its own, whose directory is the source root that ZenML uploads: nothing of the user's project goes along.
"""

import argparse
import importlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from zenml import pipeline
from zenml.client import Client
from zenml.config import DockerSettings
from zenml.enums import ExecutionStatus
from zenml.utils import source_utils

from mlstack.registration.objects import ENVIRONMENT_LABEL, PROJECT_LABEL
from mlstack.verification.aws_side import AwsSide
from mlstack.verification.cleanup import clean_up
from mlstack.verification.events import Request, Teller
from mlstack.verification.evidence import look_at

_POLL = 2.0
_STOPPING = 30.0
_ASK_AWS_EVERY = 5.0
"""Seconds. A job that never starts is known to SageMaker alone: ZenML hears of a step from the step itself."""


class FailedError(Exception):
    """The run did not come to a good end. `texts` is what was said about it, the most telling first."""

    def __init__(self, where: str, *texts: str) -> None:
        super().__init__(where)
        self.where = where
        self.texts = [text for text in texts if text]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, required=True)
    teller = Teller(os.fdopen(parser.parse_args().events, "w"))
    request = Request(**json.loads(sys.stdin.read()))
    # Raised in the main thread wherever it is; inherited as ignored from a shell's background job it would be lost.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _verify(request, teller)
    except FailedError as error:
        teller.tell("failed", error.where, texts=error.texts)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        traceback.print_exc()
        teller.tell("failed", "run", texts=[_said(error)])
    return 1


def _verify(request: Request, teller: Teller) -> int:
    teller.tell("news", text="asking ZenML for the stack")
    stack_id = _registered(request)
    os.environ["ZENML_ACTIVE_STACK_ID"] = stack_id
    source_utils.set_custom_source_root(str(Path.cwd()))
    sys.path.insert(0, str(Path.cwd()))
    name = f"mlstack_verify_{request.mark}"
    run = aws = None
    try:
        stack = Client().active_stack
        aws = AwsSide.of(stack)
        run = _submit(name, request, teller, sagemaker=aws is not None)
        teller.tell("submitted", run.name, run=str(run.id), execution=_execution(run))
        _follow(run.id, aws, request, teller)
        return 0 if look_at(run.id, aws, request, teller) else 1
    except BaseException as error:
        # Also when it was killed while it was submitted: ZenML knows the run by then, or there is none.
        run = run or _run_of(name)
        if run is not None and aws is not None and not isinstance(error, FailedError):
            _stop(run, aws, teller)
        raise
    finally:
        if not request.keep:
            clean_up(name, teller)


def _registered(request: Request) -> str:
    found = Client().list_stacks(name=f"equals:{request.stack}", hydrate=True).items
    for stack in found:
        labels = stack.labels or {}
        if (labels.get(PROJECT_LABEL), labels.get(ENVIRONMENT_LABEL)) == (request.project, request.environment):
            return str(stack.id)
    raise FailedError("not registered", "another's" if found else "absent")


def _submit(name: str, request: Request, teller: Teller, *, sagemaker: bool) -> Any:
    settings: dict[str, Any] = {}
    if request.image:
        settings["docker"] = DockerSettings(parent_image=request.image, skip_build=True)
    elif sagemaker:
        teller.tell("news", text="building the image of the steps, unless there is one already")
    if sagemaker:
        # Waited for here, with a look at each step.
        settings["orchestrator.sagemaker"] = {"synchronous": False}
    smoke = importlib.import_module("smoke")
    try:
        run = pipeline(name=name, enable_cache=False, settings=settings)(smoke.smoke)(request.mark)
    except Exception as error:
        traceback.print_exc()
        raise FailedError("submit", _said(error)) from None
    if run is None:
        raise FailedError("submit", "ZenML started no run")
    return Client().get_pipeline_run(run.id, hydrate=True)


def _follow(run_id: Any, aws: AwsSide | None, request: Request, teller: Teller) -> None:
    """Until the run ended. Raises FailedError when it failed, or not in time."""
    deadline = time.monotonic() + request.timeout
    told: dict[str, str] = {}
    asked = 0.0
    while True:
        run = Client().get_pipeline_run(run_id, hydrate=True)
        steps = Client().list_run_steps(pipeline_run_id=run_id, hydrate=True).items
        for step in steps:
            if told.get(step.name) != step.status.value:
                told[step.name] = step.status.value
                teller.tell("step", step.name, step.status.value, seconds=_seconds(step))
        if run.status == ExecutionStatus.COMPLETED and told.get("read") == "completed":
            return
        failed = [step for step in steps if step.status == ExecutionStatus.FAILED]
        execution = _execution(run)
        ended = None
        if aws is not None and execution and time.monotonic() - asked > _ASK_AWS_EVERY:
            asked = time.monotonic()
            ended = aws.ended_badly(execution)
        if failed or run.status.is_finished or ended:
            where = f"step {failed[0].name}" if failed else "run"
            said = [step.exception_info.traceback for step in failed if step.exception_info]
            heard = aws.said(execution) if aws is not None and execution else []
            raise FailedError(where, *said, *heard, ended or "", f"ZenML says that the run {run.status.value}")
        if time.monotonic() > deadline:
            state = ", ".join(f"{name} {status}" for name, status in told.items()) or "no step has started"
            if aws is not None:
                _stop(run, aws, teller)
            raise FailedError("timeout", state)
        time.sleep(_POLL)


def _stop(run: Any, aws: AwsSide, teller: Teller) -> None:
    execution = _execution(run)
    if not execution:
        return
    error = aws.stop(execution)
    if error is None:
        # What a job still writes while it ends would be left behind.
        aws.wait(execution, _STOPPING)
    teller.tell("stopped", execution, error or "", ok=error is None)


def _run_of(name: str) -> Any:
    found = Client().list_pipeline_runs(pipeline_name=name, hydrate=True).items
    return found[0] if found else None


def _execution(run: Any) -> str | None:
    """ARN of the pipeline execution on SageMaker."""
    known = run.run_metadata.get("orchestrator_run_id") or run.orchestrator_run_id
    return str(known) if known else None


def _seconds(step: Any) -> float | None:
    return (step.end_time - step.start_time).total_seconds() if step.end_time and step.start_time else None


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
