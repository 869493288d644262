"""Starts the worker, shows what it tells, and makes one result of it."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from mlstack.contract import MLStackOutputs
from mlstack.errors import MLStackError
from mlstack.images.pipeline import PipelineImage
from mlstack.registration.server import Server
from mlstack.stages import Stages
from mlstack.verification.diagnosis import diagnose
from mlstack.verification.events import Event, Request, read_events
from mlstack.verification.granted import Granted

_STEPS = ("write", "read")
_PATIENCE = 60.0
"""Seconds that an interrupted worker has to stop the execution and to clean up."""


class VerificationError(MLStackError):
    """The stack does not do what it is for."""


class NotRegisteredError(MLStackError):
    """ZenML does not hold the stack of this environment."""


class Verification:
    """One run, and what is known of it. `result` may be asked at any time."""

    def __init__(self, contract: MLStackOutputs, server: Server, *, image: PipelineImage, timeout: float, keep: bool):
        self._contract = contract
        self._server = server
        self._request = Request(
            stack=contract.stack.name,
            project=contract.project,
            environment=contract.place,
            bucket=str(contract.components["artifact_store"].configuration.get("path") or "") or None,
            image=image.image,
            timeout=timeout,
            keep=keep,
            mark=secrets.token_hex(4),
        )
        self.result: dict[str, Any] = {
            "ok": False,
            "server": server.url,
            "stack": contract.stack.name,
            "image": image.as_json(),
            "run": None,
            "steps": {},
            "checks": [],
            "problem": None,
            "left": None,
            "kept": keep,
        }

    def run(self) -> None:
        """Raises VerificationError, or NotRegisteredError; `result` holds the same in parts."""
        stages = Stages(Console(stderr=True))
        failed: Event | None = None
        with _worker(self._request) as worker:
            events = self._events(worker)
            with stages.stage("submit") as stage:
                for event in events:
                    if event.kind == "news":
                        stage.news(event.text)
                    elif event.kind == "submitted":
                        self.result["run"] = {"name": event.name, **event.more}
                        stage.result = event.more["execution"] or event.name
                        break
                    elif event.kind == "failed":
                        raise self._problem(event, worker)
                else:
                    raise self._ended(worker)
            for name in _STEPS:
                with stages.stage(f"step {name}") as stage:
                    for event in events:
                        if event.kind == "step":
                            self.result["steps"][event.name] = {"status": event.text, **event.more}
                            stage.news(f"{event.name} {event.text}")
                            if event.name == name and event.text == "completed":
                                stage.result = f"completed, {event.more['seconds'] or 0:.1f} s in the step"
                                break
                        elif event.kind == "failed":
                            raise self._problem(event, worker)
                    else:
                        raise self._ended(worker)
            with stages.stage("checks") as stage:
                for event in events:
                    if event.kind == "check":
                        stage.news(event.name)
                    elif event.kind == "failed":
                        failed = event
                good = sum(check["ok"] for check in self.result["checks"])
                stage.result = f"{good} of {len(self.result['checks'])} as they should be"
            if failed is not None:
                raise self._problem(failed, worker)
        self.result["ok"] = bool(self.result["checks"]) and all(check["ok"] for check in self.result["checks"])

    def _events(self, worker: "_Worker") -> Iterator[Event]:
        """Everything told, with what concerns the result as a whole taken note of."""
        for event in read_events(worker.events):
            if event.kind == "check":
                self.result["checks"].append({"name": event.name, "ok": event.ok, "detail": event.text})
            elif event.kind == "cleaned":
                self.result["left"] = event.text or None
            elif event.kind == "stopped":
                self.result["stopped"] = {"execution": event.name, "ok": event.ok, "detail": event.text}
            yield event

    def drain(self, worker: "_Worker") -> None:
        for _ in self._events(worker):
            pass

    def _problem(self, event: Event, worker: "_Worker") -> MLStackError:
        self.drain(worker)
        stack, url, where = self._contract.stack.name, self._server.url, event.name
        if where == "not registered":
            theirs = event.more["texts"][0] == "another's"
            what = "which this environment did not make" if theirs else "so far"
            said = f"holds a stack {stack!r}, {what}" if theirs else f"holds no stack {stack!r} of this environment"
            return NotRegisteredError(f"{url} {said}", hint="mlstack register makes it; then verify it")
        texts: list[str] = event.more["texts"] if where != "timeout" else []
        found = diagnose([*texts, worker.said()] if where == "submit" else texts, Granted())
        if where == "timeout":
            message = f"the run did not end within {self._request.timeout:.0f} s: {event.more['texts'][0]}"
            hint = "instances take 5 to 15 minutes to start: --timeout gives more; the execution was asked to stop"
            kind = "timeout"
        elif found is None:
            message = "\n  ".join([*[_tail(text) for text in texts[:2]], *(() if texts else [_tail(worker.said())])])
            hint = "mlstack verify --keep leaves the run in ZenML, with its logs; docs/verification.md"
            kind = "unknown"
        else:
            kind, message, hint = found.kind, found.message, found.hint
        self.result["problem"] = {"where": where, "kind": kind, "message": message, "hint": hint, "said": texts}
        return VerificationError(f"{stack}: {where} failed: {message}", hint=hint)

    def _ended(self, worker: "_Worker") -> MLStackError:
        said = _tail(worker.said(), 15)
        self.result["problem"] = {"where": "run", "kind": "unknown", "message": said, "hint": "", "said": []}
        return VerificationError(f"the process that runs the pipeline ended: {said}", hint="run it again")


class _Worker:
    def __init__(self, request: Request, directory: Path) -> None:
        shutil.copy(Path(__file__).with_name("smoke.py"), directory)
        self._output = directory.with_suffix(".log")
        reading, writing = os.pipe()
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlstack.verification.worker", "--events", str(writing)],
                cwd=directory,
                env={**os.environ, "PYTHONPATH": _path(), "ZENML_LOGGING_VERBOSITY": "INFO"},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[writing],
                # Ctrl-C reaches it once, from here, and not in the middle of its cleaning up.
                start_new_session=True,
            )
        os.close(writing)
        self.events = os.fdopen(reading)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asdict(request)).encode())
        self.process.stdin.close()

    def said(self) -> str:
        """What ZenML printed."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def interrupt(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """Wait for it; one that does not end is killed."""
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.events.close()


@contextmanager
def _worker(request: Request) -> Iterator[_Worker]:
    with tempfile.TemporaryDirectory(prefix="mlstack-verify-") as directory:
        source = Path(directory) / "source"
        source.mkdir()
        worker = _Worker(request, source)
        try:
            yield worker
        except KeyboardInterrupt:
            Console(stderr=True).print("stopping the execution and cleaning up; Ctrl-C again leaves them", style="dim")
            worker.interrupt()
            for event in read_events(worker.events):
                if event.kind == "stopped":
                    said = f"stopped {event.name}" if event.ok else f"could not stop {event.name}: {event.text}"
                    Console(stderr=True).print(said, soft_wrap=True)
            raise
        finally:
            worker.interrupt()
            worker.close()


def _path() -> str:
    """Of this package, wherever it is imported from; the worker starts in another directory."""
    return os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])


def _tail(text: str, lines: int = 6) -> str:
    return "\n  ".join(line for line in text.strip().splitlines()[-lines:])
