"""docs/policies.md says what the pack does."""

from policies.pack import RULES
from tools.policy_rules import FILE, render


def test_the_page_of_rules_is_fresh() -> None:
    assert FILE.read_text(encoding="utf-8") == render(), "run: python -m tools.policy_rules"


def test_every_rule_is_in_one_row_with_its_page_and_both_levels() -> None:
    rows = [line for line in render().splitlines() if line.startswith("| [`")]
    assert len(rows) == len(RULES)
    for row, rule in zip(rows, RULES, strict=True):
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert len(cells) == 6, "a text of the rule breaks the table"
        assert rule.url in cells[0]
        assert set(cells[4:]) <= {"advisory", "mandatory", "disabled"}
