"""Runs a SageMaker job: the command of its container, as a process of this machine."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from mlstack.local.aws.pipeline_definition import JobRequest
from mlstack.local.processes import ProcessRecord

_LOOK_EVERY = 0.1
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html#your-algorithms-training-algo-dockerfile
# gives a container 120 s between SIGTERM and SIGKILL; nobody wants to wait for that on their own machine.
_PATIENCE = 5.0

Outcome = Literal["Completed", "Failed", "Stopped"]


@dataclass(frozen=True)
class JobEnd:
    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class JobHost:
    """What every job finds on this machine."""

    root: Path
    """Logs go to `root/logs/jobs`, scratch directories and records of what runs to `root/jobs`."""
    endpoint: str
    region: str

    @property
    def logs(self) -> Path:
        return self.root / "logs" / "jobs"

    @property
    def scratch(self) -> Path:
        return self.root / "jobs"

    def environment(self, request: JobRequest, home: Path, token: str, job: Mapping[str, str]) -> dict[str, str]:
        """All that the job's process sees: nothing of whoever started the emulator. The job's own variables win."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "TMPDIR": str(home),
            "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            # As in SageMaker's containers: credentials of the job's role, fetched when they are needed.
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.endpoint}/mlstack/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
            "ZENML_CONFIG_PATH": str(home / "zenml"),
            "ZENML_ANALYTICS_OPT_IN": "false",
            **job,
            **request.environment,
        }


class Job:
    """One run of one command. `run` blocks until it ended; `stop` may be called from another thread, at any time."""

    def __init__(self, name: str, request: JobRequest, host: JobHost) -> None:
        self.name = name
        self.log = host.logs / f"{name}.log"
        self._request = request
        self._host = host
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def run(self, token: str, about: Mapping[str, str], on_output: Callable[[list[str]], None]) -> JobEnd:
        """`about` are variables that SageMaker adds; `on_output` gets the lines of the job's output as they come."""
        self._host.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._host.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f"{self.name[:40]}-", dir=self._host.scratch))
        record = self._host.scratch / f"{self.name}.json"
        try:
            with self.log.open("ab") as output:
                process = self._start(scratch, token, about, output.fileno())
            try:
                ProcessRecord.of(psutil.Process(process.pid)).write(record)
                return self._follow(process, on_output)
            except BaseException:
                end_session(process)
                raise
        except OSError as error:
            return JobEnd("Failed", f"AlgorithmError: {error}")
        finally:
            record.unlink(missing_ok=True)
            # It holds ZenML's copy of the run's token, so it goes, whatever came of the run.
            shutil.rmtree(scratch, ignore_errors=True)

    def _start(self, scratch: Path, token: str, about: Mapping[str, str], output: int) -> "subprocess.Popen[bytes]":
        # The image's interpreter is this one: its packages are those of the project's own environment.
        first, *rest = self._request.command
        command = [sys.executable if first in ("python", "python3") else first, *rest]
        environment = self._host.environment(self._request, scratch, token, about)
        return subprocess.Popen(
            [shutil.which(command[0], path=environment["PATH"]) or command[0], *command[1:]],
            env=environment,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _follow(self, process: "subprocess.Popen[bytes]", on_output: Callable[[list[str]], None]) -> JobEnd:
        deadline = time.monotonic() + self._request.max_seconds
        last = ""
        with self.log.open("rb") as log:
            reader = _LineReader(log.read)
            while True:
                ended = self._wait(process)
                lines = reader.lines(rest=ended)
                if lines:
                    last = next((line for line in reversed(lines) if line.strip()), last)
                    on_output(lines)
                if ended:
                    break
                if self._stopped.is_set() or time.monotonic() > deadline:
                    end_session(process)
        if process.returncode == 0:
            return JobEnd("Completed")
        if self._stopped.is_set():
            return JobEnd("Stopped")
        if time.monotonic() > deadline:
            return JobEnd("Stopped", f"MaxRuntimeExceeded: the job ran for more than {self._request.max_seconds} s")
        return JobEnd("Failed", f"AlgorithmError: exit code {process.returncode}: {last.strip()}")

    def _wait(self, process: "subprocess.Popen[bytes]") -> bool:
        try:
            process.wait(_LOOK_EVERY)
        except subprocess.TimeoutExpired:
            return False
        return True


class _LineReader:
    """Whole lines of a growing file."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._half = b""

    def lines(self, *, rest: bool) -> list[str]:
        """Those that came since the last call; with `rest` also what no newline ends."""
        *whole, self._half = (self._half + self._read()).split(b"\n")
        if rest and self._half:
            whole.append(self._half)
            self._half = b""
        return [line.decode(errors="replace").rstrip("\r") for line in whole]


def end_session(process: "subprocess.Popen[bytes]") -> None:
    """End the job's process with all that it started: it leads a session of its own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            continue


def end_leftovers(root: Path) -> None:
    """End jobs of an emulator that was killed before it could, and clear their scratch directories away."""
    scratch = JobHost(root=root, endpoint="", region="").scratch
    for file in scratch.glob("*.json"):
        record = ProcessRecord.read(file)
        if record is not None and (process := record.running()) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    shutil.rmtree(scratch, ignore_errors=True)
