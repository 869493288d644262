"""Locks that the engine leaves behind when it is killed, and what proves that nobody holds one any more.

A lock says pid, user, host and time, and nothing else: it never expires, and no other process is asked before it goes.
"""

import getpass
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from mlstack.backend.store import Store

_FIRST_PID_NAMESPACE = 0xEFFFFFFC
_FIRST_UTS_NAMESPACE = 0xEFFFFFFE
"""Numbers that Linux gives to the namespaces of the machine itself (include/linux/proc_ns.h)."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """Written by the engine when an update, a refresh, an import or a destruction begins."""

    name: str
    """Of its file in the backend."""
    pid: int
    user: str
    host: str
    since: datetime

    def __str__(self) -> str:
        return f"{self.user}@{self.host}, pid {self.pid}, since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    lock: Lock
    free: bool
    because: str
    """What proves it, or what stands against it."""


def locks_of(store: Store, project: str, stack: str) -> list[Lock]:
    """Those of one stack."""
    return [_read(store, name) for name in store.names(f".pulumi/locks/organization/{project}/{stack}/")]


def judge(lock: Lock, started: Sequence[Mapping[str, Any]]) -> Verdict:
    """Whether the lock may go. `started`: engines that we started in this checkout, see `Pulumi.processes`."""
    here, me = socket.gethostname(), getpass.getuser()
    if (lock.host, lock.user) != (here, me):
        return Verdict(
            lock=lock, free=False, because=f"it is not of {me}@{here}: whether it is held cannot be seen here"
        )
    ours = any(_is_ours(lock, each) for each in started)
    if not ours and (doubt := _doubt(here)):
        return Verdict(lock=lock, free=False, because=doubt)
    if lock.since.timestamp() < psutil.boot_time():
        return Verdict(lock=lock, free=True, because=f"{here} was started anew since")
    if holder := next(_holders(lock), None):
        return Verdict(lock=lock, free=False, because=f"process {lock.pid} ({holder}) still runs")
    ended = f"process {lock.pid} of {here} has ended"
    return Verdict(lock=lock, free=True, because=f"{ended}; this checkout started it" if ours else ended)


def _read(store: Store, name: str) -> Lock:
    try:
        said = json.loads(store.read(name))
        since = datetime.fromisoformat(said["timestamp"])
        return Lock(name=name, pid=int(said["pid"]), user=said["username"], host=said["hostname"], since=since)
    except (ValueError, KeyError, TypeError):
        # Of another release of the engine: kept, as nothing is known of it.
        return Lock(name=name, pid=0, user="unknown", host="unknown", since=datetime.fromtimestamp(0, UTC))


_LOCKS_WITHIN = timedelta(minutes=10)
"""After it was started, the engine has its lock or is turned away. Later its number may be another's."""


def _is_ours(lock: Lock, process: Mapping[str, Any]) -> bool:
    if (process.get("pid"), process.get("host")) != (lock.pid, lock.host):
        return False
    return timedelta() <= lock.since - datetime.fromisoformat(process["since"]) <= _LOCKS_WITHIN


def _doubt(here: str) -> str | None:
    """Why the same name of a host need not mean the same machine."""
    if here.partition(".")[0] == "localhost":
        return f"{here} is the name of every machine"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        return f"machines of a CI system may all be called {here}, and no mlstack of this checkout started that process"
    if _namespace("pid") not in (None, _FIRST_PID_NAMESPACE) and _namespace("uts") == _FIRST_UTS_NAMESPACE:
        return "this container has the name of its machine, whose processes it cannot see"
    return None


def _namespace(kind: str) -> int | None:
    try:
        return Path(f"/proc/self/ns/{kind}").stat().st_ino
    except OSError:
        return None


def _holders(lock: Lock) -> Iterator[str]:
    """Names of processes that have its number, here or within a container of this machine, and are old enough."""
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            if lock.pid not in (process.pid, *_numbers(process.pid)) or process.status() == psutil.STATUS_ZOMBIE:
                continue
            # A younger one has only got the number again. The clocks of the two need not tick together.
            if process.create_time() <= lock.since.timestamp() + 1:
                yield process.name()


def _numbers(pid: int) -> list[int]:
    """What the process is called in each PID namespace. Empty where there are none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [int(number) for line in status.splitlines() if line.startswith("NSpid:") for number in line.split()[1:]]
