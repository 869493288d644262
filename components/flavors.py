"""Which keys ZenML's flavors know, without importing ZenML.

ZenML itself takes an unknown key in silence. `flavors.json` is written by `tools/flavors.py` from the pinned
release, and a test holds it to that.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import JsonValue

_FILE = Path(__file__).with_name("flavors.json")


@cache
def _known() -> dict[str, dict[str, list[str]]]:
    keys: dict[str, dict[str, list[str]]] = json.loads(_FILE.read_text(encoding="utf-8"))["keys"]
    return keys


def known_keys(component: str, flavor: str) -> frozenset[str]:
    """The configuration keys of a flavor, such as `("artifact_store", "s3")`. Raises KeyError for one we do not use."""
    return frozenset(_known()[component][flavor])


def configured(defaults: Mapping[str, JsonValue], more: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """`defaults` with what the settings say in their place; of a value with keys of its own, only those keys."""
    merged = dict(defaults)
    for key, value in more.items():
        default = merged.get(key)
        merged[key] = {**default, **value} if isinstance(default, dict) and isinstance(value, dict) else value
    return merged
