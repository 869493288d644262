"""The roles of an environment with teams: all that its program declares, and nothing beside it."""

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest

from components.deploy_roles.github import DEPLOY, PREVIEW, GitHubDeployRolesArgs
from components.managed import Managed
from components.settings import Settings
from components.stacks import Stacks
from mlstack.errors import UsageError
from tests.components.deploy_roles.asked import ACCOUNT, ARGS, Roles, program
from tests.components.stacks import settings
from tests.recording import record

VISION, SPEECH, LONG = "vision", "speech", "people-who-train-a-model"
TEAMS: list[dict[str, Any]] = [
    {"name": VISION},
    {"name": SPEECH, "artifactStoreForceDestroy": True, "protect": False},
    {"name": LONG},
]
EVERYTHING = {
    "mlstack:network": '{"mode": "isolated"}',
    "mlstack:enhancedScanning": "true",
    "mlstack:connector": '{"auth": "iam-role", "keys": [1]}',
}
CASES = {
    "a key and a network each": EVERYTHING,
    "all that can be shared": {**EVERYTHING, "mlstack:sharing": '{"key": true, "network": true}'},
    "keys of AWS": {"mlstack:encryption": '{"mode": "aws-managed"}'},
    "names that do not fit": {**EVERYTHING, "mlstack:name": "recommendations-platform"},
}
cases = pytest.mark.parametrize("case", CASES)

IAM = f"arn:aws:iam::{ACCOUNT}"
HERE = f"eu-west-1:{ACCOUNT}"
NAMED = {
    # By type: the ARN of what has that name, what makes it, what ends it.
    "aws:s3/bucket:Bucket": ("arn:aws:s3:::{}", "s3:CreateBucket", "s3:DeleteBucket"),
    "aws:ecr/repository:Repository": (
        f"arn:aws:ecr:{HERE}:repository/{{}}",
        "ecr:CreateRepository",
        "ecr:DeleteRepository",
    ),
    "aws:iam/role:Role": (f"{IAM}:role/{{}}", "iam:CreateRole", "iam:DeleteRole"),
    "aws:iam/user:User": (f"{IAM}:user/{{}}", "iam:CreateUser", "iam:DeleteUser"),
    "aws:codebuild/project:Project": (
        f"arn:aws:codebuild:{HERE}:project/{{}}",
        "codebuild:CreateProject",
        "codebuild:DeleteProject",
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        f"arn:aws:logs:{HERE}:log-group:{{}}",
        "logs:CreateLogGroup",
        "logs:DeleteLogGroup",
    ),
    "aws:kms/alias:Alias": (f"arn:aws:kms:{HERE}:{{}}", "kms:CreateAlias", "kms:DeleteAlias"),
}
TAGS = {"aws__ResourceTag/mlstack__project": "mlstack", "aws__ResourceTag/mlstack__environment": "dev"}


def settings_of(case: str, teams: list[dict[str, Any]] = TEAMS, environment: str = "dev") -> Settings:
    return settings({"mlstack:teams": json.dumps(teams), **CASES[case]}, environment=environment)


def args_of(*asked: Settings) -> GitHubDeployRolesArgs:
    return replace(ARGS, environments=tuple(Managed.from_settings(each) for each in asked))


@lru_cache
def roles(case: str) -> Roles:
    return Roles(args_of(settings_of(case)))


@lru_cache
def declared(case: str, environment: str = "dev") -> tuple[tuple[str, str, str], ...]:
    """Type, name and ARN of each resource that is known by its name."""
    asked = settings_of(case, environment=environment)
    return tuple(
        (each.type, name, NAMED[each.type][0].format(name))
        for each in record(lambda: Stacks(asked)).customs
        if each.type in NAMED
        for name in [str(each.inputs.get("name") or each.inputs["bucket"])]
    )


@cases
def test_all_that_is_declared_for_teams_or_shared_by_them_is_made_and_ended(case: str) -> None:
    assert {type_ for type_, _, _ in declared("a key and a network each")} == set(NAMED)
    for type_, name, arn in declared(case):
        for action in NAMED[type_][1:]:
            assert roles(case).may(DEPLOY, action, arn, **TAGS), f"{action} {name}"
            assert not roles(case).may(PREVIEW, action, arn, **TAGS), f"{action} {name}"


