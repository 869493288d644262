"""A data scientist's project beside the demo's: a schedule, a step of the step operator, and an image of its own."""

import argparse
import os
import sys
import time
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from zenml import pipeline, step
from zenml.client import Client
from zenml.config import DockerSettings
from zenml.config.schedule import Schedule
from zenml.enums import ExecutionStatus
from zenml.utils.run_utils import refresh_run_status


@step(enable_cache=False)  # type: ignore[untyped-decorator]
def load() -> Annotated[list[int], "numbers"]:
    return [1, 2, 3]


@step(enable_cache=False)  # type: ignore[untyped-decorator]
def add_up(numbers: list[int]) -> Annotated[int, "total"]:
    return sum(numbers)


@pipeline  # type: ignore[untyped-decorator]
def numbers() -> None:
    add_up(load())


@pipeline(dynamic=True)  # type: ignore[untyped-decorator]
def dynamic_numbers() -> None:
    """Its steps are decided upon while it runs, in a job of its own; each then is a job beside it."""
    add_up.with_options(runtime="isolated")(load())


def on_the_step_operator(operator: str) -> Any:
    apart = add_up.with_options(step_operator=operator)

    @pipeline  # type: ignore[untyped-decorator]
    def apart_numbers() -> None:
        apart(load())

    return apart_numbers


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("what", choices=("schedule", "step operator", "dynamic pipeline", "image build", *OTHERS))
    arguments.add_argument("--image", required=True)
    options = arguments.parse_args()
    prebuilt = {"docker": DockerSettings(parent_image=options.image, skip_build=True)}
    if options.what in OTHERS:
        OTHERS[options.what]()
        return 0
    if options.what == "schedule":
        numbers.with_options(schedule=Schedule(cron_expression="0 5 * * ? *"), settings=prebuilt)()
        return 0
    if options.what == "step operator":
        operator = Client().active_stack.step_operator
        run = on_the_step_operator(operator.name).with_options(settings=prebuilt)()
    elif options.what == "dynamic pipeline":
        # ZenML does not hand the orchestrator's own environment to the job of a dynamic pipeline.
        watched = {name: os.environ[name] for name in ("PYTHONPATH", "MLSTACK_CALLS")} | {"MLSTACK_CALLS_FROM": "step"}
        run = dynamic_numbers.with_options(settings=prebuilt, environment=watched)()
    else:
        run = numbers()
    return wait(run.id)


def wait(run_id: UUID) -> int:
    deadline = time.monotonic() + timedelta(minutes=5).total_seconds()
    asked = False
    while time.monotonic() < deadline:
        run = Client().get_pipeline_run(run_id, hydrate=True)
        if run.status.is_finished:
            return 0 if run.status.is_successful else 1
        if run.status == ExecutionStatus.RUNNING and not asked:
            # As `zenml pipeline runs refresh`: asks SageMaker. By themselves the steps tell ZenML.
            refresh_run_status(run)
            asked = True
        time.sleep(0.5)
    return 1


def clean_up() -> None:
    """Take an artifact away, data included: `zenml artifact version delete`."""
    client = Client()
    version = client.list_artifact_versions(artifact="total", sort_by="desc:created", hydrate=True).items[0]
    client.delete_artifact_version(version.id, delete_metadata=False, delete_from_artifact_store=True)


def log_in_to_the_registry() -> None:
    """As `docker push` of a local image builder needs it."""
    registry = Client().active_stack.container_registry
    assert registry.credentials


def write_in_parts() -> None:
    """More than s3fs sends at once."""
    store = Client().active_stack.artifact_store
    path = f"{store.path}/load/numbers/{uuid4()}/{uuid4().hex[:8]}/data.bin"
    with store.open(path, "wb") as file:
        file.write(b"0" * 120 * 2**20)
    with store.open(path, "ab") as file:
        file.write(b"1")


OTHERS = {"registry log-in": log_in_to_the_registry, "large artifact": write_in_parts, "clean-up": clean_up}


if __name__ == "__main__":
    sys.exit(main())
