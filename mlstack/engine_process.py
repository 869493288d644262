"""One process of the engine, read line by line, that Ctrl-C reaches once and that writes its state before it ends."""

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname
from types import FrameType
from typing import Any

from mlstack.outcome import News


def run(
    command: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None],
    news: News,
) -> int:
    """Its exit code. What it prints goes to `on_line` and, with its errors, into `log`, readable by its owner.

    Raises KeyboardInterrupt when SIGINT or SIGTERM came, once it has ended.
    """
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    log.touch(mode=0o600)
    former = those_of(log)[: _KEPT - 1]
    with log.open("w", encoding="utf-8", buffering=1) as written:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=written,
            stdin=subprocess.DEVNULL,
            text=True,
            # Out of reach of a terminal's Ctrl-C, of which a second one makes the engine leave its state behind.
            process_group=0,
        )
        assert process.stdout is not None
        this = {"pid": process.pid, "host": gethostname(), "since": datetime.now(UTC).isoformat()}
        written.write(json.dumps({_HEAD: [this, *former]}) + "\n")
        with _interrupting(process, news) as interrupted:
            for line in process.stdout:
                written.write(line)
                on_line(line)
            process.wait()
    if interrupted():
        raise KeyboardInterrupt
    return process.returncode


_HEAD = "engineProcesses"
"""Of the first line of a log."""
_KEPT = 10
"""The lock of a killed process outlives those that it turns away."""


def those_of(log: Path) -> list[dict[str, Any]]:
    """`pid`, `host` and `since` of who wrote this log and of who did before, the last one first."""
    try:
        with log.open(encoding="utf-8") as written:
            return [dict(each) for each in json.loads(written.readline())[_HEAD]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def said(log: Path) -> str:
    """What the last one that wrote this log printed."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith(f'{{"{_HEAD}"'))


@contextmanager
def _interrupting(process: "subprocess.Popen[str]", news: News) -> Iterator[Callable[[], bool]]:
    """Hands the first SIGINT or SIGTERM on to the engine, which is then waited for; afterwards, whether there was one.

    No exception: whatever stops the reading of the engine's output stops the engine before it has written its state.
    """
    asked = False

    def hand_on(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if not asked and process.poll() is None:
            asked = True
            process.send_signal(signal.SIGINT)
            news("interrupted: waiting for the engine to finish what it is doing")

    if threading.current_thread() is not threading.main_thread():
        yield lambda: asked
        return
    former = {each: signal.signal(each, hand_on) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)
