"""Carries settings that proved themselves in one environment to the next one."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mlstack import settings_file
from mlstack.environments.catalogue import Setting, catalogue, find
from mlstack.environments.new import set_in, tried
from mlstack.environments.values import HIDDEN, Environment, Value
from mlstack.errors import UsageError

_IDENTITY = {
    "mlstack:name": "it is what the environment is called",
    "mlstack:stackName": "it is what the environment is called",
    "mlstack:profile": "it says what the environment is for",
}
"""Another value is another environment."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One setting that two environments have otherwise."""

    key: str
    setting: str
    """What is carried over for it: of a table like `mlstack:tags`, all of it."""
    source: Value | None
    target: Value | None
    kept: str | None
    """Why it stays as it is; None for what may be carried over."""


def differences(source: Environment, target: Environment) -> tuple[Difference, ...]:
    """In the order of the settings."""
    there, here = source.values(), target.values()
    return tuple(
        Difference(
            key=key, setting=_setting(key), source=there.get(key), target=here.get(key), kept=_kept(key, source, target)
        )
        for key in dict.fromkeys([*there, *here])
        if _value(there.get(key)) != _value(here.get(key))
    )


def promoted(source: Environment, target: Environment, keys: Iterable[str]) -> str | None:
    """The target's file with the chosen settings of the source; None when it has them all.

    Raises UsageError for what is no setting, or belongs to one environment; SettingsError when the result is wrong.
    """
    text = target.file.read_text(encoding="utf-8")
    before = text
    for setting in [one for key in keys for one in _chosen(key, source, target)]:
        text = _carried(text, setting, source, target)
    if text == before:
        return None
    tried(target.file.parent, target.name, text)
    return text


def _chosen(key: str, source: Environment, target: Environment) -> list[Setting]:
    """What differs of one setting, or of a group of them."""
    asked = find(key)
    every = [each for each in catalogue().values() if each.key == asked.key or each.key.startswith(f"{asked.key}.")]
    leaves = [each for each in every if not each.is_group]
    for each in differences(source, target):
        if each.kept and any(each.key == leaf.key or each.key.startswith(f"{leaf.key}.") for leaf in leaves):
            raise UsageError(
                f"{each.key} is not carried over: {each.kept}",
                hint=f"when it is meant, write it into {target.file.name}",
            )
    return [leaf for leaf in leaves if source.value(leaf) != target.value(leaf)]


def _carried(text: str, setting: Setting, source: Environment, target: Environment) -> str:
    """Left to Pulumi.yaml or to the default where that says the same; else written into the target's file."""
    shorter = settings_file.without(text, setting.parts, target.file)
    if shorter != text:
        with suppress(UsageError):
            if tried(target.file.parent, target.name, shorter).value(setting) == source.value(setting):
                return shorter
    document = settings_file.loaded(text)
    set_in(document["config"], setting.key, source.value(setting), target.written.shared)
    return settings_file.dumped(document, target.file)


def _kept(key: str, source: Environment, target: Environment) -> str | None:
    setting = catalogue().get(key)
    if key.startswith("aws:") or (setting and setting.is_ones_own):
        return "it is of one account"
    if key in _IDENTITY:
        return _IDENTITY[key]
    for each in (source, target):
        said = each.values().get(key)
        text = str(said.value) if said else ""
        if text == HIDDEN:
            return "it is encrypted"
        if "arn:" in text or each.settings.account_id in text:
            return "it names something of one account"
        if text == each.name:
            return "it names the environment"
    return None


def _setting(key: str) -> str:
    return key if key in catalogue() else key.rpartition(".")[0]


def _value(value: Value | None) -> Any:
    return value.value if value else None
