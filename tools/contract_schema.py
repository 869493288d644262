"""Writes mlstack/contract.schema.json, the output contract for those who read it without Python."""

import json
from pathlib import Path

from mlstack.contract import MLStackOutputs

FILE = Path(__file__).parents[1] / "mlstack" / "contract.schema.json"


def render() -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **MLStackOutputs.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
