"""The settings file of another environment, made from one that is there."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.checks import of_environment
from components.collisions import refuse_collisions
from components.pulumi_files import PROJECT, encrypted
from components.settings import Settings
from mlstack import settings_file
from mlstack.environments.values import Environment, others, read
from mlstack.errors import UsageError

MODELINE = "# yaml-language-server: $schema=components/settings.schema.json\n"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A settings file that is not written yet."""

    text: str
    settings: Settings
    left_out: tuple[str, ...]
    """Keys whose values are encrypted: with a key of the other environment, which nobody else can use."""
    look_at: tuple[str, ...]
    """What still speaks of the other environment, its account or its region, in words."""


def drafted(
    directory: Path,
    name: str,
    like: Environment,
    *,
    account: str | None,
    region: str | None,
    changes: Mapping[str, Any],
) -> Draft:
    """As `like`, with its comments. `changes`: settings by key, nested ones with dots.

    Raises UsageError when it exists already, SettingsError for what would be wrong in it, which includes owning the
    same as another environment.
    """
    _refuse_name(directory, name)
    text = like.file.read_text(encoding="utf-8")
    hidden = tuple(_encrypted(settings_file.loaded(text)["config"]))
    for parts in hidden:
        text = settings_file.without(text, parts, like.file)
    document = settings_file.loaded(text)
    for key in [key for key in document if key != "config"]:
        del document[key]
    config = document["config"]
    if account:
        config["aws:allowedAccountIds"] = [account]
    if region:
        config["aws:region"] = region
    for key, value in changes.items():
        set_in(config, key, value, like.written.shared)
    dumped = settings_file.dumped(document, like.file)
    text = f"{MODELINE}# Made like {like.name}.\nconfig:{_below_config(dumped)}"
    made = tried(directory, name, text)
    return Draft(
        text=text,
        settings=made.settings,
        left_out=tuple(".".join(parts) for parts in hidden),
        look_at=tuple(_to_look_at(made, like)),
    )


def tried(directory: Path, name: str, text: str) -> Environment:
    """The environment that such a file would be here. Raises SettingsError."""
    with tempfile.TemporaryDirectory(prefix="mlstack-env-") as beside:
        (Path(beside) / f"Pulumi.{name}.yaml").write_text(text, encoding="utf-8")
        if (directory / PROJECT).is_file():
            shutil.copy(directory / PROJECT, beside)
        environment = read(Path(beside), name)
    refuse_collisions(environment.settings, others(directory, name))
    return environment


def set_in(config: Any, key: str, value: Any, shared: Mapping[str, Any]) -> None:
    """Set one setting. What the environment's file does not have yet of a structure comes along from `shared`."""
    top, *inner = key.split(".")
    if not inner:
        config[top] = value
        return
    if not isinstance(config.get(top), dict):
        base = shared.get(top)
        config[top] = dict(base) if isinstance(base, Mapping) else {}
    place = config[top]
    for part in inner[:-1]:
        place = place.setdefault(part, {})
    place[inner[-1]] = value


def _refuse_name(directory: Path, name: str) -> None:
    for problem in of_environment(name):
        raise UsageError(f"{problem.key} {problem.text}")
    file = directory / f"Pulumi.{name}.yaml"
    if file.exists():
        raise UsageError(f"there is a {file.name} already", hint="another name, or mlstack env diff to look at it")


def _encrypted(config: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where encrypted values stand; of a list that has one, where the list does."""
    for key, value in config.items():
        if isinstance(value, Mapping) and set(value) != {"secure"}:
            yield from _encrypted(value, (*above, key))
        elif encrypted(value):
            yield (*above, key)


def _below_config(text: str) -> str:
    """Without comments at the margin: those before speak of the other environment, those behind of what is gone."""
    body = text.partition("config:")[2]
    return "".join(line for line in body.splitlines(keepends=True) if not line.startswith("#"))


def _to_look_at(made: Environment, like: Environment) -> Iterator[str]:
    former = {
        "account": (like.settings.account_id, made.settings.account_id),
        "region": (like.settings.aws.region, made.settings.aws.region),
        "environment": (like.name, made.name),
    }
    for value in made.values().values():
        for what, (before, after) in former.items():
            if before != after and re.search(rf"(?<![\w-]){re.escape(before)}(?![\w-])", str(value.value)):
                yield f"{value.key} still names the {what} {before} (from {value.origin})"
