"""The page that people open: complete in itself, and nothing in it can run."""

import json
import re

from mlstack.review.page import page
from mlstack.review.preview import read
from mlstack.review.report import report
from tests.review.test_recorded import CASES, of


def test_every_recorded_preview_has_a_page_that_needs_nothing_else() -> None:
    for case in CASES:
        text = page(of(case))
        assert text.startswith("<!doctype html>")
        assert not re.search(r"(src|href)\s*=|@import|<script", text), case


def test_the_picture_has_a_box_for_each_component_in_the_colour_of_the_worst() -> None:
    text = page(of("new-key"))
    colours = {name: tone for tone, name in re.findall(r'stroke:var\(--(\w+)\)"/>\s*<text[^>]*>(\w+)<', text)}
    assert colours["ContainerRegistry"] == "replace"
    assert colours["EncryptionKey"] == "create"


def test_what_somebody_else_wrote_is_text() -> None:
    urn = "urn:pulumi:dev::shop::mlstack:index:MLStack$aws:s3/bucket:Bucket::<script>alert(1)</script>"
    step = {"op": "update", "urn": urn, "oldState": {"inputs": {"a": "<b>"}}, "newState": {"inputs": {"a": "<i>"}}}
    text = page(report(read(json.dumps({"steps": [step]})), {}))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "<i>" not in text
