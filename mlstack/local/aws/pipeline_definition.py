"""Reads a SageMaker pipeline definition: which job each step is, and what it waits for.

Schema: https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any


class DefinitionError(ValueError):
    """A pipeline or job that SageMaker would refuse, or that asks for more than the emulator runs."""


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What to run: the part of CreateTrainingJob or CreateProcessingJob that decides it."""

    kind: str
    """`Training` or `Processing`"""
    command: tuple[str, ...]
    environment: dict[str, str]
    role_arn: str
    max_seconds: int

    @classmethod
    def parse(cls, kind: str, arguments: Mapping[str, Any]) -> "JobRequest":
        container = arguments.get("AlgorithmSpecification" if kind == "Training" else "AppSpecification") or {}
        entrypoint = container.get("ContainerEntrypoint")
        if not entrypoint:
            raise DefinitionError(
                f"a {kind.lower()} job without ContainerEntrypoint runs what its image says; the emulator has no images"
            )
        if not arguments.get("RoleArn"):
            raise DefinitionError(f"a {kind.lower()} job needs a RoleArn")
        return cls(
            kind=kind,
            command=tuple(str(word) for word in (*entrypoint, *(container.get("ContainerArguments") or ()))),
            environment={key: str(value) for key, value in (arguments.get("Environment") or {}).items()},
            role_arn=arguments["RoleArn"],
            # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html: one day
            max_seconds=int((arguments.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds") or 86_400),
        )


@dataclass(frozen=True, kw_only=True)
class Step:
    name: str
    kind: str
    arguments: Mapping[str, Any]
    """As written, variables and all."""
    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class PipelineDefinition:
    steps: tuple[Step, ...]
    defaults: Mapping[str, str]
    """Values of the pipeline's parameters that an execution may override."""

    @classmethod
    def parse(cls, text: str) -> "PipelineDefinition":
        """Raises DefinitionError for what CreatePipeline refuses: no JSON, no steps, an unknown dependency, a cycle."""
        try:
            document = json.loads(text)
        except (TypeError, ValueError) as error:
            raise DefinitionError(f"the pipeline definition is not JSON: {error}") from None
        listed = document.get("Steps") if isinstance(document, dict) else None
        if not isinstance(listed, list) or not listed:
            raise DefinitionError("the pipeline definition has no Steps")
        steps = tuple(_step(each) for each in listed)
        _check_graph(steps)
        defaults = {
            each["Name"]: str(each["DefaultValue"]) for each in document.get("Parameters", ()) if "DefaultValue" in each
        }
        return cls(steps, defaults)

    def order(self) -> "TopologicalSorter[str]":
        return TopologicalSorter({step.name: step.depends_on for step in self.steps})


def resolve(value: Any, variables: Mapping[str, str]) -> Any:
    """Put values in the place of `{"Get": "Execution.PipelineExecutionArn"}` and of joins of such."""
    if isinstance(value, list):
        return [resolve(each, variables) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Get"}:
        if value["Get"] not in variables:
            raise DefinitionError(f"the pipeline refers to {value['Get']}, which the emulator does not know")
        return variables[value["Get"]]
    if value.keys() == {"Std:Join"}:
        join = value["Std:Join"]
        return str(join["On"]).join(str(resolve(each, variables)) for each in join["Values"])
    return {key: resolve(each, variables) for key, each in value.items()}


def _step(given: Any) -> Step:
    if not isinstance(given, dict) or not given.get("Name") or not given.get("Type"):
        raise DefinitionError("a step of the pipeline has no Name or no Type")
    return Step(
        name=given["Name"],
        kind=given["Type"],
        arguments=given.get("Arguments") or {},
        depends_on=tuple(given.get("DependsOn") or ()),
    )


def _check_graph(steps: tuple[Step, ...]) -> None:
    names = [step.name for step in steps]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DefinitionError(f"step names are unique in a pipeline: {', '.join(twice)}")
    for step in steps:
        if unknown := [name for name in step.depends_on if name not in names]:
            raise DefinitionError(f"step {step.name} depends on {', '.join(unknown)}, which the pipeline does not have")
    try:
        TopologicalSorter({step.name: step.depends_on for step in steps}).prepare()
    except CycleError as error:
        raise DefinitionError(f"steps depend on each other in a circle: {' -> '.join(error.args[1])}") from None
