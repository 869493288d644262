"""Settings that ZenML would take and ignore are refused, each with key, value and way out."""

import json
from typing import Any

import pytest

from mlstack.errors import UsageError
from tests.components.stacks import settings


def _refusal(setting: str, value: dict[str, Any], **more: str) -> str:
    with pytest.raises(UsageError) as refused:
        settings({f"mlstack:{setting}": json.dumps(value), **{f"mlstack:{key}": text for key, text in more.items()}})
    return str(refused.value)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("orchestratorConfig", {"estimator_args": {"image_uri": "a"}}, "image_uri is 'a': ZenML overwrites it"),
        (
            "orchestratorConfig",
            {"estimator_args": {"instance_count": 2}},
            "instance_count is 2: ZenML overwrites it with 1",
        ),
        ("orchestratorConfig", {"estimator_args": {"environment": {"A": "b"}}}, "use orchestratorConfig.environment"),
        (
            "orchestratorConfig",
            {"estimator_args": {"output_path": "s3://b"}},
            "use orchestratorConfig.output_data_s3_uri",
        ),
        ("orchestratorConfig", {"estimator_args": {"instance_type": "ml.m5.large"}}, "use mlstack:instanceType"),
        ("orchestratorConfig", {"estimator_args": {"volume_size": 9}}, "use orchestratorConfig.volume_size_in_gb"),
        ("orchestratorConfig", {"estimator_args": {"max_run": 9}}, "use orchestratorConfig.max_runtime_in_seconds"),
        ("orchestratorConfig", {"estimator_args": {"role": "r"}}, "the role is the one the program creates"),
        ("orchestratorConfig", {"estimator_args": {"tags": []}}, "use orchestratorConfig.tags"),
        (
            "orchestratorConfig",
            {"estimator_args": {"keep_alive_period_in_seconds": 9}},
            "orchestratorConfig.keep_alive",
        ),
        (
            "orchestratorConfig",
            {"estimator_args": {"use_spot_instance": True}},
            "use_spot_instance is true: the SageMaker SDK would ignore it: did you mean use_spot_instances?",
        ),
        ("orchestratorConfig", {"estimator_args": {"enable_network_isolation": True}}, "use mlstack:network"),
        ("orchestratorConfig", {"input_data_s3_mode": "Pipe"}, "no effect without input_data_s3_uri"),
        ("orchestratorConfig", {"output_data_s3_mode": "Continuous"}, "steps run as training jobs: EndOfJob"),
        ("orchestratorConfig", {"output_data_s3_uri": {"a": "s3://b"}}, "give one address"),
        ("orchestratorConfig", {"processor_tags": {"a": "b"}}, "use orchestratorConfig.tags"),
        ("orchestratorConfig", {"instance_type": "ml.m5.large"}, "use mlstack:instanceType"),
        ("orchestratorConfig", {"aws_auth_role_arn": "arn:aws:iam::1:role/x"}, "mlstack:connector.auth none"),
        ("orchestratorConfig", {"keep_alive_period_in_seconds": 7200}, "is 7200: SageMaker takes whole numbers from 0"),
        ("orchestratorConfig", {"volume_size_in_gb": 0}, "is 0: SageMaker takes whole numbers from 1 to 16384"),
        ("stepOperatorConfig", {"instance_type": "ml.m5.large"}, "stepOperatorConfig.estimator_args.instance_type"),
        ("stepOperatorConfig", {"estimator_args": {"environment": {}}}, "use stepOperatorConfig.environment"),
        ("stepOperatorConfig", {"estimator_args": {"base_job_name": "x"}}, "ZenML names each job itself"),
        ("imageBuilderConfig", {"implicit_container_registry_auth": False}, "password to the build in plain text"),
        ("artifactStoreConfig", {"client_kwargs": {"aws_secret_access_key": "x"}}, "it is a credential"),
    ],
)
def test_what_zenml_would_ignore_is_refused_with_the_way_out(setting: str, value: dict[str, Any], said: str) -> None:
    message = _refusal(setting, value)
    assert said in message
    assert f"mlstack:{setting}." in message
    assert "pulumi config rm" in message


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (
            "orchestratorConfig",
            {
                "synchronous": True,
                "keep_alive_period_in_seconds": 600,
                "volume_size_in_gb": 100,
                "max_runtime_in_seconds": 3600,
                "environment": {"A": "b"},
                "tags": {"a": "b"},
                "pipeline_tags": {"a": "b"},
                "input_data_s3_uri": "s3://b/in",
                "input_data_s3_mode": "Pipe",
                "output_data_s3_mode": "EndOfJob",
                "estimator_args": {"use_spot_instances": True, "max_wait": 7200, "subnets": ["subnet-1"]},
            },
        ),
        ("stepOperatorConfig", {"environment": {"A": "b"}, "estimator_args": {"instance_type": "ml.g5.xlarge"}}),
        ("imageBuilderConfig", {"implicit_container_registry_auth": True, "custom_env_vars": {"A": "b"}}),
        ("artifactStoreConfig", {"client_kwargs": {"region_name": "eu-west-1"}}),
    ],
)
def test_what_reaches_sagemaker_is_passed_through(setting: str, value: dict[str, Any]) -> None:
    settings({f"mlstack:{setting}": json.dumps(value)})


def test_a_role_of_its_own_is_taken_where_there_is_no_connector() -> None:
    settings(
        {
            "mlstack:connector": '{"auth": "none"}',
            "mlstack:orchestratorConfig": json.dumps({"aws_auth_role_arn": "arn:aws:iam::123456789012:role/x"}),
        }
    )


def test_every_trap_is_still_one_of_the_pinned_zenml() -> None:
    """The arguments that ZenML sets itself, read from its source: a release that sets another is seen here."""
    import inspect
    import re

    from zenml.integrations.aws.orchestrators.sagemaker_orchestrator import SagemakerOrchestrator
    from zenml.integrations.aws.step_operators.sagemaker_step_operator import SagemakerStepOperator

    from components.ignored import _OF_ORCHESTRATOR, _OF_STEP_OPERATOR

    runs = inspect.getsource(SagemakerOrchestrator._create_job_or_step)
    made = re.search(r"estimator = Estimator\((.*?)\*\*job_args", runs, re.DOTALL)
    assert made is not None
    given = set(re.findall(r"(\w+)=", made[1])) | set(re.findall(r'job_args\["(\w+)"\] =', runs))
    of_processors = {"volume_size_in_gb", "max_runtime_in_seconds", "network_config"}
    given |= set(re.findall(r'job_args\.setdefault\(\s*"(\w+)"', runs))
    given -= of_processors
    assert given <= _OF_ORCHESTRATOR.keys(), "ZenML sets more of the Estimator than we refuse"
    submit = inspect.getsource(SagemakerStepOperator.submit)
    set_by_operator = set(re.findall(r'estimator_args\["(\w+)"\] =', submit))
    assert set_by_operator <= _OF_STEP_OPERATOR.keys(), "ZenML sets more of the Estimator than we refuse"
