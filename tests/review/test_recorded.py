"""Comments on previews that were really run (`python -m tools.previews`), and what each has to say.

The engine and the program are real, AWS and its provider are not: what the real provider says of a diff is not shown.
"""

import os
from pathlib import Path

import pytest

from mlstack.review.markdown import comment
from mlstack.review.model import Report
from mlstack.review.preview import read
from mlstack.review.report import report

RECORDED = Path(__file__).with_name("recorded")
CASES = sorted(folder.name for folder in RECORDED.iterdir() if folder.is_dir())


def of(case: str) -> Report:
    digest, events = (RECORDED / case / name for name in ("digest.json", "events.ndjson"))
    return report(read(digest.read_text(), events.read_text(), origin=case), {})


@pytest.mark.parametrize("case", CASES)
def test_the_comment_is_the_one_that_was_looked_at(case: str) -> None:
    text = comment(of(case), limit=65536, source_url="https://forge.example/tree/abc") + "\n"
    golden = RECORDED / case / "comment.md"
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
        ("unprotected-and-forced", {"force-destroy"}),
        ("key-of-a-user", {"iam-broadened"}),
        ("policy-failure", {"policy-broken", "force-destroy", "iam-broadened"}),
        ("new-key", {"data-loss", "protected", "iam-broadened"}),
    ],
)
def test_the_guards_that_speak(case: str, guards: set[str]) -> None:
    assert {each.guard for each in of(case).findings} == guards


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
