"""`review.yaml` beside `Pulumi.yaml`: how strict each guard is in an environment, and what is allowed all the same.

It is committed, so that whoever overrides a guard does so in a review of its own. An allowance has a reason and an end.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mlstack.errors import UsageError, nearest
from mlstack.review.model import Level

FILE = "review.yaml"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Allowance(_Model):
    """What a guard minds is wanted."""

    guard: str
    reason: str = Field(min_length=3)
    until: date
    """The last day on which it holds."""
    resource: str = ""
    """Only where this stands in what the guard says, such as a resource's name."""


# YAML reads a plain `off` as false.
_Level = Annotated[Level, BeforeValidator(lambda written: "off" if written is False else written)]


class Rules(_Model):
    """Of one environment."""

    guards: dict[str, _Level] = Field(default_factory=dict)
    allow: tuple[Allowance, ...] = ()


def rules(directory: Path, environment: str, known: Mapping[str, object]) -> Rules:
    """Those of `environment` over those of `all`. Raises UsageError that names file, environment and key."""
    file = directory / FILE
    if not file.is_file():
        return Rules()
    import yaml

    try:
        written = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{FILE} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(written, dict):
        raise UsageError(f"{FILE} is not a mapping of environments")
    both = [_of(written.get(name) or {}, name, known) for name in ("all", environment)]
    return Rules(
        guards={**both[0].guards, **both[1].guards},
        allow=tuple(each for one in both for each in one.allow if each.until >= _today()),
    )


def _of(written: object, environment: str, known: Mapping[str, object]) -> Rules:
    try:
        found = Rules.model_validate(written)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UsageError(f"{FILE}, {environment}: {said}") from None
    for name in [*found.guards, *(each.guard for each in found.allow)]:
        if name not in known:
            raise UsageError(f"{FILE}, {environment}: there is no guard {name!r}{nearest(name, known)}")
    return found


def _today() -> date:
    from datetime import UTC, datetime

    return datetime.now(UTC).date()
