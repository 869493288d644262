"""The report as a comment: the most important first; too long, it loses the least important, never a guard."""

import difflib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from mlstack.review.model import Change, Report
from mlstack.review.statements import DOCUMENTS, UNKNOWN

_SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
_VALUE = 200
"""Characters of a value that are shown."""
_FEW = 8
_LINE = 1000
_MASKED = "[secret]"


@dataclass(frozen=True)
class _Section:
    text: str
    name: str
    keep: bool = False
    """Never cut."""


LEFT_OUT = "_Left out to fit: "


def side_by_side(reports: Iterable[Report]) -> str:
    """A line for each environment."""
    lines = []
    for each in reports:
        sign, said = headline(each)
        counted = ", ".join(f"{count} to {operation}" for operation, count in each.counts.items()) or "no changes"
        lines.append(f"| `{each.environment}` | {sign} {said} | {counted} |")
    return "\n".join(["| environment | verdict | changes |", "|---|---|---|", *lines])


def comment(
    report: Report,
    *,
    limit: int,
    source_url: str | None = None,
    count: Callable[[str], int] = len,
    folds: bool = True,
    note: str = "",
) -> str:
    """At most `limit` characters, or what `count` counts. `source_url`: what `<path>#L<line>` is put behind.

    `note`: what a reader has to know of this preview, such as what it compares with. `folds`: whether the forge takes a
    little HTML; Bitbucket shows it as it is written.

    Raises ValueError when not even what may not be cut fits into the limit.
    """
    sections = [
        _Section(_verdict(report), "verdict", keep=True),
        _Section(f"_{_inline(note)}_" if note else "", "note", keep=True),
        _Section(_guards(report), "guards", keep=True),
        _Section(_problems(report), "problems", keep=True),
        _Section(_access(report), "changes to who may do what"),
        _Section(_losses(report), "replaced and deleted"),
        _Section(_contract(report), "the contract"),
        _Section(_policies(report), "policies"),
        _Section(_cost(report), "cost"),
        _Section(_blind(report), "blind spots"),
        *(_Section(text, f"component {name}") for name, text in _components(report, source_url, folds=folds)),
        _Section("" if report.partial else f"<sub>plan `{report.plan_hash[:16]}`</sub>", "plan", keep=True),
    ]
    if not folds:
        sections = [replace(section, text=_without_html(section.text)) for section in sections]
    return _fitted([section for section in sections if section.text], limit, count)


def _without_html(text: str) -> str:
    return text.replace("<br>", ", ").replace("<sub>", "").replace("</sub>", "").replace("&lt;", "<")


def _fitted(sections: list[_Section], limit: int, count: Callable[[str], int]) -> str:
    cut: list[str] = []
    while True:
        note = [_Section(f"{LEFT_OUT}{_some(cut)}. The whole report is what `mlstack review --json` writes._", "")]
        text = "\n\n".join(section.text for section in [*sections, *(note if cut else [])])
        if count(text) <= limit:
            return text
        last = next((index for index in reversed(range(len(sections))) if not sections[index].keep), None)
        if last is None:
            return _shortened(sections, limit, count)
        cut.insert(0, sections.pop(last).name)


def _shortened(sections: list[_Section], limit: int, count: Callable[[str], int]) -> str:
    """Only guards are left: their words get shorter, their number stays."""
    for words in (200, 80, 40):
        text = "\n\n".join(
            "\n".join(line[:words] for line in section.text.splitlines()) for section in sections if section.text
        )
        if count(text) <= limit:
            return text
    raise ValueError(f"not even the guards fit into {limit} characters")


def headline(report: Report) -> tuple[str, str]:
    """A sign and what it says."""
    stopped = sorted({each.guard for each in report.findings if each.level == "fail" and each.overridden is None})
    if report.drift and report.changes and not report.partial:
        return "⚠️", "AWS is not as it was deployed"
    if report.partial:
        return "🛑", "the preview failed: this is only a part of it"
    if stopped:
        return "🛑", f"stopped by {', '.join(stopped)}"
    if any(each.overridden is None for each in report.findings):
        return "⚠️", "look at the warnings"
    return "✅", "nothing that a guard minds" if report.changes else "no changes"


def _verdict(report: Report) -> str:
    sign, said = headline(report)
    counted = [f"{count} to {operation}" for operation, count in report.counts.items()]
    about = f"## {sign} `{report.environment}` of `{report.project}`: {said}"
    return f"{about}\n\n**{', '.join(counted)}**" if counted else about


def _guards(report: Report) -> str:
    signs = {"fail": "🛑", "warn": "⚠️", "off": ""}
    lines = [
        f"- {'☑️' if each.overridden else signs[each.level]} **{each.guard}**: {_inline(each.said)}"
        + (f" — allowed: {_inline(each.overridden)}" if each.overridden else "")
        for each in report.findings
    ]
    return "\n".join(lines)


def _problems(report: Report) -> str:
    return "\n\n".join(_fenced(each[:2000], "") for each in report.problems[:5])


def _access(report: Report) -> str:
    if not report.statements and not report.documents:
        return ""
    lines = ["### Who may do what", ""]
    verdicts = {(each.whose, each.kind): each for each in report.documents}
    for (whose, kind), several in groupby(report.statements, key=lambda each: (each.whose, each.kind)):
        judged = verdicts.get((whose, kind))
        verdict = (
            f": **{judged.verdict}**" + (f" ({_inline(judged.witness)})" if judged.witness else "") if judged else ""
        )
        lines += [
            f"{kind} of `{whose}`{verdict}",
            "",
            "| | effect | actions | on | for | if |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {each.sign} | {each.effect} | {_cell(each.actions)} | {_cell(each.resources)} "
            f"| {_cell(each.principals)} | {_cell((each.conditions,) if each.conditions else ())} |"
            for each in several
        ]
        lines.append("")
    return "\n".join(lines).rstrip()


