"""Processes that outlive the command that started them, found again by later ones and ended only when they are ours."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from mlstack.errors import MLStackError

# Seconds. Linux counts a process's start from the boot, and the boot time may be corrected while it runs.
_CREATED_TOLERANCE = 1.0

# What this command started. Kept, because Python complains of a process that outlives the object it was started with.
_started: "list[subprocess.Popen[bytes]]" = []


@dataclass(frozen=True)
class ProcessRecord:
    """A process by its id and the time of its start, so that whoever inherits the id is never taken for it."""

    pid: int
    created: float
    purpose: str = ""
    """What it was started for, in whatever words the starter compares."""

    @classmethod
    def of(cls, process: psutil.Process, purpose: str = "") -> "ProcessRecord":
        return cls(process.pid, process.create_time(), purpose)

    @classmethod
    def read(cls, file: Path) -> "ProcessRecord | None":
        """None when there is no such file or it says nothing useful."""
        try:
            said = json.loads(file.read_text())
            return cls(int(said["pid"]), float(said["created"]), str(said["purpose"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, file: Path) -> None:
        write_private(file, json.dumps(asdict(self)))

    def running(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _CREATED_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    log: Path,
    purpose: str = "",
    inherit: Sequence[int] = (),
) -> ProcessRecord:
    """Start a process in a session of its own that holds none of our files but its log and `inherit`.

    Neither Ctrl-C in this terminal nor the end of this command reaches it, and it keeps no pipe of ours open.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        started = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherit,
        )
    except OSError as error:
        raise MLStackError(f"{command[0]} cannot be started: {error}") from None
    finally:
        os.close(descriptor)
    _started.append(started)
    return ProcessRecord.of(psutil.Process(started.pid), purpose)


def end(processes: Iterable[psutil.Process], *, patience: float = 10.0) -> None:
    """End the processes and all that they started, children first: politely, then for good after `patience` seconds."""
    everyone = [each for process in processes for each in _with_children(process)]
    for each in everyone:
        _signal(each, signal.SIGTERM)
        _signal(each, signal.SIGCONT)  # a process that was suspended hears nothing
    _, left = psutil.wait_procs(everyone, timeout=patience)
    for each in left:
        _signal(each, signal.SIGKILL)
    psutil.wait_procs(left, timeout=patience)


def started_with(*words: str) -> Iterator[psutil.Process]:
    """Processes of this user whose command line holds all of the words, for when their records are lost."""
    for process in psutil.process_iter(["cmdline", "uids"]):
        line = process.info["cmdline"] or []
        uids = process.info["uids"]
        if uids is not None and uids.real == os.getuid() and process.pid != os.getpid() and set(words) <= set(line):
            yield process


def end_without(file: Path) -> None:
    """From now on, end this process when `file` is gone: with its directory removed, nobody would find it again."""

    def watch() -> None:
        while file.exists():
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def write_private(file: Path, text: str) -> None:
    """Write a file that only this user can read, whole or not at all."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    fresh.replace(file)


def tail(file: Path, lines: int = 15) -> str:
    """The end of a log, as what to show a person when its process failed."""
    try:
        return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [*reversed(process.children(recursive=True)), process]
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)  # psutil compares the start time first
    except psutil.Error:
        return
