"""What SageMaker's execution role is for: running the jobs of a pipeline or a step, and nothing of ZenML's own."""

import re
from dataclasses import dataclass

from pydantic import JsonValue

from components.iam import Statement, pass_role, service_trust
from components.names import EXECUTION, Names

_ROLES = "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"
_PIPELINES = "https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-access.html"
# Families whose instances have disks that the hardware encrypts; SageMaker refuses a job that names a key for those.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html (VolumeKmsKeyId)
_OWN_DISKS = re.compile(r"g4dn|g5|g6e?|p3dn|p4de?|p5e?n?|trn1n?|trn2|inf2|[cmr]\d+[agi]?d[n]?")


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """How every job runs, once AWS has said what things are called."""

    instance_type: str
    key_arn: str | None = None
    """Encrypts the volumes of a job and what it leaves."""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()

    def estimator_args(self) -> dict[str, JsonValue]:
        """Arguments of the SageMaker SDK's Estimator, which is all that ZenML hands on."""
        args: dict[str, JsonValue] = {}
        if self.key_arn:
            args["output_kms_key"] = self.key_arn
            if not _OWN_DISKS.fullmatch(self.instance_type.split(".")[1]):
                args["volume_kms_key"] = self.key_arn
        if self.subnet_ids:
            args |= {"subnets": list(self.subnet_ids), "security_group_ids": list(self.security_group_ids)}
        return args


def execution_trust(names: Names) -> Statement:
    return service_trust("sagemaker.amazonaws.com", names.account_id, _ROLES)


def execution_permissions(names: Names, *, pipelines: bool) -> tuple[Statement, ...]:
    """Rights of the execution role beside those on the bucket and the repository.

    With `pipelines` it is both the pipeline's role, which creates the jobs, and the jobs' own. It has no right on
    artifacts: a step gets those from ZenML's service connector.
    """
    return (*(_pipeline_permissions(names) if pipelines else ()), *_job_permissions(names))


def _pipeline_permissions(names: Names) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="PipelineJobs",
            actions=(
                "sagemaker:AddTags",
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
            ),
            resources=(names.arn("sagemaker", "training-job/*"),),
            why="a pipeline runs each step as a training job, whose name SageMaker makes up",
            source=_PIPELINES,
        ),
        pass_role(
            "PipelineJobsRole",
            names.role_arn(EXECUTION),
            "sagemaker.amazonaws.com",
            why="the pipeline hands its own role to the jobs it creates",
            source=_PIPELINES,
        ),
    )


def _job_permissions(names: Names) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="JobLogs",
            actions=(
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ),
            resources=(names.arn("logs", "log-group:/aws/sagemaker/*"),),
            why="the output of every job; the log group is shared by all SageMaker jobs of the account",
            source=_ROLES,
        ),
        Statement(
            sid="JobMetrics",
            actions=("cloudwatch:PutMetricData",),
            resources=("*",),
            conditions={"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}},
            why="cloudwatch:PutMetricData knows no resource-level permission; the namespace limits it",
            source=_ROLES,
        ),
    )


def grant_jobs(names: Names) -> tuple[Statement, ...]:
    """What ZenML needs to run a single step, or a dynamic pipeline, as a training job."""
    return (
        Statement(
            sid="StepJobs",
            actions=(
                "sagemaker:AddTags",
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
            ),
            resources=(names.arn("sagemaker", "training-job/*"),),
            why="jobs are started, watched and cancelled: by the step operator its steps, by the orchestrator dynamic "
            "pipelines and their steps",
            source="zenml/integrations/aws/step_operators/sagemaker_step_operator.py; "
            "zenml/integrations/aws/orchestrators/sagemaker_orchestrator.py, submit_dynamic_pipeline",
        ),
    )


def grant_job_logs(names: Names) -> tuple[Statement, ...]:
    """What ZenML needs to show the output of a dynamic pipeline that it waits for."""
    return (
        Statement(
            sid="StepJobLogs",
            actions=("logs:DescribeLogStreams", "logs:GetLogEvents"),
            resources=(names.arn("logs", "log-group:/aws/sagemaker/*"),),
            why="with synchronous: true the SageMaker SDK shows the output of a dynamic pipeline while it runs",
            source="zenml/integrations/aws/orchestrators/sagemaker_orchestrator.py; sagemaker/session.py, logs_for_job",
        ),
    )


def grant_pass_execution_role(names: Names) -> Statement:
    """What ZenML needs to start anything on SageMaker with the execution role."""
    return pass_role(
        "PassExecutionRole",
        names.role_arn(EXECUTION),
        "sagemaker.amazonaws.com",
        why="whoever creates a pipeline or a job hands it the execution role",
        source=_ROLES,
    )
