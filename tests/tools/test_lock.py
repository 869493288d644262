"""requirements.txt is what pyproject.toml asks for: pinned, hashed, without an address."""

import re

import pytest

from tools.lock import EXAMPLE, LOCK, ROOT, asked_by, asked_in, pins, problems

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
TEXT = LOCK.read_text(encoding="utf-8")


def test_the_committed_lock_is_fresh_hashed_and_without_addresses() -> None:
    assert list(problems(TEXT, asked_by(PYPROJECT))) == []


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        (TEXT.replace("pulumi-aws==7", "pulumi-aws==6", 1), "pulumi-aws is 6"),
        (re.sub(r"(?m)^typer==.*\n(?:    --hash.*\n)+", "", TEXT), "typer is not in it"),
        (re.sub(r"(?m)^(typer==\S+) \\\n(?:    --hash.*\n)+", r"\1\n", TEXT), "typer has no hash"),
        ("--index-url https://example.com/simple\n" + TEXT, "an address stands in it"),
    ],
    ids=["a version too old", "a package missing", "a hash missing", "an index in it"],
)
def test_a_lock_that_was_tampered_with_is_noticed(tampered: str, said: str) -> None:
    assert tampered != TEXT
    assert any(said in problem for problem in problems(tampered, asked_by(PYPROJECT)))


def test_it_notices_what_pyproject_asks_for_in_an_extra() -> None:
    more = PYPROJECT.replace("dev = [", 'dev = [\n  "a-package-nobody-has",')
    assert list(problems(TEXT, asked_by(more))) == ["a-package-nobody-has is not in it"]


def test_the_lock_of_the_older_zenml_is_pinned_and_hashed_too() -> None:
    text = (ROOT / "tests" / "versions" / "older.txt").read_text(encoding="utf-8")
    assert list(problems(text, ["zenml"])) == []


def test_the_lock_of_the_example_is_fresh_and_installs_what_the_demo_runs_its_steps_with() -> None:
    text = (ROOT / EXAMPLE / "requirements.txt").read_text(encoding="utf-8")
    asked = asked_in((ROOT / EXAMPLE / "requirements.in").read_text(encoding="utf-8"))
    assert list(problems(text, asked)) == []
    assert list(problems(text, [*asked, "a-package-nobody-has"])) == ["a-package-nobody-has is not in it"]
    here, there = pins(TEXT), pins(text)
    assert {name: versions for name, versions in there.items() if not set(versions) <= set(here[name])} == {}
