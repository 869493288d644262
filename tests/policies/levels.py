"""The two configurations that come with the pack, as the tests read them."""

import json
from pathlib import Path
from typing import Any

PACK = Path(__file__).parents[2] / "policies"


def configuration(profile: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((PACK / f"{profile}.json").read_text(encoding="utf-8"))
    return read


def level(entry: Any) -> str:
    return str(entry["enforcementLevel"] if isinstance(entry, dict) else entry)


def options(entry: Any) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "enforcementLevel"} if isinstance(entry, dict) else {}
