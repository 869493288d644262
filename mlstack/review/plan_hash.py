"""A number for what would be done, to hold an approval against what is done later.

The engine's own plan file cannot serve: its seed and the ciphertext of every secret differ from run to run.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from mlstack.review.model import Change

_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 -- how the engine marks one


def plan_hash(project: str, environment: str, changes: Iterable[Change], unprotected: Iterable[str] = ()) -> str:
    """SHA-256 in hexadecimal over operations, changed values and lost protection, in an order of their own."""
    said = sorted([each.urn, each.operation, _changed(each)] for each in changes)
    plan = [project, environment, said, *([lost] if (lost := sorted(unprotected)) else [])]
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _changed(change: Change) -> list[Any]:
    keys = sorted({*change.old, *change.new})
    return [
        [key, _plain(change.old.get(key)), _plain(change.new.get(key))]
        for key in keys
        if not key.startswith("__") and change.old.get(key) != change.new.get(key)
    ]


def _plain(value: Any) -> Any:
    """Secrets as one word, and documents in JSON whatever their spacing."""
    if isinstance(value, dict):
        return "[secret]" if _SECRET in value.values() else {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
