"""Jobs as moto keeps them, which is what DescribeTrainingJob and DescribeProcessingJob answer with."""

import inspect
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mlstack.local.aws.jobs import JobEnd
from mlstack.local.aws.pipeline_definition import DefinitionError


def show(backend: Any, kind: str, name: str, arguments: Mapping[str, Any]) -> Any:
    """Make moto's object for a job from the arguments of CreateTrainingJob or CreateProcessingJob."""
    if kind == "Training" and not (arguments.get("OutputDataConfig") or {}).get("S3OutputPath"):
        raise DefinitionError("a training job needs OutputDataConfig.S3OutputPath")
    create = backend.create_training_job if kind == "Training" else backend.create_processing_job
    # moto's parameters are the API's members in snake case.
    given = {
        each: arguments.get("".join(map(str.title, each.split("_")))) for each in inspect.signature(create).parameters
    }
    job = create(**(given | {f"{kind.lower()}_job_name": name}))
    job.environment = dict(arguments.get("Environment") or {})
    if kind == "Training":
        # Metrics of no job that ever ran, which moto adds to every job.
        job.algorithm_specification.pop("MetricDefinitions", None)
        job.final_metric_data_list = []
        job.secondary_status_transitions = []
    return job


def show_start(job: Any, kind: str) -> None:
    now = datetime.now(UTC)
    job.last_modified_time = now
    if kind == "Processing":
        job.processing_job_status, job.processing_start_time, job.processing_end_time = "InProgress", now, None
        return
    job.training_job_status, job.training_start_time, job.training_end_time = "InProgress", now, None
    _transition(job, "Training", now)


def show_stopping(job: Any, kind: str) -> None:
    setattr(job, f"{kind.lower()}_job_status", "Stopping")
    if kind == "Training":
        _transition(job, "Stopping", datetime.now(UTC))


def show_end(job: Any, kind: str, end: JobEnd) -> None:
    now = datetime.now(UTC)
    job.last_modified_time = now
    job.failure_reason = end.reason
    setattr(job, f"{kind.lower()}_end_time", now)
    setattr(job, f"{kind.lower()}_job_status", end.outcome)
    if kind == "Training":
        _transition(job, end.outcome, now)
        job.secondary_status_transitions[-1]["EndTime"] = now


def definition_text(definition: object) -> str:
    """A pipeline's definition: moto has it as text, or decoded when it came from S3."""
    return definition if isinstance(definition, str) else json.dumps(definition)


def _transition(job: Any, status: str, now: datetime) -> None:
    if job.secondary_status_transitions:
        job.secondary_status_transitions[-1]["EndTime"] = now
    job.secondary_status_transitions.append({"Status": status, "StartTime": now, "StatusMessage": ""})
    job.secondary_status = status
