"""An existing ECR repository: whether ZenML's tags can be pushed to it, and whom its policy refuses."""

from typing import Any

from mlstack.existing.asked import RepositoryAsked
from mlstack.existing.lack import Change, Lack, Weight
from mlstack.existing.policies import denied
from mlstack.existing.reading import Aws, RefusedError, decoded
from mlstack.iam.conditions import PolicyError


def of_repository(aws: Aws, asked: RepositoryAsked, account: str) -> list[Lack]:
    def lack(weight: Weight, problem: str, way_out: str, change: Change | None = None) -> Lack:
        resource = f"repository {asked.name}"
        return Lack(
            weight=weight, setting=asked.setting, resource=resource, problem=problem, way_out=way_out, change=change
        )

    found: list[Lack] = []
    try:
        answer = aws.ask("ecr", "describe_repositories", repositoryNames=[asked.name])
        if answer is None:
            region = asked.arn.split(":")[3]
            return [lack("wrong", f"does not exist in {region}", "name one that does, or set mode: create")]
        repository = answer["repositories"][0]
        if kept := _written_once(repository, asked.pushed_again):
            found.append(lack("lacks", kept, "its owner excepts them:", _exception(repository, asked)))
        policy = aws.ask("ecr", "get_repository_policy", repositoryName=asked.name)
        if policy:
            document = {
                **(whole := decoded(policy["policyText"])),
                # ECR's own policies name no resource: they are about their repository.
                "Statement": [{"Resource": "*", **each} for each in _listed(whole.get("Statement", []))],
            }
            for role, action, why in denied(asked.users, document, asked.arn, account):
                found.append(lack("lacks", f"refuses {action} to {role}: {why}", "its owner excepts the role"))
    except RefusedError as error:
        problem = f"cannot be checked: these credentials have no right to {error.operation}"
        found.append(lack("lacks", problem, "let them, or set mlstack:existingLacks: warn"))
    except PolicyError as error:
        found.append(lack("advised", f"has a policy that is not understood here: {error}", "compare it yourself"))
    return found


def _listed(statements: Any) -> list[dict[str, Any]]:
    return statements if isinstance(statements, list) else [statements]


def _written_once(repository: dict[str, Any], patterns: tuple[str, ...]) -> str | None:
    mutability = repository.get("imageTagMutability", "MUTABLE")
    if mutability.startswith("MUTABLE"):
        return None
    excepted = {each["filter"] for each in repository.get("imageTagMutabilityExclusionFilters", [])}
    absent = [each for each in patterns if each not in excepted]
    return f"takes each tag once, and ZenML pushes {', '.join(absent)} again on every build" if absent else None


def _exception(repository: dict[str, Any], asked: RepositoryAsked) -> Change:
    present = [each["filter"] for each in repository.get("imageTagMutabilityExclusionFilters", [])]
    patterns = [*present, *(each for each in asked.pushed_again if each not in present)]
    document = {
        "repositoryName": asked.name,
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": each} for each in patterns],
    }
    command = "aws ecr put-image-tag-mutability --cli-input-json file://change.json"
    return Change(command=command, document=document, adds=document)
