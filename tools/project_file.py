"""Writes Pulumi.yaml; its `config:` comes from the settings classes, where types, texts and defaults stand once."""

import io
from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic.fields import FieldInfo
from ruamel.yaml import YAML

from components.settings import NAMESPACE, StackSettings

FILE = Path(__file__).parents[1] / "Pulumi.yaml"

HEAD = """\
# Written by `python -m tools.project_file` from components/settings.py, which also checks the values.
name: mlstack
description: The AWS side of a ZenML stack
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: .venv
requiredPulumiVersion: ">=3.256.0"
"""


def render() -> str:
    yaml = YAML()
    yaml.width = 118
    text = io.StringIO()
    yaml.dump(
        {"config": {f"{NAMESPACE}:{f.alias}": _declaration(f) for f in StackSettings.model_fields.values()}}, text
    )
    return HEAD + text.getvalue()


def _declaration(field: FieldInfo) -> dict[str, Any]:
    kind = _type(field.annotation)
    default = {} if kind == "object" else field.default
    return {"type": kind, "description": (field.description or "").replace("\n", " "), "default": default}


def _type(annotation: Any) -> str:
    if annotation is bool:
        return "boolean"
    if annotation is int:
        return "integer"
    if annotation is str or get_origin(annotation) is Literal:
        return "string"
    return "object"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