@cases
def test_both_roles_read_it(case: str) -> None:
    reads = {
        "aws:s3/bucket:Bucket": "s3:GetBucketPolicy",
        "aws:ecr/repository:Repository": "ecr:DescribeRepositories",
        "aws:iam/role:Role": "iam:GetRolePolicy",
        "aws:iam/user:User": "iam:GetUserPolicy",
        "aws:codebuild/project:Project": "codebuild:BatchGetProjects",
        "aws:cloudwatch/logGroup:LogGroup": "logs:DescribeLogGroups",
    }
    for type_, name, arn in declared(case):
        if type_ in reads:
            for purpose in (PREVIEW, DEPLOY):
                assert roles(case).may(purpose, reads[type_], arn), f"{reads[type_]} {name}"


@cases
def test_every_resource_of_a_team_has_the_tags_by_which_keys_and_networks_are_known(case: str) -> None:
    asked = settings_of(case)
    tags = [each.inputs["tags"] for each in record(lambda: Stacks(asked)).customs if "tags" in each.inputs]
    ours = Managed.from_settings(asked).identifying_tags
    assert tags
    assert all(ours.items() <= each.items() for each in tags)


@cases
def test_the_build_project_of_each_team_is_made_with_its_role_and_no_other_service_gets_it(case: str) -> None:
    made = {arn for _, _, arn in declared(case)}
    for names in Managed.from_settings(settings_of(case)).teams:
        arn = names.role_arn("codebuild")
        assert arn in made
        for service, may in (("codebuild.amazonaws.com", True), ("ec2.amazonaws.com", False)):
            assert roles(case).may(DEPLOY, "iam:PassRole", arn, iam__PassedToService=service) == may, arn


@cases
def test_teams_of_another_environment_or_program_are_out_of_reach(case: str) -> None:
    theirs = declared(case, "prod")
    elsewhere = [
        (type_, arn.replace("mlstack", "mlstack2").replace("recommendations-", "recommendation-"))
        for type_, _, arn in declared(case)
    ]
    for type_, arn in (*((type_, arn) for type_, _, arn in theirs), *elsewhere):
        for action in NAMED[type_][1:]:
            assert not roles(case).may(DEPLOY, action, arn), f"{action} {arn}"


@cases
def test_no_role_of_a_workflow_can_be_changed_by_a_workflow_of_teams(case: str) -> None:
    of = Managed.from_settings(settings_of(case)).names
    strangers = (
        of.role_arn(PREVIEW),
        of.role_arn(DEPLOY),
        replace(of, team=VISION).role_arn(DEPLOY),
        replace(of, team=VISION).role_arn("administrator"),
        of.role_arn("access"),
        f"{IAM}:role/administrator",
    )
    for stranger in strangers:
        for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole"):
            assert not roles(case).may(DEPLOY, action, stranger), f"{action} {stranger}"


@cases
def test_only_the_team_that_may_lose_its_data_can_be_emptied(case: str) -> None:
    by_team = {each.team: each for each in Managed.from_settings(settings_of(case)).teams}
    for team, names in by_team.items():
        lost = team == SPEECH
        assert roles(case).may(DEPLOY, "s3:DeleteObject", f"{names.bucket_arn}/model.pkl") == lost, team
        assert roles(case).may(DEPLOY, "ecr:BatchDeleteImage", names.repository_arn) == lost, team
    kept = f"{by_team[VISION].bucket_arn}/{by_team[SPEECH].bucket}/model.pkl"
    assert not roles(case).may(DEPLOY, "s3:DeleteObject", kept), "an object that is called as the other's bucket"


def test_forty_teams_are_no_more_to_say_than_three_while_their_names_fit() -> None:
    some = Roles(args_of(settings_of("all that can be shared", [{"name": f"t{number}"} for number in range(3)])))
    many = Roles(args_of(settings_of("all that can be shared", [{"name": f"t{number}"} for number in range(40)])))
    for purpose in (PREVIEW, DEPLOY):
        assert set(some.policies(purpose)) == set(many.policies(purpose))


def test_more_shortened_names_than_fit_are_refused_with_the_policy_that_is_too_long() -> None:
    teams = [{"name": f"people-who-train-model{number:02}"} for number in range(40)]
    with pytest.raises(UsageError, match=r"the policy .* is \d+ characters long, AWS allows") as refused:
        record(program(args_of(settings_of("names that do not fit", teams))))
    assert "shorten mlstack:name" in str(refused.value)
