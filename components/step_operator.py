"""SageMaker as ZenML's step operator: single steps as training jobs."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pydantic import JsonValue

from components.flavors import configured
from components.names import Names
from components.sagemaker import JobSettings
from mlstack.contract import Component


@dataclass(frozen=True, kw_only=True)
class StepOperatorArgs:
    names: Names
    execution_role_arn: str
    """The role that the jobs run as."""
    instance_type: str
    """Of steps that name none themselves."""
    configuration: dict[str, JsonValue] = field(default_factory=dict)
    """More keys of ZenML's sagemaker step operator; they win over the defaults below."""


class StepOperator(ComponentResource):
    """Runs single steps as SageMaker training jobs. Those need no resource beforehand: this is rights and settings."""

    output_uri: Output[str]
    """`s3://<bucket>/<prefix>/sagemaker`, where the jobs put what they leave."""

    def __init__(self, name: str, args: StepOperatorArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:StepOperator", name, {}, opts)
        self._args = args
        self.output_uri = Output.from_input(args.names.job_output_uri)
        self.register_outputs({"output_uri": self.output_uri})

    def zenml_component(self, stack_name: str, jobs: JobSettings) -> Component:
        """How ZenML is to run single steps."""
        args = self._args
        return Component(
            name=stack_name,
            flavor="sagemaker",
            configuration=configured(
                {
                    "role": args.execution_role_arn,
                    "bucket": args.names.bucket,
                    # Without output_path the jobs write to the root of the bucket, among ZenML's artifacts.
                    "estimator_args": {
                        "instance_type": args.instance_type,
                        "output_path": args.names.job_output_uri,
                        **jobs.estimator_args(),
                    },
                },
                args.configuration,
            ),
            connector="aws",
        )
