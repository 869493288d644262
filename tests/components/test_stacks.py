"""The stacks of an environment: as it always was without teams, and with them each a whole one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from components.stacks import Stacks
from mlstack.contract import MLStackOutputs
from tests.components.stacks import CASES, settings
from tests.recording import Recording, record

TEAMS = {"mlstack:teams": json.dumps([{"name": "vision"}, {"name": "speech", "protect": False}])}
SHARED = {"mlstack:network": '{"mode": "isolated"}', "mlstack:sharing": '{"key": true, "network": true}'}


def _program(changes: dict[str, str]) -> Callable[[], Stacks]:
    asked = settings(changes)
    return lambda: Stacks(asked)


def _named(recording: Recording) -> set[str]:
    return {
        f"{each.urn} {each.inputs.get('name') or each.inputs.get('bucket') or ''}".rstrip()
        for each in recording.resources
    }


def test_without_teams_every_resource_and_every_name_is_what_it_was() -> None:
    known = Path(__file__).with_name("without_teams.txt").read_text(encoding="utf-8").splitlines()[1:]
    now = _named(record(_program(CASES["everything on"]))) | _named(record(_program(CASES["key of a user"])))
    assert now == set(known)


@pytest.mark.parametrize("shared", [{}, SHARED], ids=["a key each", "shared"])
def test_a_preview_of_teams_registers_the_same_resources_as_an_update(shared: dict[str, str]) -> None:
    previewed = {resource.urn for resource in record(_program(TEAMS | shared), preview=True).resources}
    updated = {resource.urn for resource in record(_program(TEAMS | shared)).resources}
    assert previewed == updated


def test_each_team_is_a_whole_stack_and_what_is_shared_is_there_once() -> None:
    recording = record(_program(TEAMS | SHARED))
    alone = record(_program(SHARED | {"mlstack:sharing": "{}"}))
    types = [each.type for each in recording.customs]
    for type_ in {each.type for each in alone.customs}:
        count = types.count(type_)
        once = [each.type for each in alone.customs].count(type_)
        # Of the network's log group, role and permissions there is one beside those of the teams.
        assert count in (once, 2 * once, 2 * (once - 1) + 1), type_
    assert types.count("aws:kms/key:Key") == 1
    assert types.count("aws:ec2/vpc:Vpc") == 1
    assert types.count("aws:s3/bucket:Bucket") == 4


def test_what_one_team_brings_along_is_not_made_for_it_and_the_other_has_all_of_its_own() -> None:
    role = "arn:aws:iam::123456789012:role/jobs"
    brought = {
        "artifactStore": {"mode": "existing", "bucket": "ours", "prefix": "vision"},
        "repository": {"mode": "existing", "name": "ours/images"},
        "roles": {"execution": {"mode": "existing", "arn": role}},
    }
    emptied = {"mlstack:artifactStoreForceDestroy": "true", "mlstack:containerRegistryForceDelete": "true"}
    teams = {"mlstack:teams": json.dumps([{"name": "vision", **brought}, {"name": "speech"}])}
    switched = {**emptied, "mlstack:protect": "false", "mlstack:enhancedScanning": "true"}
    recording = record(_program(teams | switched))
    types = [each.type for each in recording.customs if each.name.startswith("mlstack-vision")]
    assert not {"aws:s3/bucket:Bucket", "aws:ecr/repository:Repository"} & set(types)
    assert types.count("aws:iam/role:Role") == 3, "access, schedules and builds"
    alone = record(_program(switched))
    others = [each.type for each in recording.customs if each.name.startswith("mlstack-speech")]
    scanning = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
    assert sorted(others) == sorted(each.type for each in alone.customs if each.type != scanning)
    [scanned] = [each for each in recording.customs if each.type == scanning]
    filters = scanned.inputs["rules"][0]["repositoryFilters"]
    assert [each["filter"] for each in filters] == ["mlstack/speech/dev"], "the other is its owner's to scan"
    [stack] = [each for each in recording.resources if each.urn.endswith(":MLStack::mlstack-vision")]
    vision = MLStackOutputs.parse(stack.outputs[0]["contract"], origin="the test")
    assert vision.components["artifact_store"].configuration["path"] == "s3://ours/vision"
    assert vision.components["orchestrator"].configuration["execution_role"] == role


def test_tags_and_protection_are_each_teams_own() -> None:
    recording = record(_program(TEAMS))
    for each in recording.customs:
        team = "vision" if each.name.startswith("mlstack-vision") else "speech"
        if "tags" in each.inputs:
            assert each.inputs["tags"]["mlstack:team"] == team, each.name
    assert recording.named("mlstack-vision-artifacts-bucket").protect
    assert not recording.named("mlstack-speech-artifacts-bucket").protect


def test_two_teams_never_make_two_resources_of_one_name() -> None:
    recording = record(_program(TEAMS | SHARED | {"mlstack:connector": '{"auth": "iam-role"}'}))
    for type_ in {each.type for each in recording.customs}:
        if type_.endswith("Policy"):
            continue  # inline: named within its role
        named = [n for each in recording.customs if each.type == type_ and (n := each.inputs.get("name"))]
        assert len(named) == len(set(named)), named


def test_the_scanning_of_the_accounts_registry_is_declared_once_for_all_teams() -> None:
    scanning = record(_program(TEAMS | {"mlstack:enhancedScanning": "true"})).of("RegistryScanningConfiguration")
    filters = [each["filter"] for each in scanning.inputs["rules"][0]["repositoryFilters"]]
    assert filters == ["mlstack/vision/dev", "mlstack/speech/dev"]


def test_base_images_come_through_one_cache_for_all_teams_into_which_none_pushes() -> None:
    cached = {"mlstack:pullThroughCache": '{"upstreams": [{"registry": "public.ecr.aws"}]}'}
    recording = record(_program(TEAMS | cached))
    assert recording.of("PullThroughCacheRule").inputs["ecrRepositoryPrefix"] == "mlstack-dev.ecr-public"
    assert recording.of("RepositoryCreationTemplate").inputs["prefix"] == "mlstack-dev.ecr-public"
    for team in ("vision", "speech"):
        text = recording.named(f"mlstack-{team}").outputs[0]["contract"]
        contract = MLStackOutputs.parse(text, origin="the program")
        assert contract.pull_through_cache == {"public.ecr.aws": "mlstack-dev.ecr-public"}
        (policy,) = (
            json.loads(each.inputs["policy"])
            for each in recording.customs
            if each.type.endswith(":RolePolicy") and each.inputs["role"].endswith(f"{team}--dev-eu-west-1-codebuild")
        )
        (statement,) = (each for each in policy["Statement"] if each["Sid"] == "CachedBases")
        assert not {"ecr:PutImage", "ecr:InitiateLayerUpload"} & set(statement["Action"])


def test_the_tags_that_tell_teams_apart_are_on_every_job_that_the_contract_lets_zenml_start() -> None:
    recording = record(_program(TEAMS))
    contract = MLStackOutputs.parse(recording.named("mlstack-vision").outputs[0]["contract"], origin="the program")
    ours = {"mlstack:environment": "dev", "mlstack:project": "mlstack", "mlstack:team": "vision"}
    orchestrator = contract.components["orchestrator"].configuration
    assert orchestrator["tags"] == orchestrator["pipeline_tags"] == ours
    arguments = contract.components["step_operator"].configuration["estimator_args"]
    assert isinstance(arguments, dict)
    assert arguments["tags"] == [{"Key": tag, "Value": value} for tag, value in ours.items()]
