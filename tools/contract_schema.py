"""Writes mlstack/contract.schema.json, the output contract for those who read it without Python."""

import json
from pathlib import Path

from mlstack.contract import SCHEMA_VERSION, MLStackOutputs

FILE = Path(__file__).parents[1] / "mlstack" / "contract.schema.json"


def render() -> str:
    one = MLStackOutputs.model_json_schema()
    definitions = one.pop("$defs")
    of_one = {"$ref": "#/$defs/MLStackOutputs"}
    teams = {
        "type": "object",
        "description": "One for each team of an environment.",
        "properties": {
            "schema_version": {"const": SCHEMA_VERSION},
            "teams": {"type": "object", "minProperties": 1, "additionalProperties": of_one},
        },
        "required": ["schema_version", "teams"],
        "additionalProperties": False,
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "oneOf": [of_one, teams],
        "$defs": {**definitions, "MLStackOutputs": one},
    }
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
