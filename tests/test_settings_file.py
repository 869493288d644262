"""What is taken out of a settings file leaves every other character of it."""

from pathlib import Path

import pytest

from mlstack.settings_file import without

TEXT = """\
# Ours.
config:
  # about the account
  aws:allowedAccountIds:
  - "123456789012"
  # about a
  mlstack:a: 1  # one

  # about b
  mlstack:b:
    c: 2
    # about d
    d:
    - e
    - f
  # about g
  mlstack:g: {h: 1, i: 2}
  # last
encryptionsalt: v1:x
"""


@pytest.mark.parametrize(
    ("parts", "gone"),
    [
        (("mlstack:a",), "  mlstack:a: 1  # one\n"),
        (("mlstack:b",), "  mlstack:b:\n    c: 2\n    # about d\n    d:\n    - e\n    - f\n"),
        (("mlstack:b", "d"), "    d:\n    - e\n    - f\n"),
        (("mlstack:b", "c"), "    c: 2\n"),
        (("aws:allowedAccountIds",), '  aws:allowedAccountIds:\n  - "123456789012"\n'),
        (("mlstack:g", "h"), "h: 1, "),
        (("mlstack:z",), ""),
        (("mlstack:b", "z"), ""),
    ],
)
def test_only_its_own_lines_go(parts: tuple[str, ...], gone: str, tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(TEXT, encoding="utf-8")
    assert without(TEXT, parts, file) == TEXT.replace(gone, "", 1)


def test_a_structure_that_had_nothing_else_goes_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    text = TEXT.replace("    c: 2\n", "")
    file.write_text(text, encoding="utf-8")
    assert "mlstack:b" not in without(text, ("mlstack:b", "d"), file)
