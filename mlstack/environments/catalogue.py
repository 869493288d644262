"""Every setting that there is: its key, its documentation and its form, all from the settings classes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components import settings as definitions
from components.profiles import PROFILES
from components.settings import NAMESPACE, AwsSettings, StackSettings
from mlstack.errors import UsageError, nearest

_SCHEMA = Path(definitions.__file__).with_name("settings.schema.json")
_ROOTS: dict[str, tuple[str, type[BaseModel]]] = {"aws": ("aws", AwsSettings), NAMESPACE: ("stack", StackSettings)}
"""Namespace in Pulumi's configuration: attribute and class of `Settings`."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting, or a group of them."""

    key: str
    """As people write it, nested parts joined by dots: `mlstack:encryption.mode`."""
    path: tuple[str, ...]
    """Python's names from `Settings` on: `("stack", "encryption", "mode")`."""
    field: FieldInfo
    schema: dict[str, Any]
    """Its JSON Schema."""

    @property
    def description(self) -> str:
        return (self.field.description or "").strip()

    @property
    def is_group(self) -> bool:
        return isinstance(self.field.annotation, type) and issubclass(self.field.annotation, BaseModel)

    @property
    def parts(self) -> tuple[str, ...]:
        """Key in the file, and what is below it: `("mlstack:encryption", "mode")`."""
        return tuple(self.key.split("."))

    @property
    def is_ones_own(self) -> bool:
        """Without a value that would do for anybody: it names a thing of one account, so that it has an example."""
        return bool(self.field.examples) or self.path[0] == "aws"

    @property
    def form(self) -> str:
        """What may be written: `kms, aws-managed or existing`."""
        return _form(self.schema)

    def defaults(self) -> dict[str, Any]:
        """By profile; one entry, `""`, when it is the same in all. Empty: it has to be said."""
        by_profile: dict[str, Any] = {profile: self._default(values) for profile, values in PROFILES.items()}
        if all(value is ... for value in by_profile.values()):
            return {}
        first = next(iter(by_profile.values()))
        return {"": first} if all(value == first for value in by_profile.values()) else by_profile

    def _default(self, profile: Mapping[str, Any]) -> Any:
        """Of a nested setting: what its profile says of the whole group, else what its class says."""
        said: Any = profile
        for part, alias in zip(self.path[1:], [None, *self.parts[1:]], strict=True):
            said = said.get(part, said.get(alias, ...)) if isinstance(said, Mapping) else ...
        if said is not ... and self.path[0] != "aws":
            return said
        return ... if self.field.is_required() else self.field.get_default(call_default_factory=True)


@cache
def catalogue() -> dict[str, Setting]:
    """By key, in the order of the classes."""
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))["properties"]["config"]["properties"]
    return {
        each.key: each
        for namespace, (attribute, model) in _ROOTS.items()
        for each in _of(model, f"{namespace}:", (attribute,), schema)
    }


def find(key: str) -> Setting:
    """`encryption.mode`, or with its namespace. Raises UsageError, with the nearest that there is."""
    known = catalogue()
    if key in known:
        return known[key]
    short = {each.partition(":")[2]: each for each in known if each.startswith(f"{NAMESPACE}:")}
    if key in short:
        return known[short[key]]
    space, _, name = key.rpartition(":")
    if space == "aws":
        raise UsageError(
            f"{key} is not read here{nearest(key, [each for each in known if each.startswith('aws:')])}",
            hint="what else the aws plugin takes: https://www.pulumi.com/registry/packages/aws/installation-configuration/",
        )
    raise UsageError(f"there is no setting {key}{nearest(name, short)}", hint="mlstack config explain lists them all")


def _of(model: type[BaseModel], prefix: str, path: tuple[str, ...], schema: dict[str, Any]) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        own = schema[key] if key in schema else schema[field.alias or name]
        setting = Setting(key=key, path=(*path, name), field=field, schema=own)
        yield setting
        if setting.is_group:
            assert isinstance(field.annotation, type)
            yield from _of(field.annotation, f"{key}.", setting.path, own["properties"])


def _form(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    allowed = schema.get("enum") or next((each["enum"] for each in schema.get("anyOf", []) if "enum" in each), None)
    if allowed:
        return f"{', '.join(map(str, allowed[:-1]))} or {allowed[-1]}"
    if kind == "boolean":
        return "true or false"
    if kind == "integer":
        between = "minimum" in schema and "maximum" in schema
        return f"a whole number from {schema['minimum']} to {schema['maximum']}" if between else "a whole number"
    if kind == "array":
        most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
        return f"a list{most}, each {_form(schema['items'])}"
    if kind == "object":
        return "keys and values"
    return str(schema.get("patternErrorMessage", "text")).removeprefix("use ")
