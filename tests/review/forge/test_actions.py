"""Annotations that no text can break out of, and a summary that GitHub shows."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack.errors import MLStackError, UsageError
from mlstack.review.forge.actions import PER_LEVEL, Annotation, annotations, write_summary


def warning(message: str = "m", file: str = "components/iam.py", title: str = "") -> Annotation:
    return Annotation(level="warning", file=file, line=42, message=message, title=title)


def test_an_annotation_is_a_workflow_command_on_its_line() -> None:
    written = annotations([warning("broadened: s3:*, 100%\nsee the table", title="IAM: a, b")])
    assert written == (
        "::warning file=components/iam.py,line=42,title=IAM%3A a%2C b::broadened: s3:*, 100%25%0Asee the table\n"
    )


@given(st.text(), st.text(), st.text())
def test_no_text_ends_an_annotation_or_begins_another(message: str, file: str, title: str) -> None:
    written = annotations([warning(message, file, title)])
    assert written.count("\n") == 1
    assert "\r" not in written
    found = re.fullmatch(r"::warning(?: ([^:]*))?::(.*)\n", written, re.DOTALL)
    assert found
    assert unquote(found[2]) == unquote(message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))
    assert len((found[1] or "").split(",")) <= 3


@pytest.mark.parametrize("file", ["/opt/checkout/x.py", "../x.py", "a/../../x.py", "C:\\work\\x.py", "", "."])
def test_a_path_of_the_machine_is_not_shown(file: str) -> None:
    assert annotations([warning(file=file)]) == "::warning::m\n"


def test_what_github_would_drop_is_counted_and_errors_come_first() -> None:
    error = Annotation(level="error", file="a.py", line=1, message="e")
    lines = annotations([*(warning(str(n)) for n in range(PER_LEVEL + 3)), error]).splitlines()
    assert len(lines) == PER_LEVEL + 1
    assert lines[0].startswith("::error ")
    assert lines[-1].endswith("::9 (and 3 more: see the comment)")
    assert annotations([]) == ""


def test_the_summary_is_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    write_summary({"GITHUB_STEP_SUMMARY": str(file)}, "# été")
    write_summary({"GITHUB_STEP_SUMMARY": str(file)}, "two")
    assert file.read_bytes() == "# été\ntwo\n".encode()


def test_a_summary_that_github_would_not_show_is_refused_whole(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    file.write_text("x" * 1024 * 1024)
    with pytest.raises(MLStackError, match="the limit is 1,048,576"):
        write_summary({"GITHUB_STEP_SUMMARY": str(file)}, "y")
    assert file.stat().st_size == 1024 * 1024
    file.write_text("")
    write_summary({"GITHUB_STEP_SUMMARY": str(file)}, "x" * (1024 * 1024 - 1))


def test_a_summary_without_its_place_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="GITHUB_STEP_SUMMARY is not set"):
        write_summary({}, "x")
    with pytest.raises(MLStackError, match="cannot be written"):
        write_summary({"GITHUB_STEP_SUMMARY": str(tmp_path)}, "x")
