"""What is said of a setting comes from the classes and from the program's source, and so is true of them."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from components.profiles import PROFILES
from components.settings import Settings
from mlstack.environments.catalogue import catalogue, find
from mlstack.environments.explain import explained
from mlstack.environments.readers import readers
from tests.components.stacks import settings
from tests.environments.conftest import ROOT, Place


def _leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _leaves(field.annotation, (*path, name))
        else:
            yield (*path, name)


def test_every_setting_is_in_the_catalogue_and_has_a_description() -> None:
    known = {setting.path for setting in catalogue().values()}
    assert {path for path in _leaves(Settings) if len(path) > 1} <= known
    for setting in catalogue().values():
        assert setting.description, setting.key


def test_somebody_reads_every_setting() -> None:
    unread = [setting.key for setting in catalogue().values() if not setting.is_group and setting.path not in readers()]
    assert unread == [], "nobody reads it, or mlstack/environments/readers.py cannot follow who does"


def test_what_reads_a_setting_reads_it_on_the_line_that_is_named() -> None:
    lines = {file: (ROOT / file).read_text(encoding="utf-8").splitlines() for file in _files()}
    for path, found in readers().items():
        for reader in found:
            file, _, line = reader.where.partition(":")
            names = (path[-1], to_camel(path[-1]), "profile")
            assert any(name in lines[file][int(line) - 1] for name in names), (path, reader.where)


def _files() -> set[str]:
    return {reader.where.partition(":")[0] for found in readers().values() for reader in found}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("encryption.deletionWindowDays", {"EncryptionKey"}),
        ("untaggedImageDays", {"ContainerRegistry"}),
        ("logRetentionDays", {"ImageBuilder", "Network"}),
        ("connector.keys", {"ServerUser", "ZenMLParts"}),
        ("register", {"the program"}),
    ],
)
def test_the_readers_are_those_that_a_person_finds(key: str, expected: set[str]) -> None:
    assert {reader.name for reader in readers()[find(key).path]} == expected


def test_defaults_are_those_that_the_settings_have() -> None:
    for profile in PROFILES:
        made = settings({"mlstack:profile": profile})
        for setting in catalogue().values():
            by_profile = setting.defaults()
            if not by_profile or setting.key in ("mlstack:profile", "mlstack:connector.principal"):
                continue
            value: object = made
            for part in setting.path:
                value = getattr(value, part)
            expected = by_profile.get(profile, by_profile.get(""))
            if setting.is_group:
                assert isinstance(value, BaseModel)
                continue
            assert value == expected, (setting.key, profile)


def test_money_is_named_where_the_documentation_names_it_and_where_aws_has_a_price() -> None:
    assert any("1 USD a month" in each for each in explained(find("encryption.mode"))["cost"])
    assert any("0.09 USD" in each for each in explained(find("enhancedScanning"))["cost"])
    assert any(each.startswith("Bucket: 0.023") for each in explained(find("noncurrentVersionDays"))["prices"])
    assert explained(find("tags"))["prices"] == [], "everything reads it"


def test_a_setting_says_what_it_is_in_an_environment_and_why(place: Place) -> None:
    shown = place.run("config", "explain", "mlstack:accessLogs.mode", "--stack", "dev").stdout
    for line in ("create, existing or off", "development: off; production: create", "AccessLogs (components/"):
        assert line in shown
    assert "off   from profile development" in shown
    place.write("dev", place.text("dev").rstrip() + "\n  mlstack:accessLogs: {retentionDays: 10}\n")
    found = place.json("config", "explain", "accessLogs.mode", "--stack", "dev")
    assert (found["value"], found["origin"]) == ("create", "default"), "a structure counts as a whole"


def test_without_a_key_all_are_listed_and_a_misspelt_one_gets_the_nearest(place: Place) -> None:
    every = place.run("config", "explain").stdout
    assert all(key in every for key in catalogue())
    assert "did you mean encryption.mode?" in place.refused("config", "explain", "encrption.mode")
    assert "did you mean aws:region?" in place.refused("config", "explain", "aws:regio")
    assert "there is no Pulumi.de.yaml: did you mean dev?" in place.refused("config", "explain", "--stack", "de")
