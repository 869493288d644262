"""What is wrong in a settings file, in the words of that file: key, value, rule, and the command that mends it."""

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mlstack.errors import UsageError, nearest

_SHOWN = 60


@dataclass(frozen=True)
class Problem:
    """One thing to mend. `key` as in the file, nested parts joined by dots: `mlstack:encryption.mode`."""

    key: str
    text: str
    """Follows the key: `is 'sagemakr': use sagemaker or local`."""
    command: str | None = None
    """Completed by `--stack`."""

    @property
    def top(self) -> str:
        return self.key.split(".")[0].split("[")[0]

    def shared(self) -> "Problem":
        """As of a value that all environments share: `pulumi config` does not get at it."""
        return Problem(self.key, f"{self.text} ({self.top} stands in Pulumi.yaml)")


class SettingsError(UsageError):
    """Every problem of one settings file at once."""

    def __init__(self, file: str, environment: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 setting is" if len(self.problems) == 1 else f"{len(self.problems)} settings are"
        lines = [f"{file}: {count} wrong; nothing was touched"]
        for problem in self.problems:
            lines.append(f"  {problem.key} {problem.text}")
            if problem.command:
                lines.append(f"    {problem.command} --stack {environment}")
        super().__init__("\n".join(lines))


def is_missing(key: str, why: str, example: object) -> Problem:
    return Problem(key, f"is missing: {why}", set_command(key, example))


def only_with(key: str, value: object, switch: str, needed: str, mode: str, why: str, example: object) -> list[Problem]:
    """A setting that one mode needs and all others do not read."""
    if mode == needed and value is None:
        return [is_missing(key, f"{why}, with {switch} {needed}", example)]
    if mode != needed and value is not None:
        return [Problem(key, f"is {shown(value)}: it has no effect while {switch} is {mode}", remove_command(key))]
    return []


def problem_of(detail: ErrorDetails, namespace: str, model: type[BaseModel]) -> Problem:
    """A validation error of `model`, which was read from `namespace`, as a problem."""
    location = tuple(part for part in detail["loc"] if part not in ("[key]", "constrained-str"))
    key = f"{namespace}:{_dotted(location)}"
    owner, field = _field(model, location)
    if detail["type"] == "extra_forbidden":
        known = [info.alias or name for name, info in owner.model_fields.items()]
        last = str(location[-1])
        return Problem(key, f"is not a setting{nearest(last, known, key.removesuffix(last))}", remove_command(key))
    if detail["type"] == "missing":
        return is_missing(key, _summary(field), _example(field))
    rule = _rule(detail, field)
    return Problem(key, f"is {shown(detail['input'])}: {rule}", set_command(key, _example(field)))


def set_command(key: str, value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, list):
        key, value = (key if key.endswith("]") else f"{key}[0]"), value[0]
    if isinstance(value, dict | list):
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return f"pulumi config set {_path(key)} {shlex.quote(text)}"


def remove_command(key: str) -> str:
    return f"pulumi config rm {_path(key)}"


def shown(value: object) -> str:
    """A value as its writer knows it, shortened."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _path(key: str) -> str:
    return f"--path {shlex.quote(key)}" if "." in key or "[" in key else key


def _dotted(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _field(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model and the field that a location ends in."""
    field: FieldInfo | None = None
    for part in location:
        found = next((info for name, info in model.model_fields.items() if part in (info.alias, name)), None)
        if found is None:
            break
        field = found
        if isinstance(found.annotation, type) and issubclass(found.annotation, BaseModel):
            model = found.annotation
    return model, field


def _rule(detail: ErrorDetails, field: FieldInfo | None) -> str:
    kind = detail["type"]
    metadata: list[Any] = list(field.metadata) if field else []
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "literal_error" and field is not None:
        choices = [str(choice) for choice in _choices(field.annotation)]
        return f"use {', '.join(choices[:-1])} or {choices[-1]}"
    if kind.startswith("bool"):
        return "use true or false, without quotes"
    if kind.startswith("int") or kind in ("greater_than_equal", "less_than_equal"):
        low = next((item.ge for item in metadata if isinstance(item, Ge)), None)
        high = next((item.le for item in metadata if isinstance(item, Le)), None)
        return "use a whole number" + (f" from {low} to {high}" if low is not None else "")
    if kind.startswith("string_too"):
        return _length(metadata)
    if kind in ("too_long", "too_short"):
        if isinstance(detail["input"], str):
            return _length(metadata)
        limit = detail["ctx"].get("max_length") or detail["ctx"].get("min_length")
        return f"use {'exactly one' if limit == 1 else f'at most {limit}'}"
    if kind.startswith("string"):
        return "use text: put it in quotes"
    if kind.startswith(("dict", "model")):
        return "use keys and values, indented below it"
    if kind.startswith("list"):
        return "use a list, one item a line, each starting with -"
    return detail["msg"].lower()


def _length(metadata: list[Any]) -> str:
    low = next((item.min_length for item in metadata if isinstance(item, MinLen)), 0)
    high = next((item.max_length for item in metadata if isinstance(item, MaxLen)), None)
    return f"use {low} to {high} characters" if high else f"use at least {low} characters"


def _choices(annotation: object) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(choice for part in get_args(annotation) for choice in _choices(part))


def _summary(field: FieldInfo | None) -> str:
    text = (field.description or "it has no default") if field else "it has no default"
    return text[0].lower() + text[1:].rstrip(".")


def _example(field: FieldInfo | None) -> object:
    if field is None:
        return None
    if field.examples:
        return field.examples[0]
    return None if field.is_required() or callable(field.default_factory) else field.default
