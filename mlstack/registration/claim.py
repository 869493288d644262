"""One run at a time for an environment.

The claim is a tag of ZenML's, because creating one is the only thing that a server lets exactly one of two runs do. A
run that works changes its tag every few seconds; one that does not was killed, and its claim is taken over.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mlstack.errors import MLStackError
from mlstack.registration.client import ZenML
from mlstack.registration.server import NotAllowedError

SIGN_OF_LIFE = 5.0
"""Seconds between two changes of the tag by the run that holds it."""
PATIENCE = 20.0
"""Seconds for which a claim must not have changed before it is taken over. MLSTACK_CLAIM_SECONDS overrides it."""


class ClaimedError(MLStackError):
    """Another run works on the same environment."""


@contextmanager
def claimed(zenml: ZenML, project: str, environment: str, progress: Callable[[str], None]) -> Iterator[None]:
    """Nobody else changes this environment on this server meanwhile. Raises ClaimedError when somebody does."""
    name = _name(project, environment)
    try:
        while (id_ := zenml.create_tag(name)) is None:
            _wait_for_the_dead(zenml, name, progress)
    except NotAllowedError:
        progress("the account may not make a tag: two runs at the same time would not notice each other")
        yield
        return
    stop = threading.Event()
    beating = threading.Thread(target=_beat, args=(zenml, id_, stop), daemon=True)
    with _kept_while_alive(id_):
        beating.start()
        try:
            yield
        finally:
            stop.set()
            beating.join()
            _give_up(zenml, id_, progress)


def sweep(zenml: ZenML, project: str, environment: str) -> None:
    """Takes away the claim of a run that was killed on this machine when it had done all but that."""
    tag = zenml.find_tag(_name(project, environment))
    if tag is not None and _its_run_is_dead(tag.id):
        zenml.delete_tag(tag.id)
        _record(tag.id).unlink(missing_ok=True)


def _name(project: str, environment: str) -> str:
    return f"mlstack-run-{project}-{environment}"[:255]


def _give_up(zenml: ZenML, id_: str, progress: Callable[[str], None]) -> None:
    try:
        zenml.delete_tag(id_)
    except MLStackError:
        progress(f"the claim on this environment could not be given up: it ends by itself in {PATIENCE:.0f} s")


def _beat(zenml: ZenML, id_: str, stop: threading.Event) -> None:
    turn = 0
    while not stop.wait(SIGN_OF_LIFE):
        turn += 1
        # A server that does not answer now is found out by the run itself.
        with suppress(MLStackError):
            zenml.touch_tag(id_, turn)


def _wait_for_the_dead(zenml: ZenML, name: str, progress: Callable[[str], None]) -> None:
    """Returns when the claim is gone, given back or taken from a run that was killed."""
    seen = zenml.find_tag(name)
    deadline = time.monotonic() + float(os.environ.get("MLSTACK_CLAIM_SECONDS") or PATIENCE)
    while (now := zenml.find_tag(name)) is not None and seen is not None:
        if now.id != seen.id or now.changed != seen.changed:
            raise ClaimedError(
                f"another mlstack works on this environment on {zenml.server.url}; nothing was changed",
                hint="wait for it to end, then run the same command again",
            )
        left = deadline - time.monotonic()
        if left <= 0 or _its_run_is_dead(now.id):
            progress("an earlier run was killed: going on from what it left")
            zenml.delete_tag(now.id)
            _record(now.id).unlink(missing_ok=True)
            return
        progress(f"another run claims this environment; for {left:.0f} s more it may show that it is alive")
        time.sleep(min(2.0, left))


def _record(id_: str) -> Path:
    return Path(tempfile.gettempdir()) / f"mlstack-run-{id_}"


@contextmanager
def _kept_while_alive(id_: str) -> Iterator[None]:
    """A locked file: the lock ends with the process, however that ends, and others on this machine see it."""
    record = _record(id_)
    try:
        file = os.fdopen(os.open(record, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600), "r+")
    except OSError:
        yield  # the claim holds all the same; that a run was killed is only found out later
        return
    with file:
        _lock(file)
        try:
            yield
        finally:
            record.unlink(missing_ok=True)


def _its_run_is_dead(id_: str) -> bool:
    try:
        with _record(id_).open("r+") as file:
            return _lock(file)
    except OSError:
        return False  # of another machine


def _lock(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
