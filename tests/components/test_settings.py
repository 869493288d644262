"""Settings are refused with a message that says what to do, before anything is declared."""

import json
import shutil
from pathlib import Path

import pytest

from components.configuration import from_file, load
from components.problems import SettingsError
from components.profiles import PROFILES
from components.settings import Settings
from mlstack.errors import UsageError
from tests.components.stacks import MINIMAL, settings

ROOT = Path(__file__).parents[2]
BAD = sorted((ROOT / "tests" / "bad_settings").glob("*.yaml"))


def _expected(file: Path) -> list[str]:
    marker = "# expect: "
    return [line.removeprefix(marker) for line in file.read_text().splitlines() if line.startswith(marker)]


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_each_mistake_gets_its_message(file: Path, tmp_path: Path) -> None:
    written = shutil.copy(file, tmp_path / "Pulumi.dev.yaml")
    with pytest.raises(UsageError) as refused:
        from_file(Path(written))
    message = str(refused.value)
    assert _expected(file), f"{file.name} says nothing of what it expects"
    for line in _expected(file):
        assert line in message
    assert "Pulumi.dev.yaml" in message
    assert "Traceback" not in message


def test_a_mistake_that_all_environments_share_is_said_to_stand_in_the_projects_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(
        "config:\n  aws:region: frankfurt\n  mlstack:connector:\n    value: {auth: implicit}\n", encoding="utf-8"
    )
    own = "config:\n  aws:allowedAccountIds: ['123456789012']\n  mlstack:instanceType: t3\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(own, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        from_file(tmp_path / "Pulumi.dev.yaml")
    by_key = {problem.key: problem for problem in refused.value.problems}
    assert by_key["aws:region"].text.endswith("(aws:region stands in Pulumi.yaml)")
    assert by_key["mlstack:connector.principal"].text.endswith("(mlstack:connector stands in Pulumi.yaml)")
    assert by_key["aws:region"].command is None, "pulumi config set would hide it, not mend it"
    assert "Pulumi.yaml" not in by_key["mlstack:instanceType"].text


def test_there_are_as_many_mistakes_as_people_make() -> None:
    assert len(BAD) >= 25


def test_a_mistake_is_reported_once() -> None:
    with pytest.raises(SettingsError) as refused:
        load({**MINIMAL, "mlstack:encryption": '{"mode": "none"}'}, project="mlstack", environment="dev")
    assert len(refused.value.problems) == 1


def test_what_might_be_a_secret_is_not_shown_back() -> None:
    with pytest.raises(SettingsError) as refused:
        load(
            {**MINIMAL, "mlstack:apiKey": "hunter2", "mlstack:artifactStoreConfig": '{"secret": "hunter3"}'},
            project="mlstack",
            environment="dev",
        )
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize("environment", ["Dev", "dev_1", "1dev", "d", "an-environment-with-a-long-name"])
def test_an_environment_whose_name_cannot_be_part_of_a_bucket_name_is_refused(environment: str) -> None:
    with pytest.raises(SettingsError, match="environment is"):
        load(MINIMAL, project="mlstack", environment=environment)


def test_defaults_are_the_safe_choice() -> None:
    stack = settings().stack
    assert stack.encryption.mode == "kms"
    assert not stack.artifact_store_force_destroy
    assert not stack.container_registry_force_delete
    assert stack.connector.auth == "implicit"
    assert stack.protect
    assert stack.access_logs.mode == "create"


def test_a_profile_gives_defaults_and_what_the_file_says_wins() -> None:
    stack = settings({"mlstack:profile": "development"}).stack
    assert (stack.protect, stack.access_logs.mode, stack.log_retention_days) == (False, "off", 30)
    stack = settings({"mlstack:profile": "development", "mlstack:logRetentionDays": "90"}).stack
    assert stack.log_retention_days == 90


def test_every_profile_answers_the_same_questions() -> None:
    assert {frozenset(defaults) for defaults in PROFILES.values()} == {frozenset(PROFILES["production"])}
    assert settings({"mlstack:profile": "production"}) == settings(), "the defaults of the classes are production's"


def test_an_account_id_may_be_a_number_as_the_engine_stores_it() -> None:
    assert settings({"aws:allowedAccountIds": "[1.23456789012e+11]"}).account_id == "123456789012"
    assert settings({"aws:allowedAccountIds": "[123456789012]"}).account_id == "123456789012"


def test_settings_of_the_aws_plugin_are_left_to_it() -> None:
    assert isinstance(settings({"aws:skipCredentialsValidation": "true", "aws:defaultTags": '{"tags": {}}'}), Settings)


@pytest.mark.parametrize("file", sorted(ROOT.glob("Pulumi.*.yaml")), ids=lambda file: file.name)
def test_the_environments_that_come_with_the_program_are_valid(file: Path) -> None:
    assert from_file(file).environment == file.name.split(".")[1]


def test_a_file_and_the_engine_say_the_same() -> None:
    from_engine = load(
        {
            "aws:region": "eu-west-1",
            "aws:allowedAccountIds": '["123456789012"]',
            "mlstack:connector": json.dumps({"principal": "arn:aws:iam::123456789012:role/zenml-server"}),
            "mlstack:artifactStoreForceDestroy": "true",
            "mlstack:containerRegistryForceDelete": "true",
            "mlstack:profile": "development",
        },
        project="mlstack",
        environment="dev",
    )
    assert from_file(ROOT / "Pulumi.dev.yaml") == from_engine


def test_the_project_file_declares_every_setting_with_its_default() -> None:
    from tools.project_file import FILE, render, shared_in

    text = FILE.read_text(encoding="utf-8")
    assert text == render(shared_in(text)), "run: python -m tools.project_file"


def test_the_known_keys_are_those_of_the_pinned_zenml() -> None:
    from tools.flavors import FILE, render

    assert FILE.read_text(encoding="utf-8") == render(), "run: python -m tools.flavors"
