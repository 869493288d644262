"""Environments and what differs between them, for people. Tables are columns of plain text: they survive `| less`."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from mlstack.environments.promotion import Difference
from mlstack.environments.resources import Comparison
from mlstack.environments.values import Value, shown

_NAMED = 4


def table(rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as what is in them; the last one as long as it is."""
    lines = [list(row) for row in rows]
    widths = [max(len(row[column]) for row in lines) for column in range(len(lines[0]))] if lines else []
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines
    )


def settings(first: str, second: str, found: Iterable[Difference]) -> str:
    rows = [(each.key, _cell(each.source), _cell(each.target)) for each in found]
    return table([("setting", first, second), *rows]) if rows else "no setting differs"


def candidates(first: str, second: str, found: Sequence[Difference]) -> str:
    """The same, with why some stay."""
    rows = [
        (
            each.key,
            _cell(each.source),
            _cell(each.target),
            f"stays: {each.kept}" if each.kept else f"--key {each.setting}",
        )
        for each in found
    ]
    return table([("setting", first, second, ""), *rows]) if rows else "no setting differs"


def resources(found: Comparison) -> str:
    only = sum(len(each) for each in found.only.values())
    lines = [f"resources: {found.same} alike, {len(found.different)} differ, {only} in one alone"]
    for name, keys in found.only.items():
        lines += [f"  only in {name}: {kind} {resource}" for kind, resource in keys]
    by_property: dict[tuple[str, str, str], list[str]] = {}
    for each in found.different:
        for path, (before, after) in each.properties.items():
            by_property.setdefault((path, shown(before), shown(after)), []).append(each.name)
    for (path, before, after), names in by_property.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        lines.append(f"  {path}: {before} -> {after}   ({', '.join(names[:_NAMED])}{more})")
    return "\n".join(lines)


def as_json(first: str, second: str, found: Iterable[Difference], compared: Comparison | None) -> str:
    document: dict[str, Any] = {
        "environments": [first, second],
        "settings": [
            {"key": each.key, first: _json(each.source), second: _json(each.target), "stays": each.kept}
            for each in found
        ],
    }
    if compared:
        document["resources"] = {
            "same": compared.same,
            "only": {
                name: [{"type": kind, "name": resource} for kind, resource in keys]
                for name, keys in compared.only.items()
            },
            "different": [
                {
                    "type": each.type,
                    "name": each.name,
                    "properties": {
                        path: {first: before, second: after} for path, (before, after) in each.properties.items()
                    },
                }
                for each in compared.different
            ],
        }
    return json.dumps(document, ensure_ascii=False)


def _cell(value: Value | None) -> str:
    return f"{shown(value.value)} ({value.origin})" if value else "-"


def _json(value: Value | None) -> dict[str, Any] | None:
    return {"value": value.value, "origin": value.origin} if value else None
