"""What an environment's settings are, every default included, and where each value comes from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from components.configuration import beside, from_file
from components.pulumi_files import PROJECT, Written, encrypted, settings_files, written_in
from components.settings import Settings
from mlstack.environments.catalogue import Setting, catalogue
from mlstack.errors import UsageError, nearest

HIDDEN = "(encrypted)"


@dataclass(frozen=True, kw_only=True)
class Value:
    """One setting of one environment."""

    key: str
    """`mlstack:encryption.mode`; of free tables with what is in them: `mlstack:tags.stage`."""
    value: Any
    """Of what the aws plugin alone reads and is encrypted: HIDDEN."""
    origin: str
    """`Pulumi.dev.yaml`, `Pulumi.yaml`, `profile development` or `default`."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment as its files describe it."""

    file: Path
    settings: Settings
    written: Written

    @property
    def name(self) -> str:
        return self.settings.environment

    def values(self) -> dict[str, Value]:
        """By key; what is absent and has no default is None."""
        found = {value.key: value for value in self._values()}
        ours = {setting.parts[0] for setting in catalogue().values()}
        for key, said in self.written.effective.items():
            if key not in ours:
                shown = HIDDEN if encrypted(said) else said
                found[key] = Value(key=key, value=shown, origin=self._file_of(key))
        return found

    def value(self, setting: Setting) -> Any:
        """As the program sees it; of a group, everything in it."""
        said: Any = self.settings
        for part in setting.path:
            said = getattr(said, part)
        return said.model_dump(mode="json", by_alias=True) if isinstance(said, BaseModel) else said

    def origin(self, setting: Setting) -> str:
        top, *inner = setting.parts
        for place, name in ((self.written.own, self.file.name), (self.written.shared, PROJECT)):
            if top in place:
                # A structure counts as a whole: what it does not say is the class's default, not another file's.
                return name if _says(place[top], inner) else "default"
        by_profile = setting.defaults()
        return f"profile {self.settings.stack.profile}" if len(by_profile) > 1 else "default"

    def _values(self) -> Iterator[Value]:
        for key, setting in catalogue().items():
            if setting.is_group:
                continue
            value, origin = self.value(setting), self.origin(setting)
            if isinstance(value, Mapping):
                yield from (Value(key=f"{key}.{name}", value=each, origin=origin) for name, each in value.items())
            else:
                yield Value(key=key, value=value, origin=origin)

    def _file_of(self, key: str) -> str:
        return self.file.name if key in self.written.own else PROJECT


def read(directory: Path, name: str) -> Environment:
    """Raises UsageError when there is no such environment, or SettingsError when its settings are wrong."""
    there = settings_files(directory)
    if name not in there:
        raise UsageError(
            f"there is no Pulumi.{name}.yaml{nearest(name, there)}", hint=f"mlstack env new {name} makes it"
        )
    return Environment(file=there[name], settings=from_file(there[name]), written=written_in(there[name]))


def others(directory: Path, name: str) -> list[Settings]:
    """Of the other environments here, as far as they can be read."""
    return list(beside(directory, name))


def shown(value: Any) -> str:
    """As people would write it on one line."""
    if value is None:
        return "-"
    return value if isinstance(value, str) and value else json.dumps(value, default=str, ensure_ascii=False)


def _says(value: Any, inner: list[str]) -> bool:
    if isinstance(value, str) and inner:
        # `pulumi config set` keeps a structure as the JSON that it was given.
        try:
            value = json.loads(value)
        except ValueError:
            return False
    for part in inner:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True
