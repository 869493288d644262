import json
from typing import Any

import pytest

from mlstack.local.aws.pipeline_definition import DefinitionError, JobRequest, PipelineDefinition, resolve


def definition(*steps: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Version": "2020-12-01", "Steps": list(steps), **more})


def step(name: str, *depends_on: str) -> dict[str, Any]:
    return {"Name": name, "Type": "Training", "Arguments": {}, "DependsOn": list(depends_on)}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("not json", "not JSON"),
        ("{}", "no Steps"),
        ('{"Steps": []}', "no Steps"),
        ('{"Steps": [{"Name": "a"}]}', "no Type"),
        (definition(step("a"), step("a")), "unique in a pipeline: a"),
        (definition(step("a", "z")), "a depends on z, which the pipeline does not have"),
        (definition(step("a", "a")), "in a circle: a -> a"),
        (definition(step("a", "c"), step("b", "a"), step("c", "b")), "in a circle: "),
    ],
)
def test_a_broken_definition_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(DefinitionError, match=complaint):
        PipelineDefinition.parse(text)


def test_defaults_of_parameters_are_read() -> None:
    parameters = [{"Name": "rate", "Type": "Float", "DefaultValue": 0.1}, {"Name": "none", "Type": "String"}]
    assert PipelineDefinition.parse(definition(step("a"), Parameters=parameters)).defaults == {"rate": "0.1"}


def test_variables_are_put_in_wherever_they_stand() -> None:
    given = {
        "Environment": {"RUN": {"Get": "Execution.PipelineExecutionArn"}, "PLAIN": "Get"},
        "Args": ["--x", {"Std:Join": {"On": "/", "Values": ["s3:", {"Get": "Parameters.bucket"}, "out"]}}],
    }
    variables = {"Execution.PipelineExecutionArn": "arn:x", "Parameters.bucket": "b"}
    assert resolve(given, variables) == {"Environment": {"RUN": "arn:x", "PLAIN": "Get"}, "Args": ["--x", "s3:/b/out"]}


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(DefinitionError, match=r"Steps\.a\.Output"):
        resolve({"Get": "Steps.a.Output"}, {})


@pytest.mark.parametrize(("kind", "part"), [("Training", "AlgorithmSpecification"), ("Processing", "AppSpecification")])
def test_a_job_is_its_entrypoint_with_arguments_and_environment(kind: str, part: str) -> None:
    request = JobRequest.parse(
        kind,
        {
            part: {"ContainerEntrypoint": ["python", "-m", "x"], "ContainerArguments": ["--n", 1]},
            "Environment": {"A": 1},
            "RoleArn": "arn:aws:iam::123456789012:role/r",
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        },
    )
    assert request.command == ("python", "-m", "x", "--n", "1")
    assert (request.environment, request.max_seconds) == ({"A": "1"}, 60)


def test_a_job_that_leaves_its_command_to_the_image_is_refused() -> None:
    with pytest.raises(DefinitionError, match="ContainerEntrypoint"):
        JobRequest.parse("Training", {"AlgorithmSpecification": {"TrainingImage": "i"}, "RoleArn": "r"})
