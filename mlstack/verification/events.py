"""What the worker tells the command while it works: one JSON object a line, through a pipe of its own.

ZenML prints on stdout and stderr as it likes; nothing of that is mistaken for an event.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Literal

Kind = Literal["news", "submitted", "step", "check", "failed", "cleaned", "stopped"]


@dataclass(frozen=True)
class Event:
    kind: Kind
    name: str = ""
    """Of the step or the check; where it failed."""
    text: str = ""
    ok: bool = True
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What the worker is asked for."""

    stack: str
    project: str
    environment: str
    bucket: str | None
    image: str | None
    timeout: float
    keep: bool
    mark: str
    """Unique: part of the pipeline's name, and what the steps hand on."""


class Teller:
    """The worker's end."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe

    def tell(self, kind: Kind, name: str = "", text: str = "", *, ok: bool = True, **more: Any) -> None:
        self._pipe.write(json.dumps(asdict(Event(kind, name, text, ok, more)), default=str) + "\n")
        self._pipe.flush()


def read_events(pipe: IO[str]) -> Iterator[Event]:
    """The command's end: until the worker ended."""
    for line in pipe:
        yield Event(**json.loads(line))
