"""Our own program before our own rules, in every variant, and the two configurations that come with the pack."""

import pytest

from components.stacks import Stacks
from policies.pack import RULES
from tests.components.stacks import CASES, program, settings
from tests.policies.levels import configuration, level, options
from tests.policies.shown import BY_NAME, declared, judge
from tests.recording import record

LEVELS = ("advisory", "mandatory", "disabled")


def profile_of(changes: dict[str, str]) -> str:
    return changes.get("mlstack:profile", "production")


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_our_own_program_passes_every_rule_of_its_profile(changes: dict[str, str]) -> None:
    asked = {name: entry for name, entry in configuration(profile_of(changes)).items() if level(entry) != "disabled"}
    stack = declared(record(program(changes)))
    found = {name: judge(BY_NAME[name], stack, options(entry)) for name, entry in asked.items()}
    # Choices of the user's, which is why these are advisory.
    without_key = "aws-managed" in changes.get("mlstack:encryption", "")
    allowed = {"s3-without-kms", "ecr-without-kms"} if without_key else set()
    allowed |= {"iam-user-with-policy"} if "iam-role" in changes.get("mlstack:connector", "") else set()
    assert {name: verdict for name, verdict in found.items() if verdict.found and name not in allowed} == {}
    assert {name: verdict for name, verdict in found.items() if verdict.not_checked} == {}


@pytest.mark.parametrize("shared", ["{}", '{"key": true, "network": true}'])
def test_the_stacks_of_teams_pass_them_too(shared: str) -> None:
    changes = {
        "mlstack:network": '{"mode": "isolated"}',
        "mlstack:teams": '[{"name": "vision"}, {"name": "speech"}]',
        "mlstack:sharing": shared,
    }
    asked = {name: entry for name, entry in configuration("production").items() if level(entry) != "disabled"}
    teams = settings(changes)
    stacks = declared(record(lambda: Stacks(teams)))
    found = {name: judge(BY_NAME[name], stacks, options(entry)) for name, entry in asked.items()}
    assert {name: verdict for name, verdict in found.items() if verdict.found or verdict.not_checked} == {}


@pytest.mark.parametrize("profile", ["development", "production"])
def test_every_rule_has_a_level_in_each_configuration_and_only_options_that_it_knows(profile: str) -> None:
    entries = configuration(profile)
    assert list(entries) == [rule.name for rule in RULES], "a rule without a level, or a level without a rule"
    for name, entry in entries.items():
        assert level(entry) in LEVELS, f"{name}: {level(entry)}"
        assert options(entry).keys() <= BY_NAME[name].options.keys(), name


def test_production_is_never_milder_than_development() -> None:
    strictness = {"disabled": 0, "advisory": 1, "mandatory": 2}
    development, production = configuration("development"), configuration("production")
    milder = [
        name for name in development if strictness[level(production[name])] < strictness[level(development[name])]
    ]
    assert not milder


def test_unprotected_data_is_refused_in_production_and_nowhere_else() -> None:
    bare = declared(record(program({"mlstack:protect": "false"})))
    rule = BY_NAME["stack-unprotected-data"]
    production = options(configuration("production")[rule.name])
    refused = {message.split(":")[0] for message in judge(rule, bare, production).found}
    assert refused == {
        "mlstack-access-logs-bucket",
        "mlstack-artifacts-bucket",
        "mlstack-encryption-key",
        "mlstack-registry-repository",
    }
    assert judge(rule, bare, options(configuration("development")[rule.name])).found == ()
