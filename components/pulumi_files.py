"""What stands in `Pulumi.<environment>.yaml` and, for all environments, in `Pulumi.yaml`, read as the engine reads it.

The engine hands a program every key of the environment's own file, and of the project's those that the former lacks.
A value wins as a whole: a structure is replaced, never merged (run with 3.259).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from components.settings import NAMESPACE
from mlstack.errors import UsageError

PROJECT = "Pulumi.yaml"


@dataclass(frozen=True, kw_only=True)
class Written:
    """The configuration of one environment and where each value of it stands."""

    own: Mapping[str, Any]
    """In the environment's file: `namespace:key` to what YAML makes of it."""
    shared: Mapping[str, Any] = field(default_factory=dict)
    """In the project's file, for all environments."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the project's file declares beside: the defaults of the settings classes."""

    @property
    def effective(self) -> dict[str, Any]:
        return {**self.defaults, **self.shared, **self.own}

    @property
    def as_handed_over(self) -> dict[str, str]:
        """As the engine hands it over: everything is text, structures are JSON."""
        return {
            key: value if isinstance(value, str) else json.dumps(value, default=str)
            for key, value in self.effective.items()
        }


def environment_of(path: Path) -> str:
    """`dev` of `Pulumi.dev.yaml`. Raises UsageError for a file that is named otherwise."""
    name = path.name
    if not (name.startswith("Pulumi.") and name.endswith(".yaml") and len(name.split(".")) == 3):
        raise UsageError(f"{name} is not a settings file", hint="name one like Pulumi.dev.yaml")
    return name.split(".")[1]


def settings_files(directory: Path) -> dict[str, Path]:
    """Every environment that has a settings file here, and the file."""
    return {file.name.split(".")[1]: file for file in sorted(directory.glob("Pulumi.*.yaml")) if _is_one(file)}


def written_in(path: Path) -> Written:
    """Raises UsageError when the file, or the project's beside it, is none or is not YAML."""
    environment_of(path)
    document = _load(path)
    if document is None or not isinstance(document, dict) or not isinstance(document.get("config"), dict):
        raise UsageError(f"{path.name} has no `config:` with settings below it", hint=_SHAPE)
    own = {str(key): value for key, value in document["config"].items()}
    declared = _declared(path.parent)
    return Written(
        own=own,
        shared=_values(declared),
        defaults={
            key: said["default"] for key, said in declared.items() if isinstance(said, dict) and "default" in said
        },
    )


def shared_in(directory: Path) -> dict[str, Any]:
    """What the project's file says for all environments. Raises UsageError when it is not YAML."""
    return _values(_declared(directory))


def encrypted(value: object) -> bool:
    """Whether it is, or holds, what `pulumi config set --secret` writes: only the engine can read it."""
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(map(encrypted, value.values()))
    return isinstance(value, list) and any(map(encrypted, value))


def _named(key: object) -> str:
    """The engine takes a key without a namespace for one of the project's."""
    return str(key) if ":" in str(key) else f"{NAMESPACE}:{key}"


def _declared(directory: Path) -> dict[str, Any]:
    project = directory / PROJECT
    document = _load(project) if project.is_file() else None
    config = document.get("config") if isinstance(document, dict) else None
    return {_named(key): said for key, said in config.items()} if isinstance(config, dict) else {}


def _values(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: said["value"] if isinstance(said, dict) else said
        for key, said in declared.items()
        if not isinstance(said, dict) or "value" in said
    }


def _load(path: Path) -> Any:
    from ruamel.yaml.error import MarkedYAMLError

    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"there is no {path.name} in {path.parent.resolve()}", hint=_INIT.format(path.name)) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not text in UTF-8", hint="save it as UTF-8") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UsageError(f"{path.name}, line {line}: not YAML: {error.problem}", hint=_SHAPE) from None


@lru_cache(maxsize=16)
def _parsed(text: str) -> Any:
    """Nobody changes it. The project's file is read once for each environment beside, and takes the most time."""
    from ruamel.yaml import YAML

    return YAML(typ="safe").load(text)


def _is_one(file: Path) -> bool:
    return len(file.name.split(".")) == 3 and file.is_file()


_INIT = "see Pulumi.dev.yaml for an example; copy it to {}"
_SHAPE = "each setting stands below `config:`, indented by two spaces, as `mlstack:<key>: <value>`"
