"""The marker holds whatever the names are, hides, and counts in the first line alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack.review.forge.marker import Marker, Style, find, write

PLAN = "0123456789abcdef" * 4
DATA = Marker(project="mlstack", environment="prod", plan=PLAN)
STYLES: list[Style] = ["html", "reference"]

names = st.text() | st.sampled_from(
    [
        "-->",
        "--!>",
        "->",
        "--",
        "<!--",
        "} -->\n\n@all",
        "]: #",
        "%7D",
        '"',
        "\\u002d",
        "\r\n",
        "\u2028",
        "é🌈",
        "-" * 9,
    ]
)
markers = st.builds(
    Marker,
    project=names,
    environment=names,
    plan=st.none() | st.text("0123456789abcdef", min_size=1, max_size=128),
    truncated=st.booleans(),
)


@given(markers, st.sampled_from(STYLES), st.text())
def test_every_marker_is_read_back_as_it_was_written(data: Marker, style: Style, text: str) -> None:
    line = write(data, style)
    assert find(line) == data
    assert find(f"{line}\n\n{text}") == data
    assert find(f"{line}\r\n\r\n{text}") == data, "GitHub's editor changes line ends"


@given(markers)
def test_no_value_ends_the_html_comment_early_or_shows_anything(data: Marker) -> None:
    line = write(data)
    assert line.isascii()
    assert line.isprintable()
    inside = line.removeprefix("<!--").removesuffix("-->")
    assert len(inside) == len(line) - 7
    assert not re.search(r"--|[<>]", inside)


@given(markers)
def test_no_value_ends_the_link_definition_early(data: Marker) -> None:
    assert re.fullmatch(r"\[mlstack-review-v1\]: #[A-Za-z0-9%._~-]+", write(data, "reference"))


@pytest.mark.parametrize("style", STYLES)
def test_a_marker_anywhere_but_in_the_first_line_is_text(style: Style) -> None:
    line = write(DATA, style)
    for body in (f"text\n{line}", f"> {line}", f"text {line}", f"```\n{line}\n```", f"{line} and more"):
        assert find(body) is None, body


def test_a_newer_version_is_read_as_far_as_it_is_understood() -> None:
    newer = write(DATA).replace(" v1 ", " v2 ")
    assert find(newer) == DATA
    assert find(newer.replace("}", ',"cost":[1,2]}')) == DATA
    odd = find(newer.replace(f'"{PLAN}"', '{"sha512":"00"}').replace("false", '"a bit"'))
    assert odd == Marker(project="mlstack", environment="prod", plan=None, truncated=True), "approves nothing"
    assert find(newer.replace('"mlstack"', "1")) is None


def test_what_is_no_marker_is_none() -> None:
    line = write(DATA)
    for body in (
        "",
        "\n",
        "<!-- infracost -->",
        line.replace("}", ""),
        line.replace("v1", "v"),
        line.replace('"prod"', "7"),
    ):
        assert find(body) is None, body
    assert find(line.replace(PLAN, "not hex")) is None
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    assert find(f"<!-- mlstack-review v1 {deep} -->") is None
    assert find(line.replace("false", '"false"')) is None
    assert find('<!-- mlstack-review v2 {"a":[}] -->') is None
    assert find(line.replace(PLAN, PLAN.upper())) is None
