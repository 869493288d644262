"""A command of several stages: when one of them fails, what was done, what was not, and how to go on."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import typer
from rich.console import Console

from mlstack.errors import MLStackError, UsageError
from mlstack.stages import Running, Stages


class Work:
    """Stages in the order in which they were announced."""

    def __init__(self, console: Console, again: str, stages: list[str], *, as_json: bool) -> None:
        """`again`: the command that goes on from wherever this one ended. `as_json`: say it for machines too."""
        self._console = console
        self._again = again
        self._announced = stages
        self._as_json = as_json
        self._stages = Stages(console)
        self._running: Running | None = None
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._began, 1)

    @contextmanager
    def stage(self, name: str) -> Iterator[Running]:
        """What it sets as its `result` while it works is how far it is, should it fail."""
        with self._stages.stage(name) as self._running:
            yield self._running
        self._running = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        unfinished = isinstance(error, MLStackError) and not isinstance(error, UsageError)
        if not unfinished and not isinstance(error, KeyboardInterrupt):
            return
        done = [f"{stage.name} ({stage.result})" for stage in self._stages.done]
        left = self._announced[len(done) :]
        if self._running and self._running.result:
            left[0] = f"{left[0]} ({self._running.result})"
        if self._as_json:
            result = "failed" if unfinished else "interrupted"
            said = str(error) or result
            typer.echo(
                json.dumps({"result": result, "error": said, "done": done, "not_done": left, "next": self._again})
            )
        if isinstance(error, MLStackError):
            raise _unfinished(error, _so_far(done, left), self._again) from None
        self._console.print(_so_far(done, left), highlight=False)


def _unfinished(error: MLStackError, so_far: str, again: str) -> MLStackError:
    way_out = f"{error.hint}\n  " if error.hint else ""
    return MLStackError(f"{error.message}\n{so_far}", hint=f"{way_out}go on with: {again}")


def _so_far(done: list[str], left: list[str]) -> str:
    return f"done: {', '.join(done) or 'nothing'}\nnot done: {', '.join(left)}"
