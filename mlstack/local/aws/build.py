"""One build of CodeBuild: its phases one after another, their commands as processes of this machine."""

import io
import os
import shlex
import shutil
import subprocess
import threading
import time
import traceback
import zipfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mlstack.local.aws.jobs import end_session

if TYPE_CHECKING:
    from mlstack.local.aws.builds import Builds

MINUTE = "MLSTACK_LOCAL_BUILD_MINUTE"
"""Environment variable of the emulator: seconds that a minute of a build's timeout lasts. For tests."""

TOOLS = ("buildah", "docker-registry")
"""What builds images here, by the names of commands and of Debian's packages."""

_PHASES = ("install", "pre_build", "build", "post_build")


def missing_tools() -> list[str]:
    return [tool for tool in TOOLS if shutil.which(tool) is None]


class BuildError(Exception):
    """A phase went wrong; the message is what CodeBuild says of it."""


def registry_environment(root: Path, proxy: str, certificate: Path) -> dict[str, str]:
    """With which buildah, as root and without a container of its own, finds the registry under its name."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    storage = root / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{root / "storage"}"\nrunroot = "{root / "storage-run"}"\n'
    )
    return {
        "CONTAINERS_STORAGE_CONF": str(storage),
        "BUILDAH_ISOLATION": "chroot",
        "HTTPS_PROXY": proxy,
        "NO_PROXY": "127.0.0.1,localhost",
        "SSL_CERT_FILE": str(certificate),
    }


class Build:
    """One build. `stop` may be called at any time, from another thread."""

    def __init__(self, cloud: "Builds", shown: dict[str, Any], variables: dict[str, str]) -> None:
        self._cloud, self._shown, self._variables = cloud, shown, variables
        self._stopped = threading.Event()
        self._changing = threading.Lock()
        self._deadline = time.monotonic() + shown["timeoutInMinutes"] * float(os.environ.get(MINUTE) or 60)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def stop(self) -> None:
        self._stopped.set()

    def copy(self) -> dict[str, Any]:
        """What is known of it now, for whoever asks: it goes on changing meanwhile."""
        with self._changing:
            return deepcopy(self._shown)

    def _run(self) -> None:
        shown, role = self._shown, str(self._shown["serviceRole"])
        token = self._cloud.token(role, shown["id"])
        scratch = self._cloud.scratch()
        status = "FAULT"
        try:
            status = self._phases(scratch, role, token)
        except BuildError as error:
            self._fail(str(error))
            status = "FAILED"
        except Exception as error:
            traceback.print_exc()
            self._fail(f"INTERNAL_ERROR: {error!r}")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            self._cloud.ended(token)
            self._phase("COMPLETED")
            self._end_phase("SUCCEEDED")
            with self._changing:
                shown |= {"endTime": datetime.now(UTC), "buildComplete": True, "buildStatus": status}

    def _phases(self, scratch: Path, role: str, token: str) -> str:
        shown = self._shown
        self._phase("PROVISIONING")
        put = self._cloud.log(role, shown["id"], shown["logs"]["groupName"], shown["logs"]["streamName"])
        if missing := missing_tools():
            put(f"the embedded cloud builds images with buildah and docker-registry: {missing[0]} is not installed")
            raise BuildError(f"COMMAND_EXECUTION_ERROR: {missing[0]} is not installed on the emulator's machine")
        specification = yaml.safe_load(shown["source"]["buildspec"])
        source, home = scratch / "src", scratch / "home"
        for each in (source, home):
            each.mkdir()
        self._phase("DOWNLOAD_SOURCE")
        if shown["source"]["type"] == "S3":
            data = self._cloud.download(role, shown["id"].partition(":")[2], shown["source"]["location"])
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                archive.extractall(source)
        if not shown["environment"]["privilegedMode"] and "docker " in shown["source"]["buildspec"]:
            put("Cannot connect to the Docker daemon at unix:/var/run/docker.sock. Is the docker daemon running?")
            raise BuildError("COMMAND_EXECUTION_ERROR: there is no docker daemon without privileged mode")
        variables = {**specification.get("env", {}).get("variables", {}), **self._variables}
        environment = self._cloud.environment(
            shown, home, token, {**variables, "CODEBUILD_SRC_DIR": str(source), "CODEBUILD_BUILD_SUCCEEDING": "1"}
        )
        failed = False
        for phase in _PHASES:
            commands = specification.get("phases", {}).get(phase, {}).get("commands", [])
            # After a failed build its post_build still runs; after anything else nothing does.
            if failed and phase != "post_build":
                continue
            self._phase(phase.upper())
            put(f"[Container] Entering phase {phase.upper()}")
            if not commands:
                continue
            outcome = self._commands(commands, source, environment, put)
            if outcome in ("STOPPED", "TIMED_OUT"):
                self._end_phase(outcome)
                return outcome
            if outcome:
                self._fail(outcome)
                failed = True
                environment["CODEBUILD_BUILD_SUCCEEDING"] = "0"
                if phase != "build":
                    break
        if failed:
            return "FAILED"
        self._phase("FINALIZING")
        return "SUCCEEDED"

    def _commands(
        self, commands: list[str], source: Path, environment: Mapping[str, str], put: Callable[[str], None]
    ) -> str | None:
        """Of one phase, in one shell. What CodeBuild says when one fails."""
        script = "\n".join(
            f"echo {shlex.quote(f'[Container] Running command {command}')}\n"
            f"{command}\n"
            "status=$?\n"
            'if [ "$status" -ne 0 ]; then\n'
            f"  echo {shlex.quote(f'[Container] Command did not exit successfully {command}')} exit status $status\n"
            f"  exit $status\n"
            "fi"
            for command in commands
        )
        with (source.parent / "output").open("w+b") as output:
            process = subprocess.Popen(
                ["bash", "-c", script],
                cwd=source,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            outcome = self._follow(process, source.parent / "output", put)
        if outcome or process.returncode == 0:
            return outcome
        return f"COMMAND_EXECUTION_ERROR: Error while executing command. Reason: exit status {process.returncode}"

    def _follow(self, process: "subprocess.Popen[bytes]", output: Path, put: Callable[[str], None]) -> str | None:
        outcome: str | None = None
        with output.open(encoding="utf-8", errors="replace") as reading:
            while True:
                try:
                    process.wait(0.1)
                except subprocess.TimeoutExpired:
                    ended = False
                else:
                    ended = True
                while line := reading.readline():
                    put(line.rstrip("\n"))
                if ended:
                    return outcome
                if outcome is None and (self._stopped.is_set() or time.monotonic() > self._deadline):
                    outcome = "STOPPED" if self._stopped.is_set() else "TIMED_OUT"
                    end_session(process)

    def _phase(self, name: str) -> None:
        self._end_phase("SUCCEEDED")
        with self._changing:
            self._shown["currentPhase"] = name
            self._shown["phases"].append({"phaseType": name, "startTime": datetime.now(UTC)})

    def _end_phase(self, status: str) -> None:
        if self._shown["phases"] and "phaseStatus" not in (last := self._shown["phases"][-1]):
            now = datetime.now(UTC)
            seconds = int((now - last["startTime"]).total_seconds())
            with self._changing:
                last |= {"phaseStatus": status, "endTime": now, "durationInSeconds": seconds}

    def _fail(self, message: str) -> None:
        if self._shown["phases"]:
            code, _, said = message.partition(": ")
            with self._changing:
                self._shown["phases"][-1]["contexts"] = [{"statusCode": code, "message": said}]
            self._end_phase("FAILED")
