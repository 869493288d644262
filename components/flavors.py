"""Which keys ZenML's flavors know, without importing ZenML.

ZenML itself takes an unknown key in silence. `flavors.json` is written by `tools/flavors.py` from the pinned
release, and a test holds it to that.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import JsonValue

_FILE = Path(__file__).with_name("flavors.json")


@cache
def _file() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return read


def known_keys(component: str, flavor: str) -> frozenset[str]:
    """The configuration keys of a flavor, such as `("artifact_store", "s3")`. Raises KeyError for one we do not use."""
    return frozenset(_file()["keys"][component][flavor])


def estimator_arguments() -> frozenset[str]:
    """What the SageMaker SDK's Estimator knows: ZenML hands `estimator_args` on to it."""
    return frozenset(_file()["estimator"])


def configured(defaults: Mapping[str, JsonValue], more: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """`defaults` with what the settings say in their place; of a value with keys of its own, only those keys."""
    merged = dict(defaults)
    for key, value in more.items():
        default = merged.get(key)
        merged[key] = {**default, **value} if isinstance(default, dict) and isinstance(value, dict) else value
    return merged
