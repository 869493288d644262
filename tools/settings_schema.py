"""Writes components/settings.schema.json, which gives editors completion and errors in `Pulumi.<environment>.yaml`.

Draft 7, the newest that yaml-language-server reads (https://github.com/redhat-developer/yaml-language-server), without
references, next to which draft 7 reads nothing else. It judges value by value, as `mlstack check` does; what does not
go together, and what is missing, only the latter finds: a value may stand in Pulumi.yaml.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.checks import NAMESPACES
from components.profiles import PROFILES
from components.settings import NAMESPACE, AwsSettings, StackSettings

FILE = Path(__file__).parents[1] / "components" / "settings.schema.json"

_OTHERS = "|".join(sorted(set(NAMESPACES) - {NAMESPACE}))


def render() -> str:
    settings = {**_properties("aws", AwsSettings), **_properties(NAMESPACE, StackSettings)}
    config = {
        "type": "object",
        "description": "Settings of this environment. What is not here is shared (Pulumi.yaml) or has its default.",
        "properties": settings,
        "patternProperties": {f"^({_OTHERS}):": True},
        "additionalProperties": False,
    }
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Pulumi.<environment>.yaml of MLStack",
        "description": "Written by `python -m tools.settings_schema` from components/settings.py.",
        "type": "object",
        "properties": {
            "config": config,
            "secretsprovider": {"type": "string", "description": "What encrypts the stack's secrets."},
            "encryptedkey": {"type": "string", "description": "The engine's."},
            "encryptionsalt": {"type": "string", "description": "The engine's."},
            "environment": {"description": "Pulumi ESC environments."},
        },
        "required": ["config"],
    }
    return json.dumps(schema, indent=2) + "\n"


def _properties(namespace: str, model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    found = {}
    for name, field in model.model_fields.items():
        alias = field.alias or name
        inlined = _without_titles(_inlined(schema["properties"][alias], definitions))
        found[f"{namespace}:{alias}"] = _as_the_engine_writes(_with_profiles(name, field, inlined))
    return found


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Every reference replaced by what it refers to, under what stands beside it."""
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    own = {key: _inlined(value, definitions) for key, value in schema.items() if key != "$ref"}
    if "$ref" in schema:
        own = {**_inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions), **own}
    if "patternProperties" in own:
        # A key of another form would be let through.
        ((pattern, values),) = own.pop("patternProperties").items()
        own |= {"propertyNames": {**own.get("propertyNames", {}), "pattern": pattern}, "additionalProperties": values}
    return _optional(own)


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    """None is the absence of a key: nobody writes it."""
    there = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(there) == 1:
        schema = {**there[0], **{key: value for key, value in schema.items() if key != "anyOf"}}
        if schema.get("default", ...) is None:
            del schema["default"]
    return schema


def _without_titles(schema: Any) -> Any:
    """Titles are the names of our classes and attributes. A property may be called `title`."""
    if isinstance(schema, list):
        return [_without_titles(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _without_titles(each) for name, each in value.items()}
        if key == "properties"
        else _without_titles(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


def _with_profiles(name: str, field: FieldInfo, schema: dict[str, Any]) -> dict[str, Any]:
    text = field.description or ""
    if name in PROFILES["production"]:
        schema.pop("default", None)
        by_profile = "; ".join(f"{profile}: {json.dumps(values[name])}" for profile, values in PROFILES.items())
        text = f"{text}\nDefault: {by_profile}."
    return {**schema, "description": text} if text else schema


def _as_the_engine_writes(schema: dict[str, Any]) -> dict[str, Any]:
    """`pulumi config set` writes every scalar as text, and a structure as it was given: JSON."""
    kind = schema.get("type")
    if kind == "boolean":
        return {**schema, "type": ["boolean", "string"], "pattern": "^(true|false)$"}
    if kind == "integer":
        allowed = schema.pop("enum", None)
        if allowed:
            schema["anyOf"] = [{"enum": allowed}, {"type": "string"}]
        pattern = "|".join(map(str, allowed)) if allowed else r"\d+"
        return {**schema, "type": ["integer", "string"], "pattern": f"^({pattern})$"}
    if kind in ("object", "array"):
        return {**schema, "type": [kind, "string"], "pattern": r"^\s*\{" if kind == "object" else r"^\s*\["}
    return schema


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
