"""No role of one stack can do anything on what another has, but for a list: judged by the IAM evaluator.

Every action that a role is granted is asked for on everything that the other side has, in every way there is, and on
its own side too, where it has to be allowed: what nobody can do proves nothing. AWS itself was not asked.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import permutations
from pathlib import Path

import pytest

from tests.components.stacks import EXISTING_KEY
from tests.isolation.sides import Side, sides

LONG = "x" * 23
NAMES = ("aa", "aa-bb", "bb", "aa-dev", "dev", "dev-aa", "mlstack", "shared", f"{LONG}a", f"{LONG}b")
"""Each the beginning, the end or a part of another, or the same once it is cut to what AWS takes."""

NO_RESOURCE = "knows no resource-level permission"
NO_TAGS = "executions of pipelines carry no tags; they say which jobs ran and how they ended, and they can be stopped"
ONE_GROUP = "ZenML puts all schedules into the account's default group, named after the user's code"
ONE_LOG = "SageMaker writes all jobs of an account into one log group: written into, never read"
NEW = "what is being made is nobody's yet; iam:PassRole decides what it runs as"
INTERFACES = "SageMaker and CodeBuild make network interfaces without tags: no data is in them"
NAMES_ONLY = "ZenML lists all repositories of the account: names, no images"

REACHED: Mapping[str, str] = {
    "cloudwatch:PutMetricData": NO_RESOURCE,
    "ec2:CreateNetworkInterface": INTERFACES,
    "ec2:CreateNetworkInterfacePermission": INTERFACES,
    "ec2:DeleteNetworkInterface": INTERFACES,
    "ec2:DeleteNetworkInterfacePermission": INTERFACES,
    "ec2:DescribeDhcpOptions": NO_RESOURCE,
    "ec2:DescribeNetworkInterfaces": NO_RESOURCE,
    "ec2:DescribeSecurityGroups": NO_RESOURCE,
    "ec2:DescribeSubnets": NO_RESOURCE,
    "ec2:DescribeVpcs": NO_RESOURCE,
    "ecr:DescribeRepositories": NAMES_ONLY,
    "ecr:GetAuthorizationToken": NO_RESOURCE,
    "logs:CreateLogGroup": ONE_LOG,
    "logs:CreateLogStream": ONE_LOG,
    "logs:DescribeLogGroups": "EC2 looks for the group of flow logs by listing: names, no logs",
    "logs:DescribeLogStreams": "names of jobs, not what they say",
    "logs:PutLogEvents": ONE_LOG,
    "sagemaker:AddTags": NEW,
    "sagemaker:CreatePipeline": NEW,
    "sagemaker:CreateTrainingJob": NEW,
    "sagemaker:DescribePipelineExecution": NO_TAGS,
    "sagemaker:ListDomains": NO_RESOURCE,
    "sagemaker:ListPipelineExecutionSteps": NO_TAGS,
    "sagemaker:StopPipelineExecution": NO_TAGS,
    "scheduler:CreateSchedule": ONE_GROUP,
    "scheduler:DeleteSchedule": ONE_GROUP,
    "scheduler:GetSchedule": ONE_GROUP,
    "scheduler:UpdateSchedule": ONE_GROUP,
}
"""What one team can do where another is, and why IAM cannot tell them apart: as docs/accounts-and-teams.md says."""

KEY = "on a shared key: nothing that one team does with it reads what another has"
WITH_A_SHARED_KEY = {"kms:CreateGrant": KEY, "kms:DescribeKey": KEY, "kms:Encrypt": KEY}

FROM_ONE_CACHE = {
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
    "ecr:GetDownloadUrlForLayer",
}
"""On copies of public images, which all teams build upon: pulled and imported, never pushed."""

UNTOLD = "without teams, what SageMaker runs is the account's"
BETWEEN_ENVIRONMENTS = {
    "logs:GetLogEvents": UNTOLD,
    "sagemaker:DescribePipeline": UNTOLD,
    "sagemaker:DescribeTrainingJob": UNTOLD,
    "sagemaker:StartPipelineExecution": UNTOLD,
    "sagemaker:StopTrainingJob": UNTOLD,
}
"""Of two environments without teams in one account, beside REACHED."""

_ISOLATED = {"mlstack:network": '{"mode": "isolated"}'}
CASES: dict[str, dict[str, str]] = {
    "a key and a network each": _ISOLATED,
    "shared key and network": {**_ISOLATED, "mlstack:sharing": '{"key": true, "network": true}'},
    "a key of yours": {"mlstack:encryption": json.dumps({"mode": "existing", "keyArn": EXISTING_KEY})},
    "keys of AWS, one cache": {
        "mlstack:encryption": '{"mode": "aws-managed"}',
        "mlstack:pullThroughCache": '{"upstreams": [{"registry": "public.ecr.aws"}]}',
    },
    "keys of users": {"mlstack:connector": '{"auth": "iam-role"}', "mlstack:sharing": '{"key": true}'},
}


@pytest.mark.parametrize("case", CASES)
def test_no_team_reaches_what_another_has(case: str) -> None:
    shares = case in ("shared key and network", "a key of yours", "keys of users")
    names = NAMES if "network" in case else NAMES[:4]
    teams = sides({**CASES[case], "mlstack:teams": json.dumps([{"name": name} for name in names])})
    assert len({str(side) for side in teams.values()}) == len(names)
    _apart(teams.values(), {**REACHED, **(WITH_A_SHARED_KEY if shares else {})})


def test_a_team_on_a_bucket_and_a_repository_of_its_own_is_apart_from_one_whose_are_made() -> None:
    brought = {
        "artifactStore": {"mode": "existing", "bucket": "ours", "prefix": "vision"},
        "repository": {"mode": "existing", "name": "ours/images"},
    }
    teams = [{"name": "vision", **brought}, {"name": "speech"}]
    _apart(sides({"mlstack:teams": json.dumps(teams)}).values(), REACHED)


def test_a_team_and_an_environment_whose_names_read_the_same_are_apart() -> None:
    team = sides({"mlstack:teams": '[{"name": "aa"}]'})["aa"]
    others = [
        *sides({}, environment="aa-dev").values(),
        *sides({"mlstack:name": "mlstack-aa"}).values(),
        *sides({"mlstack:teams": '[{"name": "aa"}]'}, environment="dev-2").values(),
        *sides({"mlstack:teams": '[{"name": "aa"}]', "mlstack:name": "mlstack-aa"}).values(),
    ]
    for other in others:
        _apart((team, other), {**REACHED, **BETWEEN_ENVIRONMENTS})


def test_environments_without_teams_are_apart_in_all_but_what_runs_on_sagemaker() -> None:
    for one, another in (("dev", "dev-2"), ("dev", "dev-image-builder"), ("dev", "prod")):
        both = (*sides({}, environment=one).values(), *sides({}, environment=another).values())
        _apart(both, {**REACHED, **BETWEEN_ENVIRONMENTS})


def test_two_regions_of_one_environment_are_apart() -> None:
    here, there = sides({})[None], sides({"aws:region": "us-east-1"})[None]
    _apart((here, there), {"cloudwatch:PutMetricData", "ecr:GetAuthorizationToken", "sagemaker:ListDomains"})


def _apart(stacks: Iterable[Side], listed: Iterable[str]) -> None:
    reached: set[str] = set()
    stacks = tuple(stacks)
    for one in stacks:
        for who in one.policies:
            idle = [action for action in one.actions(who) if not one.may(who, action, one)]
            assert not idle, f"{who} of {one} is granted {idle} and can do none of it: this proves nothing"
    for one, other in permutations(stacks, 2):
        for who in one.policies:
            for action in one.actions(who):
                found = one.may(who, action, other)
                if any(".ecr-public/" in each.resource for each in found):
                    assert action in FROM_ONE_CACHE or action in listed, (
                        f"{who} of {one} may {action} on what all build upon"
                    )
                if found := tuple(each for each in found if ".ecr-public/" not in each.resource):
                    assert action in listed, (
                        f"{who} of {one} may {action} on {found[0].resource} of {other}: {found[0]}"
                    )
                    reached.add(action)
    assert reached, "what AWS cannot tell apart is not reached either: nobody was asked"


def test_the_list_has_nothing_that_is_not_reached() -> None:
    teams = sides({**CASES["a key and a network each"], "mlstack:teams": '[{"name": "aa"}, {"name": "aa-bb"}]'})
    one, other = teams["aa"], teams["aa-bb"]
    reached = {action for who in one.policies for action in one.actions(who) if one.may(who, action, other)}
    assert reached == set(REACHED)


def test_the_page_lists_the_same() -> None:
    text = (Path(__file__).parents[2] / "docs" / "accounts-and-teams.md").read_text(encoding="utf-8")
    missing = [
        action
        for action in (*REACHED, *FROM_ONE_CACHE, *WITH_A_SHARED_KEY, *BETWEEN_ENVIRONMENTS)
        if action not in text
    ]
    assert not missing, f"docs/accounts-and-teams.md does not say {missing}"
