"""The report as one HTML file that needs nothing else, with a picture of the components and what happens to them."""

from collections import Counter
from itertools import groupby
from typing import Any

import jinja2

from mlstack.review.markdown import changed_lines, headline
from mlstack.review.model import Change, Report

_TONES = ("delete", "replace", "update", "create")
"""Worst first: a component has the colour of the worst that happens in it."""
_ACROSS, _WIDTH, _HEIGHT, _GAP = 4, 226, 56, 16


def page(report: Report) -> str:
    """Everything that stands in it is escaped: it may come from somebody else's pull request."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mlstack.review", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    ordered = sorted(report.changes, key=lambda each: each.component)
    components = {name: list(several) for name, several in groupby(ordered, key=lambda each: each.component)}
    boxes = [_box(index, name, several) for index, (name, several) in enumerate(components.items())]
    sign, said = headline(report)
    rows = -(-len(boxes) // _ACROSS)
    return environment.get_template("page.html.j2").render(
        report=report,
        verdict=f"{sign} {said}",
        tone={"🛑": "stop", "⚠️": "warn"}.get(sign, "fine"),
        counted=", ".join(f"{count} to {operation}" for operation, count in report.counts.items()),
        boxes=boxes,
        width=_ACROSS * (_WIDTH + _GAP),
        height=rows * (_HEIGHT + _GAP),
        verdicts={(each.whose, each.kind): each.verdict for each in report.documents},
        blind=[(f"{c.name}.{key}", waits) for c in report.changes for key, waits in c.waits_for.items()],
        components=[(name, [(each, changed_lines(each)) for each in several]) for name, several in components.items()],
        tones=_TONES,
    )


def _box(index: int, name: str, changes: list[Change]) -> dict[str, Any]:
    counts = Counter(each.operation for each in changes)
    return {
        "x": index % _ACROSS * (_WIDTH + _GAP) + 2,
        "y": index // _ACROSS * (_HEIGHT + _GAP) + 2,
        "width": _WIDTH,
        "name": name,
        "said": ", ".join(f"{count} {operation}" for operation, count in counts.items()),
        "tone": next((tone for tone in _TONES if counts[tone]), "other"),
    }
