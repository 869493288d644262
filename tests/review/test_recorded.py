"""Comments on previews that were really run (`python -m tools.previews`), and what each has to say.

The engine and the program are real, AWS and its provider are not: what the real provider says of a diff is not shown.
"""

import os
from pathlib import Path

import pytest

from mlstack.review.markdown import comment, side_by_side
from mlstack.review.model import Report
from mlstack.review.preview import read
from mlstack.review.report import report

RECORDED = Path(__file__).with_name("recorded")
THREE = ("dev", "staging", "prod")
CASES = sorted(folder.name for folder in RECORDED.iterdir() if (folder / "digest.json").is_file())


def of(case: str) -> Report:
    digest, events = (RECORDED / case / name for name in ("digest.json", "events.ndjson"))
    return report(read(digest.read_text(), events.read_text(), origin=case), {}, drift=case == "drift")


@pytest.mark.parametrize("case", CASES)
def test_the_comment_is_the_one_that_was_looked_at(case: str) -> None:
    text = comment(of(case), limit=65536, source_url="https://forge.example/tree/abc") + "\n"
    _is_golden(text, RECORDED / case / "comment.md")


def test_three_environments_of_a_matrix_stand_side_by_side() -> None:
    made = [of(f"three-environments/{stack}") for stack in THREE]
    text = side_by_side(made) + "\n"
    _is_golden(text, RECORDED / "three-environments" / "table.md")
    assert [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")] == list(THREE)
    assert "no change" in text
    assert "7 to create, 1 to update" in text


def _is_golden(text: str, golden: Path) -> None:
    if os.environ.get("MLSTACK_WRITE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), "look at it, then MLSTACK_WRITE_GOLDEN=1 writes it anew"


@pytest.mark.parametrize(
    ("case", "guards"),
    [
        ("create-all", {"force-destroy"}),
        ("no-change", set()),
        ("narrowed-role", set()),
        ("broadened-trust", {"iam-broadened"}),
        ("opened-to-another-account", {"iam-opened"}),
        ("replaced-bucket", {"data-loss", "protected", "force-destroy"}),
        ("deleted-repository", {"data-loss", "protected"}),
        ("unprotected-and-forced", {"force-destroy", "protection-removed"}),
        ("key-of-a-user", {"iam-broadened"}),
        ("policy-failure", {"policy-broken", "force-destroy", "iam-broadened"}),
        ("new-key", {"data-loss", "protected", "iam-broadened"}),
        ("secret-change", set()),
        ("drift", set()),
        (
            "rule-that-could-not-run",
            {"data-loss", "protected", "iam-broadened", "policy-broken", "policy-could-not-run"},
        ),
    ],
)
def test_the_guards_that_speak(case: str, guards: set[str]) -> None:
    assert {each.guard for each in of(case).findings} == guards


def test_a_secret_that_changes_is_seen_and_never_shown() -> None:
    made = of("secret-change")
    assert {each.path.rpartition(".")[2] for each in made.contract} == {"key_generation"}
    assert [each.kind for each in made.statements] == ["access key"]
    assert "wJalr" not in made.model_dump_json()
    assert '"secret":' not in made.model_dump_json()


def test_a_rule_that_could_not_run_says_what_it_could_not_judge() -> None:
    blind = [each for each in of("rule-that-could-not-run").policies if each.could_not_run]
    assert [each.rule for each in blind] == ["stack-secret-in-output"]


def test_drift_is_told_as_what_somebody_did_not_as_what_would_be_done() -> None:
    made = of("drift")
    text = comment(made, limit=65536)
    assert "AWS is not as it was deployed" in text
    assert "`pulumi up` would refuse" not in text


def test_what_is_no_longer_protected_is_part_of_the_plan() -> None:
    recorded = read((RECORDED / "unprotected-and-forced" / "digest.json").read_text())
    with_it = report(recorded, {}).plan_hash
    recorded.unprotected = {}
    assert report(recorded, {}).plan_hash != with_it


@pytest.mark.parametrize(
    ("releases", "said"),
    [(("v3.259.0", "v4.0.1"), 1), (("v3.9.0", "v3.259.0"), 0), (("", "v4.0.1"), 0)],
)
def test_an_engine_of_another_major_release_is_said(releases: tuple[str, str], said: int) -> None:
    recorded = read((RECORDED / "no-change" / "digest.json").read_text())
    recorded.engine = releases
    assert [each.guard for each in report(recorded, {}).findings] == ["engine-major"] * said


def test_a_narrowed_document_is_never_called_broadened() -> None:
    verdicts = {each.verdict for each in of("narrowed-role").documents}
    assert verdicts <= {"narrowed", "removed"}


def test_what_was_counted_is_what_is_listed() -> None:
    for case in CASES:
        made = of(case)
        assert sum(made.counts.values()) == len(made.changes)


def test_the_change_of_the_contract_is_what_the_hook_will_do() -> None:
    (change,) = of("broadened-trust").contract
    assert (change.path, change.new) == ("principal", "arn:aws:iam::123456789012:role/another")


def test_a_change_names_its_line_of_code() -> None:
    (change,) = of("unprotected-and-forced").changes
    assert change.source is not None
    path, _, line = change.source.partition(":")
    assert (Path(__file__).parents[2] / path).is_file()
    assert line.isdecimal()


def test_a_preview_that_failed_is_a_partial_report_with_its_reason() -> None:
    made = of("failed-program")
    assert made.partial
    assert "mlstack:instanceType is 't3.large'" in made.problems[0]
    assert "partial" in comment(made, limit=65536) or "only a part" in comment(made, limit=65536)


def test_a_preview_that_a_rule_ended_is_whole() -> None:
    made = of("policy-failure")
    assert not made.partial
    assert made.fails
    assert any(each.rule == "s3-without-access-logs" for each in made.policies)


def test_the_hash_of_a_plan_is_that_of_what_is_done() -> None:
    hashes = {case: of(case).plan_hash for case in CASES if case != "failed-program"}
    assert len(set(hashes.values())) == len(hashes), "two different plans have one hash"
    assert of("replaced-bucket").plan_hash == hashes["replaced-bucket"]
