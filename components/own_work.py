"""Rights on SageMaker's pipelines and jobs, narrowed to those of one team.

ZenML names pipelines and jobs after the user's code, so that no name tells whose they are. Their tags do: the contract
has ZenML give them to everything that it makes. A pipeline's execution has none, and its rights stay as they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from components.iam import Statement

_TAGGED = (":pipeline/*", ":training-job/*")
_EXECUTIONS = (
    "sagemaker:DescribePipelineExecution",
    "sagemaker:ListPipelineExecutionSteps",
    "sagemaker:StopPipelineExecution",
)
_MADE = ("sagemaker:CreatePipeline", "sagemaker:CreateTrainingJob")
_TAGGING = ("sagemaker:AddTags",)
_SOURCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html"


def narrowed(statements: Iterable[Statement], carried: Mapping[str, str]) -> tuple[Statement, ...]:
    """The same, on nothing but what carries these tags; without tags the same.

    What is being made carries none yet. Whose role it runs as is decided by `iam:PassRole`, and tags can be given to
    what is being made, never to what is there.
    """
    return tuple(part for each in statements for part in _parts(each, carried))


def _parts(statement: Statement, carried: Mapping[str, str]) -> Iterable[Statement]:
    if not carried or not all(resource.endswith(_TAGGED) for resource in statement.resources):
        yield statement
        return
    ours = {f"aws:ResourceTag/{tag}": value for tag, value in carried.items()}
    rest = tuple(each for each in statement.actions if each not in (*_EXECUTIONS, *_MADE, *_TAGGING))
    if rest:
        yield replace(statement, actions=rest, conditions={"StringEquals": ours})
    for suffix, among, conditions, why in (
        ("Make", _MADE, {}, f"{statement.why}; what it runs as is decided by iam:PassRole"),
        (
            "Tag",
            _TAGGING,
            {"Null": {"sagemaker:TaggingAction": "false"}},
            "tags are given only while something is made",
        ),
        ("Execution", _EXECUTIONS, {}, f"{statement.why}; executions carry no tags to tell teams by"),
    ):
        if actions := tuple(each for each in statement.actions if each in among):
            yield replace(
                statement,
                sid=f"{statement.sid}{suffix}",
                actions=actions,
                conditions=conditions,
                why=why,
                source=_SOURCE,
            )