def _losses(report: Report) -> str:
    lines = [
        f"- {each.operation} `{each.name}` ({each.type.rpartition(':')[2]})"
        + (f": {', '.join(f'`{reason}`' for reason in each.reasons)} cannot change in place" if each.reasons else "")
        + (" 🔒 protected" if each.protected else "")
        + (", stays in AWS" if each.retained else "")
        for each in report.changes
        if each.operation in ("replace", "delete")
    ]
    return "\n".join(["### Replaced and deleted", "", *lines]) if lines else ""


def _contract(report: Report) -> str:
    if not report.contract:
        return ""
    lines = [f"| `{each.path}` | {_value(each.old)} | {_value(each.new)} |" for each in report.contract]
    head = ["### What `mlstack register` will change in ZenML", "", "| of the contract | from | to |", "|---|---|---|"]
    return "\n".join([*head, *lines])


def _policies(report: Report) -> str:
    lines = [
        f"- {'❔' if each.could_not_run else '🛑' if each.enforcement == 'mandatory' else '⚠️'} **{each.rule}** "
        f"`{each.resource}`: {_inline(each.said)}"
        for each in report.policies
    ]
    return "\n".join(["### Policies", "", *lines]) if lines else ""


def _cost(report: Report) -> str:
    if not report.cost:
        return ""
    priced = [each.monthly for each in report.cost if each.monthly is not None]
    total = [f"**{sum(priced):+.2f} USD a month** standing, beside what depends on use.", ""] if priced else []
    lines = [
        f"| `{each.name}` | {'' if each.monthly is None else f'{each.monthly:+.2f}'} | {each.said} |"
        for each in report.cost
    ]
    head = ["### Cost", "", *total, "| | USD a month | by use, USD |", "|---|---|---|"]
    origin = report.prices or "no prices of this region are known; `mlstack review --refresh-prices` reads them"
    return "\n".join([*head, *lines, "", f"<sub>{origin}</sub>"])


def _blind(report: Report) -> str:
    lines = [
        f"- `{change.name}.{key}`: known after apply"
        + (f", from {', '.join(f'`{each}`' for each in waits)}" if waits else "")
        for change in report.changes
        for key, waits in change.waits_for.items()
    ]
    return "\n".join(["### What a preview cannot see", "", *lines]) if lines else ""


def _components(report: Report, source_url: str | None, *, folds: bool) -> Iterable[tuple[str, str]]:
    ordered = sorted(report.changes, key=lambda each: each.component)
    for component, several in groupby(ordered, key=lambda each: each.component):
        changes = list(several)
        body = "\n\n".join(_change(change, source_url) for change in changes)
        said = f"{component}: {len(changes)} {'change' if len(changes) == 1 else 'changes'}"
        folded = f"<details><summary>{said}</summary>\n\n{body}\n\n</details>"
        yield component, folded if folds else f"### {said}\n\n{body}"


def _change(change: Change, source_url: str | None) -> str:
    sign = _SIGNS.get(change.operation, change.operation)
    where = ""
    if change.source:
        path, _, line = change.source.rpartition(":")
        where = f" [{change.source}]({source_url}/{path}#L{line})" if source_url else f" {change.source}"
    title = f"`{sign}` **{change.name}** {change.type.rpartition(':')[2]}{where}"
    lines = changed_lines(change)
    return f"{title}\n\n{_fenced(chr(10).join(lines), 'diff')}" if lines else title


def changed_lines(change: Change) -> list[str]:
    """Of an update or a replacement: what goes with `-`, what comes with `+`, documents as JSON."""
    if change.operation not in ("update", "replace"):
        return []
    found: list[str] = []
    for key in sorted({*change.old, *change.new}):
        old, new = change.old.get(key), change.new.get(key)
        if old == new or key.startswith("__"):
            continue
        if change.type in DOCUMENTS and key == DOCUMENTS[change.type][0] and UNKNOWN not in str(new):
            pretty = [_pretty(each) for each in (old, new)]
            found += [f"  {key}:", *(f"{line[0]}   {line[1:]}" for line in _unified(*pretty))]
            continue
        if key in change.old:
            found.append(f"- {key}: {_short(old)}")
        if key in change.new:
            found.append(f"+ {key}: {_short(new)}")
    return found


def _unified(old: str, new: str) -> list[str]:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _pretty(document: Any) -> str:
    try:
        return json.dumps(json.loads(document) if isinstance(document, str) else document, indent=2, sort_keys=True)
    except ValueError:
        return str(document)


def _short(value: Any) -> str:
    if value == UNKNOWN:
        return "known after apply"
    text = _MASKED if isinstance(value, dict) and "ciphertext" in value else json.dumps(value, sort_keys=True)
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"


def _value(value: Any) -> str:
    return "" if value is None else f"`{_inline(_short(value)).replace('|', chr(92) + '|')}`"


def _cell(values: tuple[str, ...]) -> str:
    shown = [f"`{_inline(value).replace('|', chr(92) + '|')}`" for value in values[:_FEW]]
    return "<br>".join([*shown, *([f"and {len(values) - _FEW} more"] if len(values) > _FEW else [])])


def _inline(text: str) -> str:
    """On one line, and nothing in it that a forge takes for a tag or a person."""
    return re.sub(r"\s+", " ", text).strip()[:_LINE].replace("<", "&lt;").replace("@", "@\u200b")


def _fenced(text: str, language: str) -> str:
    ticks = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text) or [""]))
    return f"{ticks}{language}\n{text}\n{ticks}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
