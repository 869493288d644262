"""Another environment is one command, and takes nothing along that is not its own."""

import subprocess
import sys

import pytest

from tests.environments.conftest import Place

LIKE = """\
# Of the trial.
config:
  aws:region: eu-west-1
  aws:allowedAccountIds:
    - "123456789012"
  aws:token:
    secure: v1:AAAA
  # Why so long: the audit of 2025.

  mlstack:noncurrentVersionDays: 400  # days
  mlstack:artifactStoreConfig: {note: {secure: v1:CCCC}}
  mlstack:tags:
    stage: trial
    team: ml
# Salt of the trial's passphrase.
encryptionsalt: v1:BBBB
secretsprovider: passphrase
encryptedkey: DDDD
"""


def test_it_has_the_settings_and_comments_of_the_other_and_nothing_that_is_encrypted(place: Place) -> None:
    place.write("trial", LIKE.replace("  mlstack:artifactStoreConfig: {note: {secure: v1:CCCC}}\n", ""))
    said = place.run("env", "new", "qa", "--like", "trial").stdout
    text = place.text("qa")
    assert "# Why so long: the audit of 2025." in text
    assert "400  # days" in text
    assert text.startswith("# yaml-language-server: $schema=components/settings.schema.json\n")
    for secret in ("secure", "AAAA", "BBBB", "DDDD", "encryptionsalt", "secretsprovider", "Salt", "Of the trial"):
        assert secret not in text, secret
    assert "left out: aws:token is encrypted with a key of trial" in said
    assert "look at:  mlstack:tags.stage still names the environment trial (from Pulumi.qa.yaml)" in said
    assert "pulumi stack init qa" in said
    place.run("check", "Pulumi.qa.yaml")


def test_a_file_with_an_encrypted_setting_of_ours_is_no_pattern(place: Place) -> None:
    place.write("trial", LIKE)
    assert "mlstack:artifactStoreConfig is encrypted" in place.refused("env", "new", "qa", "--like", "trial")


def test_another_account_and_region_are_taken_and_what_still_names_the_former_is_said(place: Place) -> None:
    made = place.json("env", "new", "us", "--like", "prod", "--account", "210987654321", "--region", "us-east-1")
    assert (made["account"], made["region"], made["stack"]) == ("210987654321", "us-east-1", "mlstack-us")
    assert made["look_at"] == ["mlstack:connector.principal still names the account 123456789012 (from Pulumi.yaml)"]
    assert "123456789012" not in place.text("us")
    place.run("check", "Pulumi.us.yaml")


def test_a_setting_may_be_another_from_the_start(place: Place) -> None:
    principal = "arn:aws:iam::210987654321:role/zenml"
    place.run(
        *("env", "new", "qa", "--account", "210987654321", "--set", "noncurrentVersionDays=7"),
        *("--set", f"mlstack:connector.principal={principal}"),
    )
    values = {each["key"]: each for each in place.json("config", "explain", "--stack", "qa")}
    assert values["mlstack:noncurrentVersionDays"]["value"] == 7
    assert values["mlstack:connector.principal"]["value"] == principal


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dev",), "there is a Pulumi.dev.yaml already"),
        (("qa", "--like", "stagin"), "there is no Pulumi.stagin.yaml: did you mean staging?"),
        (("Qa",), "environment is 'Qa'"),
        (("q/a",), "environment is 'q/a': use 2 to 24 lower-case letters"),
        (("qa", "--account", "12345"), "aws:allowedAccountIds[0] is '12345'"),
        (("qa", "--region", "frankfurt"), "aws:region is 'frankfurt'"),
        (("qa", "--region", "us-gov-west-1"), "connector.principal"),
        (("dev-logs",), "dev-logs and dev (Pulumi.dev.yaml) would both own bucket mlstack-dev-logs-"),
        (("qa", "--set", "instanceTyp=x"), "there is no setting instanceTyp: did you mean instanceType?"),
        (("qa", "--set", "protect"), "--set protect: it is KEY=VALUE"),
        (("qa", "--set", "protect=maybe"), "mlstack:protect is 'maybe': use true or false"),
    ],
)
def test_a_mistake_is_one_message_and_writes_nothing(place: Place, arguments: tuple[str, ...], said: str) -> None:
    assert said in place.refused("env", "new", *arguments)


def test_the_environments_are_listed_and_one_that_is_wrong_among_them(place: Place) -> None:
    place.write("broken", "config:\n  mlstack:name: X\n")
    found = {each["environment"]: each for each in place.json("env", "list")}
    assert found["prod"]["profile"] == "production"
    assert found["prod"]["protect"] is True
    assert "is 'X'" in found["broken"]["wrong"]
    assert "mlstack check Pulumi.broken.yaml" in place.run("env", "list").stdout


def test_the_command_itself_ends_with_the_message_alone(place: Place) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlstack", "env", "new", "dev"],
        cwd=place.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is a Pulumi.dev.yaml already\n")
    assert "Traceback" not in done.stderr
