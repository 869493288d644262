"""Settings of teams that are each right but do not go together."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from components.problems import Problem, remove_command, set_command, shown
from components.settings import NAMESPACE, StackSettings
from components.team_settings import TeamRoleSettings, TeamSettings

_TELL_APART = ("mlstack:environment", "mlstack:project", "mlstack:team")


def of_teams(stack: StackSettings, check: Callable[[StackSettings], list[Problem]]) -> list[Problem]:
    """What `check` says of each team as it is with its own settings, once; and what is wrong between them."""
    found = [*_common(stack), *_existing(stack), *_names(stack), *_tags(stack)]
    for position, team in enumerate(stack.teams):
        found += [_where_it_stands(problem, position, team) for problem in check(stack.of(team))]
    return list(dict.fromkeys(found))


def _where_it_stands(problem: Problem, position: int, team: TeamSettings) -> Problem:
    """With the key of the team's own setting, if it is that which is wrong."""
    own = {f"connector.{name}" for name in ("principal", "keys") if getattr(team.connector, name)}
    own |= {f"roles.{name}" for name in team.roles.model_fields_set}
    own |= {
        info.alias or name
        for name, info in TeamSettings.model_fields.items()
        if name in team.model_fields_set and name not in ("name", "connector", "roles", "tags")
    }
    setting = problem.key.removeprefix(f"{NAMESPACE}:")
    if not any(setting == each or setting.startswith(f"{each}.") for each in own):
        return problem
    key = f"{NAMESPACE}:teams[{position}].{setting}"
    command = (problem.command or "").replace(problem.key, f"--path {shlex.quote(key)}")
    return replace(problem, key=key, command=command.replace("--path --path", "--path") or None)


def _common(stack: StackSettings) -> Iterator[Problem]:
    if stack.stack_name:
        key = f"{NAMESPACE}:stackName"
        yield Problem(
            key, f"is {shown(stack.stack_name)}: with teams each has its own, teams[].stackName", remove_command(key)
        )
    if stack.name == "xn":
        rule = "with teams the buckets would begin with xn--, which S3 keeps for itself"
        yield Problem(
            f"{NAMESPACE}:name", f"is {shown(stack.name)}: {rule}", set_command(f"{NAMESPACE}:name", "mlstack")
        )
    for setting, given in (("names", stack.names.given), ("keep", stack.keep)):
        if given:
            key = f"{NAMESPACE}:{setting}"
            rule = "is of one adopted stack, and with teams there are several"
            yield Problem(key, f"{rule}: adopt it into an environment without teams", remove_command(key))
    if stack.sharing.network and stack.network.mode != "isolated":
        key = f"{NAMESPACE}:sharing.network"
        rule = f"with network.mode {stack.network.mode} there is no network of this stack to share"
        yield Problem(key, f"is true: {rule}", remove_command(key))
    if stack.sharing.key and stack.encryption.mode != "kms":
        key = f"{NAMESPACE}:sharing.key"
        rule = f"with encryption.mode {stack.encryption.mode} there is no key of this stack to share"
        yield Problem(key, f"is true: {rule}", remove_command(key))
    if stack.sharing.network and not stack.sharing.key and stack.encryption.mode == "kms":
        key = f"{NAMESPACE}:sharing.key"
        yield Problem(key, "is false: the flow logs of a shared network need a shared key", set_command(key, True))


def _existing(stack: StackSettings) -> Iterator[Problem]:
    """What is there already belongs to one team, or nothing would keep it apart from the others."""
    for setting, existing in (
        ("artifactStore", [own.artifact_store.bucket for own in map(stack.of, stack.teams)]),
        ("repository", [own.repository.name for own in map(stack.of, stack.teams)]),
        ("buildProject", [own.build_project.name for own in map(stack.of, stack.teams)]),
        *(
            (f"roles.{role}", [getattr(own.roles, role).arn for own in map(stack.of, stack.teams)])
            for role in TeamRoleSettings.model_fields
        ),
    ):
        for position, value in enumerate(existing):
            if value and value in existing[:position]:
                first = stack.teams[existing.index(value)].name
                rule = f"{first} has it too, and two teams with one would not be apart"
                key = f"{NAMESPACE}:teams[{position}].{setting}"
                command = f"pulumi config set --path '{key}.mode' create"
                yield Problem(key, f"is {shown(value)}: {rule}", command)


def _names(stack: StackSettings) -> Iterator[Problem]:
    for setting, given in (
        ("name", [team.name for team in stack.teams]),
        ("stackName", [team.stack_name for team in stack.teams]),
    ):
        for position, value in enumerate(given):
            if value and value in given[:position]:
                key = f"{NAMESPACE}:teams[{position}].{setting}"
                rule = f"teams[{given.index(value)}] is called the same"
                yield Problem(key, f"is {shown(value)}: {rule}", f"pulumi config set --path '{key}' '<another>'")


def _tags(stack: StackSettings) -> Iterator[Problem]:
    """By their tags IAM tells the pipelines and jobs of one team from those of another."""
    given: dict[str, Mapping[str, object]] = {f"{NAMESPACE}:tags": stack.tags}
    given |= {f"{NAMESPACE}:teams[{at}].tags": team.tags for at, team in enumerate(stack.teams)}
    for setting in ("tags", "pipeline_tags"):
        tags = stack.orchestrator_config.get(setting)
        if isinstance(tags, dict):
            given[f"{NAMESPACE}:orchestratorConfig.{setting}"] = tags
    for key, said in given.items():
        for tag in _TELL_APART:
            if tag in said:
                yield Problem(f"{key}.{tag}", "is set by the program: teams are told apart by it")
    arguments = stack.step_operator_config.get("estimator_args")
    if isinstance(arguments, dict) and "tags" in arguments:
        key = f"{NAMESPACE}:stepOperatorConfig.estimator_args.tags"
        rule = "takes the place of the tags by which teams are told apart: use mlstack:tags"
        yield Problem(key, rule, remove_command(key))
