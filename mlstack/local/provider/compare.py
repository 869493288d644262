"""Whether two values of a property mean the same, and what differs between two sets of inputs."""

import json
from collections.abc import Mapping
from typing import Any

from mlstack.local.provider.schema import Property, Values
from mlstack.local.provider.values import UNKNOWN


def same(declared: Property, old: Any, new: Any) -> bool:
    """Equal in meaning: policies as JSON, absent as its default, lists without order where AWS keeps none."""
    if declared.computed and new is None:
        return True
    old = declared.default if old is None else old
    new = declared.default if new is None else new
    if old is UNKNOWN or new is UNKNOWN:
        return False
    if old is None or new is None:
        return _empty(old) and _empty(new)
    if declared.policy:
        return bool(_meaning(_as_json(old)) == _meaning(_as_json(new)))
    if declared.json:
        return bool(_as_json(old) == _as_json(new))
    if declared.kind == "object":
        return _same_fields(declared.fields, old, new)
    if declared.kind == "list":
        if len(old) != len(new):
            return False
        if declared.unordered:
            return _same_set(declared, old, list(new))
        return all(_same_item(declared, a, b) for a, b in zip(old, new, strict=True))
    return bool(old == new)


def changes(declared: Mapping[str, Property], old: Values, new: Values, path: str = "") -> dict[str, bool]:
    """Path of each differing property, to whether the change replaces the resource. Objects are entered, lists not."""
    found: dict[str, bool] = {}
    for name, prop in declared.items():
        before, after = old.get(name), new.get(name)
        if same(prop, before, after):
            continue
        here = f"{path}{name}"
        if prop.kind == "object" and isinstance(before, dict) and isinstance(after, dict) and not prop.forces_new:
            found |= changes(prop.fields, before, after, f"{here}.")
        else:
            found[here] = prop.forces_new
    return found


def _same_set(declared: Property, old: list[Any], new: list[Any]) -> bool:
    for each in old:
        twin = next((other for other in new if _same_item(declared, each, other)), None)
        if twin is None:
            return False
        new.remove(twin)
    return True


def _same_item(declared: Property, old: Any, new: Any) -> bool:
    return _same_fields(declared.fields, old, new) if declared.fields else bool(old == new)


def _same_fields(fields: Mapping[str, Property], old: Any, new: Any) -> bool:
    if old is UNKNOWN or new is UNKNOWN:
        return False
    return all(same(prop, old.get(name), new.get(name)) for name, prop in fields.items())


def _empty(value: Any) -> bool:
    return value is None or value == {} or value == []


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _meaning(part: Any) -> Any:
    """A part of an IAM document, made so that what means the same is equal: no list has an order, one is as a list."""
    if isinstance(part, dict):
        one_statement = isinstance(part.get("Statement"), dict)
        return {
            key: _meaning([value] if one_statement and key == "Statement" else value) for key, value in part.items()
        }
    parts = part if isinstance(part, list) else [part]
    return sorted((_meaning(each) if isinstance(each, dict) else str(each) for each in parts), key=repr)
