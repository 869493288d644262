"""A command of several stages: when one of them fails, what was done, what was not, and how to go on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console

from mlstack.errors import MLStackError, UsageError
from mlstack.stages import Running, Stages


class Work:
    """Stages in the order in which they were announced."""

    def __init__(self, console: Console, again: str, stages: list[str]) -> None:
        """`again`: the command that goes on from wherever this one ended."""
        self._console = console
        self._again = again
        self._announced = stages
        self._stages = Stages(console)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._began, 1)

    @contextmanager
    def stage(self, name: str) -> Iterator[Running]:
        with self._stages.stage(name) as running:
            yield running

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        done = [f"{stage.name} ({stage.result})" for stage in self._stages.done]
        left = self._announced[len(done) :]
        if isinstance(error, MLStackError) and not isinstance(error, UsageError):
            raise UnfinishedError(error, done, left, self._again) from None
        if isinstance(error, KeyboardInterrupt):
            self._console.print(_so_far(done, left), highlight=False)


class UnfinishedError(MLStackError):
    """What went wrong, and how far it is."""

    def __init__(self, error: MLStackError, done: list[str], left: list[str], again: str) -> None:
        way_out = f"{error.hint}\n  " if error.hint else ""
        super().__init__(f"{error.message}\n{_so_far(done, left)}", hint=f"{way_out}go on with: {again}")
        self.done, self.left, self.again = done, left, again


def _so_far(done: list[str], left: list[str]) -> str:
    return f"done: {', '.join(done) or 'nothing'}\nnot done: {', '.join(left)}"
