"""What AWS itself says of a run on SageMaker, asked through the stack's own connector."""

from __future__ import annotations

import time
from typing import Any

_LINES = 30


class AwsSide:
    """The orchestrator's session, as ZenML's own component opens it."""

    def __init__(self, session: Any) -> None:
        self._sagemaker = session.sagemaker_client
        self._logs = session.boto_session.client("logs")

    @classmethod
    def of(cls, stack: Any) -> AwsSide | None:
        """None for an orchestrator elsewhere."""
        return cls(stack.orchestrator.sagemaker_session) if stack.orchestrator.flavor == "sagemaker" else None

    def ended_badly(self, execution: str) -> str | None:
        """What SageMaker says of an execution that failed or was stopped, else None."""
        found = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        if found["PipelineExecutionStatus"] not in ("Failed", "Stopped"):
            return None
        return f"SageMaker: {found['PipelineExecutionStatus']}: {found.get('FailureReason', 'no reason given')}"

    def status(self, execution: str) -> str:
        return str(
            self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)["PipelineExecutionStatus"]
        )

    def wait(self, execution: str, seconds: float) -> None:
        """Until it ended, or not any longer."""
        deadline = time.monotonic() + seconds
        while self.status(execution) in ("Executing", "Stopping") and time.monotonic() < deadline:
            time.sleep(1)

    def job(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self._sagemaker.describe_training_job(TrainingJobName=arn.rpartition("/")[2])
        return found

    def said(self, execution: str) -> list[str]:
        """Why steps failed: their reasons, then the end of their output. What cannot be had is left out."""
        try:
            listed = self._sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)
        except Exception as error:
            return [str(error)]
        texts: list[str] = []
        for step in listed["PipelineExecutionSteps"]:
            if step["StepStatus"] != "Failed":
                continue
            texts.append(f"step {step['StepName']}: {step.get('FailureReason', '')}")
            job = step.get("Metadata", {}).get("TrainingJob", {}).get("Arn", "")
            if job:
                texts.append(self.output(job)[1])
        return texts

    def output(self, job: str) -> tuple[str | None, str]:
        """The log stream of a job in CloudWatch, and the end of what it holds."""
        group, name = "/aws/sagemaker/TrainingJobs", job.rpartition("/")[2]
        try:
            streams = self._logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
            if not streams:
                return None, ""
            stream = streams[0]["logStreamName"]
            found = self._logs.get_log_events(logGroupName=group, logStreamName=stream, limit=200)["events"]
        except Exception as error:
            return None, str(error)
        return f"{group}/{stream}", "\n".join(each["message"] for each in found[-_LINES:])

    def stop(self, execution: str) -> str | None:
        """Stop it; what AWS says when it does not."""
        try:
            self._sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
        except Exception as error:
            return str(error)
        return None
