"""One setting in full: what it does, what may be written, its default, who reads it and what it costs."""

import re
from typing import Any

from pydantic import BaseModel

from mlstack.environments.catalogue import Setting, catalogue, find
from mlstack.environments.readers import Reader, readers
from mlstack.environments.values import Environment, shown
from mlstack.review.cost import cost, origin, prices
from mlstack.review.model import Change

_FEW = 3
_MONEY = re.compile(r"\b(USD|costs?|free of charge)\b")


def explained(setting: Setting, environment: Environment | None = None) -> dict[str, Any]:
    """For machines. `value` and `origin` only with an environment."""
    inside = [each.key for each in catalogue().values() if each.key.startswith(f"{setting.key}.")]
    parts = _readers(setting, inside)
    region = environment.settings.aws.region if environment else next(iter(prices().regions))
    found: dict[str, Any] = {
        "key": setting.key,
        "description": setting.description,
        "form": setting.form,
        "default": {profile: _plain(value) for profile, value in setting.defaults().items()},
        "read_by": [{"reader": each.name, "where": each.where} for each in parts],
        "cost": [said for each in [setting, *map(find, inside)] for said in costs(each)],
        "prices": charges(parts, region),
        "region": region,
        "settings": inside,
    }
    if environment:
        found |= {
            "environment": environment.name,
            "value": environment.value(setting),
            "origin": environment.origin(setting),
        }
    return found


def costs(setting: Setting) -> list[str]:
    """What its documentation says of money, a sentence each; figures are those of the documentation."""
    sentences = re.split(r"(?<=[.;])\s+|\n(?=[\w-]+: )", setting.description)
    return [" ".join(sentence.split()).rstrip(".;") for sentence in sentences if _MONEY.search(sentence)]


def charges(parts: list[Reader], region: str) -> list[str]:
    """What AWS charges for what the readers make. Of a setting that everything reads, nothing."""
    if len(parts) > _FEW:
        return []
    types = dict.fromkeys(kind for each in parts for kind in each.makes)
    made = [
        Change(operation="create", urn=kind, type=kind, name=kind.rpartition(":")[2], component="", new={"of": kind})
        for kind in types
    ]
    return [
        f"{line.name}: {', '.join(filter(None, [_monthly(line.monthly), line.said]))}" for line in cost(made, region)
    ]


def _monthly(usd: float | None) -> str:
    return f"{usd:.2f} USD a month" if usd else ""


def text(found: dict[str, Any]) -> str:
    """For people."""
    lines = [found["key"], *(f"  {line}" for line in found["description"].splitlines()), ""]
    if found["settings"]:
        lines.append(_line("settings", ", ".join(key.rpartition(".")[2] for key in found["settings"])))
    else:
        lines += [_line("values", found["form"]), _line("default", _defaults(found["default"]))]
    by = [f"{each['reader']} ({each['where']})" for each in found["read_by"]]
    lines += [_line("read by" if not index else "", each) for index, each in enumerate(by)]
    dated = origin(found["region"])
    said = [*found["cost"], *found["prices"], *([f"({dated})"] if found["prices"] and dated else [])]
    lines += [_line("cost" if not index else "", each) for index, each in enumerate(said or ["none that is known of"])]
    if "value" in found:
        lines.append(_line(f"in {found['environment']}", f"{shown(found['value'])}   from {found['origin']}"))
    return "\n".join(lines)


def _readers(setting: Setting, inside: list[str]) -> list[Reader]:
    """Of a group, those of what is in it."""
    known, chosen = readers(), [setting, *(catalogue()[key] for key in inside)] if inside else [setting]
    found = {reader.name: reader for each in chosen for reader in known.get(each.path, ())}
    return [found[name] for name in sorted(found)]


def _defaults(by_profile: dict[str, Any]) -> str:
    if not by_profile:
        return "none: it has to be said"
    return "; ".join(f"{profile}: {shown(value)}" if profile else shown(value) for profile, value in by_profile.items())


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value


def _line(label: str, said: str) -> str:
    return f"  {label:<10}{said}"
