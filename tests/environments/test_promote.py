"""Settings go from one environment's file into the next one's; what is of one environment stays."""

import pytest

from tests.environments.conftest import Place


def _value(place: Place, environment: str, key: str) -> tuple[object, str]:
    found = place.json("config", "explain", key, "--stack", environment)
    return found["value"], found["origin"]


def _set(place: Place, environment: str, lines: str) -> None:
    place.write(environment, f"{place.text(environment).rstrip()}\n{lines}")


def test_a_chosen_setting_is_carried_over_and_only_that_line_changes(place: Place) -> None:
    _set(place, "staging", "  mlstack:instanceType: ml.m5.4xlarge\n  mlstack:untaggedImageDays: 3\n")
    before = place.text("prod")
    place.run("env", "promote", "staging", "prod", "--key", "instanceType")
    assert place.text("prod") == before + "  mlstack:instanceType: ml.m5.4xlarge\n"
    assert "has it already" in place.run("env", "promote", "staging", "prod", "--key", "instanceType").stdout


def test_what_the_source_leaves_to_the_default_is_taken_out_of_the_target(place: Place) -> None:
    assert _value(place, "prod", "noncurrentVersionDays") == (180, "Pulumi.prod.yaml")
    place.run("env", "promote", "staging", "prod", "--key", "noncurrentVersionDays")
    assert _value(place, "prod", "noncurrentVersionDays") == (90, "profile production")
    assert "noncurrentVersionDays" not in place.text("prod")


def test_what_another_profile_says_is_written_down(place: Place) -> None:
    place.run("env", "promote", "dev", "prod", "--key", "taggedImageCount")
    assert _value(place, "prod", "taggedImageCount") == (100, "Pulumi.prod.yaml")


def test_a_part_of_a_structure_leaves_the_rest_as_it_is(place: Place) -> None:
    _set(place, "staging", "  mlstack:encryption:\n    deletionWindowDays: 10\n    mode: aws-managed\n")
    _set(place, "prod", "  mlstack:encryption:\n    deletionWindowDays: 20  # ours\n")
    place.run("env", "promote", "staging", "prod", "--key", "encryption.mode")
    assert "deletionWindowDays: 20  # ours" in place.text("prod")
    assert _value(place, "prod", "encryption.mode") == ("aws-managed", "Pulumi.prod.yaml")
    place.run("env", "promote", "staging", "prod", "--key", "encryption")
    assert _value(place, "prod", "encryption.deletionWindowDays") == (10, "Pulumi.prod.yaml")


def test_a_part_of_a_shared_structure_takes_the_rest_of_it_along(place: Place) -> None:
    _set(place, "staging", "  mlstack:connector:\n    principal: arn:aws:iam::123456789012:role/zenml-server\n")
    _set(place, "staging", "    sessionSeconds: 7200\n")
    place.run("env", "promote", "staging", "prod", "--key", "connector.sessionSeconds")
    assert _value(place, "prod", "connector.sessionSeconds") == (7200, "Pulumi.prod.yaml")
    assert _value(place, "prod", "connector.principal")[0] == "arn:aws:iam::123456789012:role/zenml-server"


@pytest.mark.parametrize(
    ("lines", "key", "why"),
    [
        ("  aws:region: eu-central-1\n", "aws:region", "it is of one account"),
        ("  mlstack:connector: {principal: 'arn:aws:iam::123456789012:role/x'}\n", "connector", "of one account"),
        ("  mlstack:name: other\n", "name", "it is what the environment is called"),
        ("  mlstack:profile: development\n", "profile", "it says what the environment is for"),
        ("  mlstack:imageBuilderConfig: {build_image: '123456789012.dkr.ecr'}\n", "imageBuilderConfig", "one account"),
        ("  aws:token: {secure: v1:AAAA}\n", "aws:token", "is not read here"),
    ],
)
def test_what_is_of_one_environment_stays(place: Place, lines: str, key: str, why: str) -> None:
    _set(place, "staging", lines)
    assert why in place.refused("env", "promote", "staging", "prod", "--key", key)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("staging", "production"), "there is no Pulumi.production.yaml"),
        (("staging", "staging"), "staging is promoted to itself"),
        (("staging", "prod", "--key", "instanceTyp"), "did you mean instanceType?"),
        (("dev", "prod", "--key", "artifactStoreForceDestroy"), "in production what is protected is not emptied"),
    ],
)
def test_a_mistake_is_one_message_and_writes_nothing(place: Place, arguments: tuple[str, ...], said: str) -> None:
    assert said in place.refused("env", "promote", *arguments)


def test_without_a_key_it_shows_what_could_be_carried_and_what_stays(place: Place) -> None:
    before = place.texts()
    shown = place.run("env", "promote", "dev", "staging").stdout
    assert "--key mlstack:logRetentionDays" in shown
    assert "stays: it says what the environment is for" in shown
    assert "stays: it names the environment" in shown
    assert place.texts() == before
    found = {each["key"]: each["stays"] for each in place.json("env", "promote", "dev", "staging")["settings"]}
    assert found["mlstack:logRetentionDays"] is None
