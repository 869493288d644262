"""SageMaker Pipelines as ZenML's orchestrator."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pydantic import JsonValue

from components import sagemaker
from components.flavors import configured
from components.iam import Statement, pass_role, service_trust
from components.names import SCHEDULER, Names
from components.role import Role, RoleArgs
from components.sagemaker import JobSettings
from mlstack.contract import Component

_SCHEDULES = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html"


@dataclass(frozen=True, kw_only=True)
class OrchestratorArgs:
    names: Names
    execution_role_arn: str
    """The role that pipelines and their jobs run as."""
    instance_type: str
    """Of steps that name none themselves."""
    configuration: dict[str, JsonValue] = field(default_factory=dict)
    """More keys of ZenML's sagemaker orchestrator; they win over the defaults below."""
    permissions_boundary: str | None = None
    exclusive_roles: bool = False
    """Take all other policies away from its role."""
    tags: dict[str, str] = field(default_factory=dict)


class Orchestrator(ComponentResource):
    """Runs pipelines on SageMaker, now or on a schedule.

    SageMaker needs no resource beforehand: ZenML creates a pipeline for each run. What is made here is the role that
    EventBridge Scheduler starts scheduled runs with.
    """

    scheduler_role_arn: Output[str]
    """Role of scheduled runs."""

    def __init__(self, name: str, args: OrchestratorArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:Orchestrator", name, {}, opts)
        self._args = args
        self._scheduler = Role(
            f"{name}-scheduler",
            RoleArgs(
                names=args.names,
                purpose=SCHEDULER,
                description="Starts scheduled ZenML pipelines",
                trust=scheduler_trust(args.names),
                permissions=scheduler_permissions(args.names),
                permissions_boundary=args.permissions_boundary,
                exclusive=args.exclusive_roles,
                tags=args.tags,
            ),
            opts=ResourceOptions(parent=self),
        )
        self.scheduler_role_arn = self._scheduler.arn
        self.register_outputs({"scheduler_role_arn": self.scheduler_role_arn})

    def zenml_component(self, stack_name: str, jobs: JobSettings) -> Component:
        """How ZenML is to run pipelines."""
        args = self._args
        return Component(
            name=stack_name,
            flavor="sagemaker",
            configuration=configured(
                {
                    "execution_role": args.execution_role_arn,
                    "scheduler_role": self._scheduler.plain_arn,
                    # Without these two the SDK creates a bucket of its own, sagemaker-<region>-<account>.
                    "bucket": args.names.bucket,
                    "output_data_s3_uri": args.names.job_output_uri,
                    "region": args.names.region,
                    "instance_type": args.instance_type,
                    # ZenML gives up waiting after 50 minutes; the run goes on and its state is in ZenML anyway.
                    "synchronous": False,
                    # ZenML asks for warm pools by default, which need a quota that new accounts do not have.
                    "keep_alive_period_in_seconds": None,
                    "tags": dict(args.tags),
                    "pipeline_tags": dict(args.tags),
                    "estimator_args": jobs.estimator_args(),
                },
                args.configuration,
            ),
            connector="aws",
        )


def scheduler_trust(names: Names) -> Statement:
    return service_trust("scheduler.amazonaws.com", names.account_id, _SCHEDULES)


def scheduler_permissions(names: Names) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="StartPipelines",
            actions=("sagemaker:StartPipelineExecution",),
            resources=(names.arn("sagemaker", "pipeline/*"),),
            why="a schedule starts its pipeline; ZenML names each pipeline anew",
            source="https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html",
        ),
    )


def grant_submit(names: Names) -> tuple[Statement, ...]:
    """What ZenML needs to start pipelines, now and on a schedule, and to follow them."""
    orchestrator = "zenml/integrations/aws/orchestrators/sagemaker_orchestrator.py"
    return (
        Statement(
            sid="Pipelines",
            actions=(
                "sagemaker:AddTags",
                "sagemaker:CreatePipeline",
                "sagemaker:DescribePipeline",
                "sagemaker:DescribePipelineExecution",
                "sagemaker:StartPipelineExecution",
            ),
            resources=(names.arn("sagemaker", "pipeline/*"),),
            why="each run is a pipeline of its own, named after ZenML's pipeline and a random suffix",
            source=orchestrator,
        ),
        Statement(
            sid="WatchAndStop",
            actions=("sagemaker:ListPipelineExecutionSteps", "sagemaker:StopPipelineExecution"),
            resources=(names.arn("sagemaker", "pipeline/*"),),
            why="mlstack verify says why a step failed, which SageMaker alone knows of one that never started, and "
            "stops the run that is interrupted",
            source="mlstack/verification/aws_side.py",
        ),
        Statement(
            sid="StudioLink",
            actions=("sagemaker:ListDomains",),
            resources=("*",),
            why="ZenML links to SageMaker Studio; sagemaker:ListDomains knows no resource-level permission",
            source=orchestrator,
        ),
        Statement(
            sid="Schedules",
            actions=("scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
            resources=(names.arn("scheduler", "schedule/default/*"),),
            why="a scheduled pipeline becomes an EventBridge schedule in the default group",
            source="sagemaker/workflow/_event_bridge_client_helper.py",
        ),
        Statement(
            sid="EndSchedules",
            actions=("scheduler:DeleteSchedule", "scheduler:GetSchedule"),
            resources=(names.arn("scheduler", "schedule/default/*"),),
            why="ZenML removes a schedule from its own list alone and AWS goes on starting runs: mlstack schedule "
            "removes both",
            source="mlstack/schedules/both_sides.py",
        ),
        pass_role(
            "PassSchedulerRole",
            names.role_arn(SCHEDULER),
            "scheduler.amazonaws.com",
            why="the schedule starts its pipeline with the scheduler role",
            source=orchestrator,
        ),
        *sagemaker.grant_jobs(names),
        *sagemaker.grant_job_logs(names),
    )
