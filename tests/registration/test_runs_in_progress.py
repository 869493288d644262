"""Registration while a pipeline runs on the stack: what the run needs is changed under it or left, never taken away.

The run is one of the local orchestrator, with its artifacts in the bucket and credentials of the stack's connector.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.registration.conftest import Hook, Server


@dataclass
class Run:
    process: "subprocess.Popen[str]"
    go: Path

    def finish(self) -> str:
        self.go.touch()
        said, _ = self.process.communicate(timeout=90)
        assert self.process.returncode == 0, said
        return said.splitlines()[-1]


@pytest.fixture
def run(hook: Hook) -> Iterator[Run]:
    """In progress on the registered stack."""
    hook.register(orchestrator="local")
    project = hook.directory / "project"
    project.mkdir()
    shutil.copy(Path(__file__).with_name("waiting_pipeline.py"), project)
    started, go = hook.directory / "started", hook.directory / "go"
    process = subprocess.Popen(
        [sys.executable, "waiting_pipeline.py", f"{hook.name}-dev", str(started), str(go)],
        cwd=project,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(hook.directory / "scientist"),
            "ZENML_CONFIG_PATH": str(hook.directory / "scientist"),
            **hook.cloud.aws_environment(),
            **hook.cloud.zenml_environment(),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 90
    while not started.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the run did not start"
        time.sleep(0.1)
    yield Run(process, go)
    process.kill()
    process.wait()


def test_a_run_in_progress_keeps_working(hook: Hook, server: Server, run: Run) -> None:
    # What changes in place changes under it.
    changed = hook.register(orchestrator="local", instanceType="ml.m5.2xlarge")
    assert changed["changed"]

    # What it needs is not taken away.
    before = server.held("components", hook.name)
    sagemaker = str(hook.settings(orchestrator="sagemaker"))
    refused = hook.run("register", "--outputs", sagemaker)
    assert refused.returncode == 1
    assert f"in progress on stack {hook.name}-dev: waiting-" in refused.stderr
    assert "--wait-for-runs" in refused.stderr
    assert hook.run("deregister", "--outputs", sagemaker).returncode == 1
    assert server.held("components", hook.name) == before

    # And it can be waited for.
    waiting = subprocess.Popen(
        hook.command("register", "--outputs", sagemaker, "--wait-for-runs", "90"),
        env=hook.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    assert any("waiting for waiting-" in line for line in waiting.stderr)
    assert run.finish() == "completed 2"
    waiting.communicate(timeout=90)
    assert waiting.returncode == 0
    flavors = {each["body"]["flavor_name"] for each in server.held("components", hook.name)}
    assert "sagemaker" in flavors
    assert "local" not in flavors
