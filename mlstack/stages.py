"""Progress for people: one line a stage, with what it is doing and the seconds it took."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.status import Status

_QUIET = 2.0
"""Seconds between two lines of news where there is no terminal."""


@dataclass(frozen=True)
class Stage:
    """A finished stage."""

    name: str
    seconds: float
    result: str


class Stages:
    """Shows a stage while it runs, on a terminal with a spinner, elsewhere with a line for each new piece of news."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.done: list[Stage] = []

    @contextmanager
    def stage(self, name: str) -> Iterator["Running"]:
        """A stage's body calls `news` while it works and sets `result` to what came of it."""
        running = Running(name, self._console)
        with running.shown():
            yield running
        self.done.append(Stage(name, running.seconds, running.result))
        sign = "[yellow]-[/]" if running.skipped else "[green]✓[/]"
        line = f"{sign} {name:<22} {running.seconds:6.1f} s   {escape(running.result)}"
        self._console.print(line, highlight=False, soft_wrap=True)


class Within(Stages):
    """Stages of what is itself one stage: they are its news, and have no lines of their own."""

    def __init__(self, whole: "Running") -> None:
        super().__init__(Console(quiet=True))
        self._whole = whole

    @contextmanager
    def stage(self, name: str) -> Iterator["Running"]:
        running = Running(name, self._console, news=lambda text: self._whole.news(f"{name}: {text}"))
        self._whole.news(name)
        yield running
        self.done.append(Stage(name, running.seconds, running.result))


class Running:
    """A stage at work. `news` may be called from any thread."""

    def __init__(self, name: str, console: Console, *, news: Callable[[str], None] | None = None) -> None:
        """`news`: who is told of it, when it is not shown itself."""
        self._name = name
        self._console = console
        self._news = news
        self._started = time.monotonic()
        self._text = ""
        self._told = 0.0
        self._status: Status | None = None
        self._over = threading.Event()
        self.result = ""
        self.skipped = False
        """What it was for was not done, and need not be: `result` says why."""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def news(self) -> Callable[[str], None]:
        return self._news or self._tell

    def _tell(self, text: str) -> None:
        if text == self._text:
            return
        self._text = text
        # In a log file a line now and then is progress; a line for each resource is noise.
        if self._status is None and time.monotonic() - self._told > _QUIET:
            self._told = time.monotonic()
            self._console.print(f"  {self._name}: {escape(text)}", highlight=False, soft_wrap=True)

    @contextmanager
    def shown(self) -> Iterator[None]:
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(self._name) as status:
            self._status = status
            clock = threading.Thread(target=self._tick, daemon=True)
            clock.start()
            try:
                yield
            finally:
                self._over.set()
                clock.join()
                self._status = None

    def _tick(self) -> None:
        while not self._over.wait(0.2):
            if self._status is not None:
                self._status.update(f"{self._name} [dim]{self.seconds:.0f} s  {escape(self._text)}[/]")
