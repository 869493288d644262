"""The settings file in which `mlstack rotate-key` changes one line."""

from pathlib import Path

import pytest

from mlstack.errors import UsageError
from mlstack.registration.key_setting import file_of, read, with_their_own, write

ROOT = Path(__file__).parents[2]

BY_HAND = """\
# Ours.
config:
  aws:allowedAccountIds:
    - "123456789012"  # the one
  # Outside AWS.
  mlstack:connector:
    auth: iam-role
    sessionSeconds: 7200  # the longest step
  mlstack:tags: {cost-centre: '42'}
"""
BY_PULUMI = """\
config:
  aws:allowedAccountIds:
  - "123456789012"
  mlstack:connector:
    auth: iam-role
    keys:
    - 1
    sessionSeconds: 7200
  mlstack:network:
    zones:
    - eu-west-1a
"""


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (BY_HAND, "7200  # the longest step\n", "7200  # the longest step\n    keys: [1, 2]\n"),
        (BY_HAND.replace("auth:", "keys: [1]  # by rotate-key\n    auth:"), "keys: [1] ", "keys: [1, 2]"),
        (BY_PULUMI, "keys:\n    - 1\n", "keys: [1, 2]\n"),
    ],
)
def test_one_line_changes_and_comments_stay(tmp_path: Path, text: str, old: str, new: str) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(text)
    assert read(file) == (1,)
    write(file, (1, 2))
    assert file.read_text() == text.replace(old, new)
    assert read(file) == (1, 2)
    assert list(tmp_path.iterdir()) == [file]


def test_a_stack_of_an_organisation_has_the_file_of_its_last_name() -> None:
    assert file_of("ours/mlstack/prod") == Path("Pulumi.prod.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config:\n  mlstack:connector:\n    auth: implicit\n", "auth is not iam-role"),
        ('config:\n  mlstack:connector: \'{"auth": "iam-role"}\'\n', "auth is not iam-role"),
        ("config: {}\n", "auth is not iam-role"),
        ("", "auth is not iam-role"),
        ("config:\n  mlstack:connector:\n    auth: iam-role\n    keys: [one]\n", "not a list of numbers"),
        ("config: [", "cannot be read"),
        (None, "there is no"),
    ],
)
def test_a_file_without_a_key_to_rotate_is_refused_and_named(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=said) as refused:
        read(file)
    assert "Pulumi.dev.yaml" in str(refused.value)


TEAMS = """\
config:
  mlstack:connector:
    auth: iam-role
    keys: [2]
  mlstack:teams:
    - name: vision  # of the cameras
    - name: speech
      connector:
        keys: [5]
"""


def test_a_team_has_the_keys_of_the_environment_until_it_has_its_own(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(TEAMS, encoding="utf-8")
    assert (read(file), read(file, "vision"), read(file, "speech")) == (
        (2,),
        (2,),
        (5,),
    )
    assert with_their_own(file) == ("speech",)
    write(file, (2, 3), "vision")
    assert read(file, "vision") == (2, 3)
    assert read(file) == (2,)
    text = file.read_text(encoding="utf-8")
    assert "- name: vision  # of the cameras" in text
    assert with_their_own(file) == ("vision", "speech")


def test_a_team_that_is_not_in_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(TEAMS, encoding="utf-8")
    with pytest.raises(UsageError, match="has no team 'text'"):
        read(file, "text")
