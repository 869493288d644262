"""Runs jobs and pipeline executions in the background and shows in moto's objects how they fare."""

import secrets
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.logs.models import logs_backends
from moto.sagemaker.models import sagemaker_backends

from mlstack.local.aws.jobs import Job, JobEnd, JobHost
from mlstack.local.aws.pipeline_definition import DefinitionError, JobRequest, PipelineDefinition, Step, resolve
from mlstack.local.aws.pipeline_run import PipelineRun, StepRun
from mlstack.local.aws.quotas import ResourceLimitExceeded, check_quota
from mlstack.local.aws.roles import JobCredentials, RoleError, check_trust
from mlstack.local.aws.shown_jobs import definition_text, show, show_end, show_start

_SERVICE = "sagemaker.amazonaws.com"
LOG_GROUP = "/aws/sagemaker/{}Jobs"
"""CloudWatch log group of SageMaker's jobs, by their kind. SageMaker makes it with the first job."""


class JobRunner:
    """Runs jobs and pipelines in threads of this process, and shows in moto's objects how they fare."""

    def __init__(self, host: JobHost, account: str, credentials: JobCredentials) -> None:
        self._host = host
        self._account = account
        self._credentials = credentials
        self._jobs: dict[str, Job] = {}
        self._pipelines: dict[str, tuple[PipelineRun, list[str]]] = {}
        self._threads: list[threading.Thread] = []
        self._closing = False
        # Steps that run side by side must not make the same log group twice.
        self._logging = threading.Lock()

    @property
    def backend(self) -> Any:
        return sagemaker_backends[self._account][self._host.region]

    def start_job(self, name: str, request: JobRequest, shown: Any) -> None:
        """Run a job in the background. Raises RoleError when SageMaker may not assume its role."""
        self._check(request, shown.arn)
        show_start(shown, request.kind)
        self._start(lambda: self._run(name, request, shown))

    def stop_job(self, name: str) -> None:
        if (job := self._jobs.get(name)) is not None:
            job.stop()

    def start_pipeline(self, execution: Any, pipeline: Any) -> None:
        """Run a pipeline execution in the background."""
        definition = PipelineDefinition.parse(definition_text(execution.pipeline_definition_for_execution))
        variables = _variables(execution, pipeline, definition)
        jobs: list[str] = []
        run = PipelineRun(
            definition, lambda step, state: _surely(lambda: self._run_step(execution.arn, step, state, variables))
        )
        self._pipelines[execution.arn] = (run, jobs)
        execution.pipeline_execution_status = "Executing"

        def follow() -> None:
            end = _surely(run.run)
            execution.pipeline_execution_failure_reason = end.reason
            execution.last_modified_time = datetime.now(UTC)
            execution.pipeline_execution_status = {"Completed": "Succeeded"}.get(end.outcome, end.outcome)

        self._start(follow)

    def stop_pipeline(self, execution: Any) -> None:
        run, jobs = self._pipelines[execution.arn]
        if execution.pipeline_execution_status != "Executing":
            return
        execution.pipeline_execution_status = "Stopping"
        run.stop()
        for name in jobs:
            self.stop_job(name)

    def steps_of(self, execution_arn: str) -> list[StepRun]:
        return list(self._pipelines[execution_arn][0].steps.values()) if execution_arn in self._pipelines else []

    def close(self) -> None:
        """Stop everything and wait until it ended."""
        self._closing = True
        for run, _ in self._pipelines.values():
            run.stop()
        for job in list(self._jobs.values()):
            job.stop()
        for thread in list(self._threads):
            thread.join()

    def _start(self, work: Callable[[], object]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _check(self, request: JobRequest, job_arn: str) -> None:
        check_trust(request.role_arn, _SERVICE, account=self._account, source_arn=job_arn)

    def _run_step(self, execution_arn: str, step: Step, state: StepRun, variables: dict[str, str]) -> JobEnd:
        if step.kind not in ("Training", "Processing"):
            return JobEnd("Failed", f"the emulator does not run steps of type {step.kind}")
        execution_id = execution_arn.rpartition("/")[2]
        name = f"pipelines-{execution_id}-{step.name[:26]}-{secrets.token_hex(5)}".replace("_", "-")
        try:
            arguments = resolve(step.arguments, variables)
            request = JobRequest.parse(step.kind, arguments)
            check_quota(step.kind, arguments)
            shown = show(self.backend, step.kind, name, arguments)
            state.job_arn = shown.arn
            self._check(request, shown.arn)
        except (DefinitionError, RoleError) as error:
            return JobEnd("Failed", f"ClientError: {error}")
        except ResourceLimitExceeded as error:
            asked = f"sagemaker:Create{step.kind}Job"
            return JobEnd("Failed", f"ClientError: Failed to invoke {asked}. Error Details: {error.message}")
        show_start(shown, step.kind)
        run, jobs = self._pipelines[execution_arn]
        jobs.append(name)
        return self._run(name, request, shown, stop_at_once=run.stopping)

    def _run(
        self, name: str, request: JobRequest, shown: Any, stop_at_once: Callable[[], bool] = lambda: False
    ) -> JobEnd:
        job = self._jobs[name] = Job(name, request, self._host)
        if self._closing or stop_at_once():
            job.stop()
        token = self._credentials.open(request.role_arn, name)
        about = {f"{request.kind.upper()}_JOB_NAME": name, f"{request.kind.upper()}_JOB_ARN": shown.arn}
        end = _surely(lambda: job.run(token, about, self._log_stream(name, request.kind)))
        self._credentials.close(token)
        del self._jobs[name]
        show_end(shown, request.kind, end)
        return end

    def _log_stream(self, job: str, kind: str) -> Callable[[list[str]], None]:
        logs = logs_backends[self._account][self._host.region]
        group = LOG_GROUP.format(kind)
        stream = f"{job}/algo-1-{int(datetime.now(UTC).timestamp())}"

        def put(lines: list[str]) -> None:
            now = int(datetime.now(UTC).timestamp() * 1000)
            with self._logging:
                if group not in logs.groups:
                    logs.create_log_group(group, {})
                logs.ensure_log_stream(group, stream)
                # CloudWatch refuses an empty message.
                logs.put_log_events(group, stream, [{"timestamp": now, "message": line or " "} for line in lines])

        put([])  # the stream is there from the start, as on SageMaker
        return put


def _surely(run: Callable[[], JobEnd]) -> JobEnd:
    """Whatever happens here, nobody waits for ever for a job that does not run any more."""
    try:
        return run()
    except Exception as error:
        traceback.print_exc()
        return JobEnd("Failed", f"InternalServerError: {error!r}; the emulator's log says more")


def _variables(execution: Any, pipeline: Any, definition: PipelineDefinition) -> dict[str, str]:
    """What `{"Get": ...}` may name.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html#build-and-manage-execution-variables
    """
    given = {each["Name"]: str(each["Value"]) for each in execution.pipeline_parameters or ()}
    return {
        **{f"Parameters.{name}": value for name, value in {**definition.defaults, **given}.items()},
        "Execution.PipelineExecutionArn": execution.arn,
        "Execution.PipelineExecutionId": execution.arn.rpartition("/")[2],
        "Execution.PipelineArn": pipeline.arn,
        "Execution.PipelineName": pipeline.pipeline_name,
        "Execution.StartDateTime": execution.start_time.isoformat(),
        "Execution.CurrentDateTime": datetime.now(UTC).isoformat(),
    }
