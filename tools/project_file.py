"""Writes Pulumi.yaml. Its `config:` begins with what all environments share, which people write and this keeps.

The rest comes from the settings classes, where types, texts and defaults stand once.
"""

import io
import json
from pathlib import Path
from textwrap import indent, wrap
from typing import Any, Literal, get_origin

from pydantic.fields import FieldInfo
from ruamel.yaml import YAML

from components.profiles import PROFILES
from components.settings import NAMESPACE, StackSettings

FILE = Path(__file__).parents[1] / "Pulumi.yaml"

HEAD = """\
name: mlstack
description: The AWS side of a ZenML stack
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: .venv
requiredPulumiVersion: ">=3.256.0"
config:
"""

SHARED = """\
  # What all environments share. Pulumi.<environment>.yaml wins, each value as a whole: structures are not merged.
  # `mlstack:key: value`, but lists and structures below `value:`. Then: python -m tools.project_file
"""

REST = """\
  # Every other setting with its default, written by `python -m tools.project_file` from components/settings.py.
"""

# The engine demands a value for what is declared without a default, and hands a default over as if somebody had set it,
# so that the profile's would never count.
PROFILED = """\
# Not declared here, because their default depends on mlstack:profile:
"""


def render(shared: str) -> str:
    """`shared`: the part that people write, as it stands."""
    said = (YAML(typ="safe").load(shared) or {}).keys()
    fields = {name: field for name, field in StackSettings.model_fields.items() if name not in PROFILES["production"]}
    declared = {f"{NAMESPACE}:{field.alias}": _declaration(field) for field in fields.values()}
    yaml = YAML()
    yaml.width = 116
    text = io.StringIO()
    yaml.dump({key: declaration for key, declaration in declared.items() if key not in said}, text)
    rest = REST + indent(text.getvalue(), "  ")
    return HEAD + SHARED + shared + rest + PROFILED + "".join(_profiled(name) for name in PROFILES["production"])


def shared_in(text: str) -> str:
    """The part of Pulumi.yaml that people write."""
    return text.partition(SHARED)[2].partition(REST)[0]


def _declaration(field: FieldInfo) -> dict[str, Any]:
    kind = _type(field.annotation)
    described = {"type": kind, "description": _description(field)}
    if kind == "array":
        return {**described, "items": {"type": "string"}, "default": []}
    return {**described, "default": {} if kind == "object" else field.default}


def _profiled(name: str) -> str:
    field = StackSettings.model_fields[name]
    by_profile = "; ".join(f"{profile}: {json.dumps(values[name])}" for profile, values in PROFILES.items())
    comment = f"{NAMESPACE}:{field.alias} ({_type(field.annotation)}): {_description(field)} Default: {by_profile}."
    return "\n".join(wrap(comment, 118, initial_indent="#   ", subsequent_indent="#     ")) + "\n"


def _description(field: FieldInfo) -> str:
    return (field.description or "").replace("\n", " ")


def _type(annotation: Any) -> str:
    if annotation is bool:
        return "boolean"
    if annotation is int:
        return "integer"
    if annotation is str or get_origin(annotation) is Literal:
        return "string"
    return "array" if get_origin(annotation) is list else "object"


if __name__ == "__main__":
    FILE.write_text(render(shared_in(FILE.read_text(encoding="utf-8"))), encoding="utf-8")
