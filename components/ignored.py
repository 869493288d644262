"""Settings that ZenML or the SageMaker SDK take in silence and then ignore, overwrite or fail on, with the way out.

Read from zenml 0.98.0 (`integrations/aws/orchestrators/sagemaker_orchestrator.py`, `step_operators/
sagemaker_step_operator.py`, `image_builders/aws_image_builder.py`) and sagemaker 2.x (`estimator.py`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from components.flavors import estimator_arguments
from mlstack.errors import nearest

Trap = tuple[str, str]
"""Path below the component's setting, and what follows `is <value>: `."""

_OVERWRITTEN = "ZenML overwrites it"
_TWICE = "ZenML sets it too, and every run fails with `multiple values for keyword argument`"

# Arguments of the Estimator. Both components run one container of the step's image with ZenML's own command.
_OF_BOTH = {
    "image_uri": f"{_OVERWRITTEN}: the image is the pipeline's, by its Docker settings",
    "instance_count": f"{_OVERWRITTEN} with 1: a step runs on one instance",
    "instance_groups": "it excludes instance_count, which ZenML sets: remove it",
    "sagemaker_session": f"{_OVERWRITTEN} with the connector's session",
    "container_entry_point": f"{_OVERWRITTEN} with the command that runs the step",
    "container_arguments": f"{_OVERWRITTEN} with the command that runs the step",
    "role": "the role is the one the program creates: what it may do is in components/",
    "enable_network_isolation": "a step without network reaches neither ZenML nor its artifacts; use mlstack:network",
}
_OF_ORCHESTRATOR = {
    **_OF_BOTH,
    "container_entry_point": f"{_TWICE}: the command is the one that runs the step",
    "container_arguments": f"{_TWICE}: the command is the one that runs the step",
    "base_job_name": f"{_TWICE}: jobs are named after pipeline and step",
    "environment": f"{_TWICE}: use orchestratorConfig.environment",
    "output_path": f"{_TWICE}: use orchestratorConfig.output_data_s3_uri",
    "keep_alive_period_in_seconds": f"{_TWICE}: use orchestratorConfig.keep_alive_period_in_seconds",
    "instance_type": "ZenML then ignores the instance type of stack and steps; use mlstack:instanceType",
    "volume_size": "ZenML then ignores volume_size_in_gb; use orchestratorConfig.volume_size_in_gb",
    "max_run": "ZenML then ignores max_runtime_in_seconds; use orchestratorConfig.max_runtime_in_seconds",
    "tags": "ZenML then ignores the tags of the stack; use orchestratorConfig.tags",
}
_OF_STEP_OPERATOR = {
    **_OF_BOTH,
    "environment": f"{_OVERWRITTEN}: use stepOperatorConfig.environment",
    "base_job_name": "it has no effect: ZenML names each job itself",
}
_CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


def traps(component: str, flavor: str, given: Mapping[str, Any], *, connectors: bool) -> Iterator[Trap]:
    """What of a component's own settings would not do what it says. `connectors`: whether it has one."""
    if (component, flavor) == ("orchestrator", "sagemaker"):
        yield from _estimator(given, _OF_ORCHESTRATOR)
        yield from _orchestrator(given, connectors=connectors)
    elif (component, flavor) == ("step_operator", "sagemaker"):
        yield from _estimator(given, _OF_STEP_OPERATOR)
        if "instance_type" in given:
            yield "instance_type", _USE_ARGUMENT
    elif component == "image_builder" and given.get("implicit_container_registry_auth") is False:
        text = "ZenML would hand the registry's password to the build in plain text; the build's own role logs in"
        yield "implicit_container_registry_auth", text
    elif component == "artifact_store":
        for name in _CREDENTIALS:
            if name in _mapping(given.get("client_kwargs")):
                text = "it is a credential: the service connectors make it needless, and here it would be public"
                yield f"client_kwargs.{name}", text


_USE_ARGUMENT = (
    "ZenML ignores it beside estimator_args.instance_type, which the program sets; use mlstack:instanceType, or "
    "stepOperatorConfig.estimator_args.instance_type"
)


def _orchestrator(given: Mapping[str, Any], *, connectors: bool) -> Iterator[Trap]:
    if "input_data_s3_mode" in given and not given.get("input_data_s3_uri"):
        yield "input_data_s3_mode", "it has no effect without input_data_s3_uri: set that, or remove it"
    if given.get("output_data_s3_mode", "EndOfJob") != "EndOfJob":
        yield "output_data_s3_mode", "only processing jobs upload while they run; steps run as training jobs: EndOfJob"
    if isinstance(given.get("output_data_s3_uri"), Mapping):
        text = "only processing jobs have more than one output; steps run as training jobs: give one address"
        yield "output_data_s3_uri", text
    if "processor_tags" in given:
        yield "processor_tags", "it is of processing jobs, and out of date; use orchestratorConfig.tags"
    if "instance_type" in given:
        yield "instance_type", "the encryption of the jobs' volumes depends on it too; use mlstack:instanceType"
    if "aws_auth_role_arn" in given and connectors:
        text = "ZenML ignores it beside a service connector, which has a role of its own: mlstack:connector.auth none"
        yield "aws_auth_role_arn", text
    yield from _limits(given)


def _limits(given: Mapping[str, Any]) -> Iterator[Trap]:
    for name, least, most in (
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
        ("volume_size_in_gb", 1, 16_384),
        ("keep_alive_period_in_seconds", 0, 3_600),
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html; more by a quota alone
        ("max_runtime_in_seconds", 1, 2_419_200),
    ):
        value = given.get(name)
        if value is not None and not (type(value) is int and least <= value <= most):
            yield name, f"SageMaker takes whole numbers from {least} to {most}"


def _estimator(given: Mapping[str, Any], refused: Mapping[str, str]) -> Iterator[Trap]:
    known = estimator_arguments()
    for name in _mapping(given.get("estimator_args")):
        if name in refused:
            yield f"estimator_args.{name}", refused[name]
        elif name not in known:
            # Its constructor takes any keyword and forgets it.
            yield f"estimator_args.{name}", f"the SageMaker SDK would ignore it{nearest(name, known - refused.keys())}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
