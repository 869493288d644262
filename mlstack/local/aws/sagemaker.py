"""Makes moto's SageMaker run what it is given.

moto keeps pipelines and jobs and calls them finished at once. Here a job is a process, a pipeline execution is the jobs
of its steps in order, and both can be stopped. Calls that moto lacks (Stop*, ListPipelineExecutionSteps) are added.
"""

import json
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ConflictException, ResourceInUseException, ValidationError
from moto.sagemaker.responses import SageMakerResponse
from moto.sagemaker.utils import get_pipeline_execution_from_arn, get_pipeline_from_name

from mlstack.local.aws.job_runner import JobRunner
from mlstack.local.aws.pipeline_definition import DefinitionError, JobRequest, PipelineDefinition
from mlstack.local.aws.pipeline_run import StepRun
from mlstack.local.aws.quotas import check_quota
from mlstack.local.aws.roles import RoleError
from mlstack.local.aws.shown_jobs import definition_text, show, show_stopping


def mend_sagemaker(runner: JobRunner) -> None:
    """Patches moto in this process."""
    operations = _Operations(runner)
    for name in ("create_pipeline", "update_pipeline", "delete_pipeline", "start_pipeline_execution"):
        setattr(SageMakerResponse, name, _around(getattr(SageMakerResponse, name), getattr(operations, name)))
    describe = SageMakerResponse.describe_pipeline_execution
    SageMakerResponse.describe_pipeline_execution = _around(describe, operations.describe_pipeline_execution)
    for name in ("stop_pipeline_execution", "list_pipeline_execution_steps"):
        setattr(SageMakerResponse, name, _instead(getattr(operations, name)))
    for kind in ("Training", "Processing"):
        setattr(SageMakerResponse, f"create_{kind.lower()}_job", _instead(operations.create_job, kind))
        setattr(SageMakerResponse, f"stop_{kind.lower()}_job", _instead(operations.stop_job, kind))


Answer = Any
"""moto's ActionResult: moto has no types to follow here."""


def _around(original: Callable[[Any], Any], operation: Callable[..., Any]) -> Callable[[Any], Any]:
    """A method for moto's class: `operation` gets the request and moto's own way to answer it."""
    return lambda response: operation(response, lambda: original(response))


def _instead(operation: Callable[..., Any], *more: str) -> Callable[[Any], Any]:
    return lambda response: operation(response, *more)


class _Operations:
    """SageMaker's operations that differ from moto's. `request` is moto's SageMakerResponse, which holds it."""

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner

    def create_pipeline(self, request: Any, answer: Callable[[], Answer]) -> Answer:
        _check_definition(request)
        return answer()

    def update_pipeline(self, request: Any, answer: Callable[[], Answer]) -> Answer:
        _check_definition(request)
        return answer()

    def delete_pipeline(self, request: Any, answer: Callable[[], Answer]) -> Answer:
        name = request._get_param("PipelineName")
        pipeline = get_pipeline_from_name(request.sagemaker_backend.pipelines, name)
        for execution in list(pipeline.pipeline_executions.values()):
            if execution.pipeline_execution_status in ("Executing", "Stopping"):
                raise ConflictException(f"Pipeline {name} has a running execution: {execution.arn}")
        return answer()

    def start_pipeline_execution(self, request: Any, answer: Callable[[], Answer]) -> Answer:
        started = answer()
        pipeline = get_pipeline_from_name(request.sagemaker_backend.pipelines, request._get_param("PipelineName"))
        try:
            self._runner.start_pipeline(pipeline.pipeline_executions[started.result["PipelineExecutionArn"]], pipeline)
        except DefinitionError as error:
            raise ValidationError(str(error)) from None
        return started

    def describe_pipeline_execution(self, request: Any, answer: Callable[[], Answer]) -> Answer:
        described = answer()
        described.result["FailureReason"] = _execution(request).pipeline_execution_failure_reason
        return described

    def stop_pipeline_execution(self, request: Any) -> Answer:
        execution = _execution(request)
        self._runner.stop_pipeline(execution)
        return ActionResult({"PipelineExecutionArn": execution.arn})

    def list_pipeline_execution_steps(self, request: Any) -> Answer:
        steps = self._runner.steps_of(_execution(request).arn)
        # As the API says: latest first, unless asked otherwise.
        steps.sort(key=lambda step: step.started, reverse=request._get_param("SortOrder") != "Ascending")
        return ActionResult({"PipelineExecutionSteps": [_step(step) for step in steps]})

    def create_job(self, request: Any, kind: str) -> Answer:
        arguments = json.loads(request.body)
        name = arguments[f"{kind}JobName"]
        if name in _jobs(request, kind):
            raise ResourceInUseException(f"Job name must be unique within an AWS account and region: {name}")
        try:
            asked = JobRequest.parse(kind, arguments)
            check_quota(kind, arguments)
            shown = show(request.sagemaker_backend, kind, name, arguments)
            self._runner.start_job(name, asked, shown)
        except (DefinitionError, RoleError) as error:
            _jobs(request, kind).pop(name, None)
            raise ValidationError(str(error)) from None
        return ActionResult({f"{kind}JobArn": shown.arn})

    def stop_job(self, request: Any, kind: str) -> Answer:
        name = request._get_param(f"{kind}JobName")
        job = _jobs(request, kind).get(name)
        if job is None:
            raise ValidationError(f"Requested resource not found: {name}")
        if getattr(job, f"{kind.lower()}_job_status") == "InProgress":
            show_stopping(job, kind)
            self._runner.stop_job(name)
        return EmptyResult()


def _check_definition(request: Any) -> None:
    """CreatePipeline refuses a broken definition. One that lies in S3 is read, and checked, when it is started."""
    if text := request._get_param("PipelineDefinition"):
        try:
            PipelineDefinition.parse(definition_text(text))
        except DefinitionError as error:
            raise ValidationError(str(error)) from None


def _execution(request: Any) -> Any:
    return get_pipeline_execution_from_arn(
        request.sagemaker_backend.pipelines, request._get_param("PipelineExecutionArn")
    )


def _jobs(request: Any, kind: str) -> dict[str, Any]:
    jobs: dict[str, Any] = getattr(request.sagemaker_backend, f"{kind.lower()}_jobs")
    return jobs


def _step(step: StepRun) -> dict[str, Any]:
    described: dict[str, Any] = {
        "StepName": step.name,
        "StartTime": step.started,
        "EndTime": step.ended,
        "StepStatus": step.status,
        "AttemptCount": 1,
        "FailureReason": step.reason,
        "Metadata": {step.job_kind: {"Arn": step.job_arn}} if step.job_arn else None,
    }
    return {key: value for key, value in described.items() if value is not None}
