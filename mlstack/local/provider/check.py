"""Whether inputs are ones that the real plugin would take. What is wrong is named by its path."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlstack.errors import nearest
from mlstack.local.provider.schema import Property, Values
from mlstack.local.provider.values import UNKNOWN

_KINDS: dict[str, type] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "map": dict,
    "object": dict,
    "list": list,
}


def problems(declared: Mapping[str, Property], given: Values, path: str = "") -> Iterator[tuple[str, str]]:
    """Property path and reason of each thing that is wrong. Unknown values are taken on trust until they are known."""
    for name in given:
        if name not in declared and name != "__defaults":
            yield f"{path}{name}", f"is unknown to the embedded provider{nearest(name, declared)}"
    for name, prop in declared.items():
        value = given.get(name)
        if value is None:
            if prop.required:
                yield f"{path}{name}", "is required"
        elif value is not UNKNOWN:
            yield from _of_value(prop, value, f"{path}{name}")


def _of_value(prop: Property, value: Any, path: str) -> Iterator[tuple[str, str]]:
    fits = isinstance(value, _KINDS[prop.kind]) and not (prop.kind == "integer" and isinstance(value, bool))
    if not fits:
        yield path, f"is {value!r}, not of type {prop.kind}"
    elif prop.choices and not prop.items and value not in prop.choices:
        yield path, f"is {value!r}; AWS has {', '.join(map(str, prop.choices))}"
    elif prop.json and not _is_json(value):
        yield path, "is not JSON"
    elif prop.kind == "object":
        yield from problems(prop.fields, value, f"{path}.")
    elif prop.kind == "map":
        for key, item in value.items():
            if not isinstance(item, str) and item is not UNKNOWN:
                yield f"{path}.{key}", f"is {item!r}, not of type string"
    elif prop.items:
        item_of_it = Property(kind=prop.items, choices=prop.choices)
        for index, item in enumerate(value):
            if item is not UNKNOWN:
                yield from _of_value(item_of_it, item, f"{path}[{index}]")
    elif prop.kind == "list" and prop.fields:
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield from problems(prop.fields, item, f"{path}[{index}].")
            elif item is not UNKNOWN:
                yield f"{path}[{index}]", f"is {item!r}, not an object"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
