"""Servers for the tests below, started once in a session of each worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlstack.local.cloud import ACCOUNT_ID, REGION, Cloud


@dataclass(frozen=True)
class RunningEmulator:
    endpoint: str
    root: Path
    process: "subprocess.Popen[bytes]"

    def client(self, service: str, **more: Any) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}),
            **more,
        )


def start_emulator(root: Path, **settings: str) -> RunningEmulator:
    port_file = root / "port"
    command = [sys.executable, "-m", "mlstack.local.aws", "--root", str(root), "--port-file", str(port_file)]
    # A variable of ours, to see that no job ever sees it.
    environment = {**os.environ, "OPERATORS_OWN_SECRET": "must not be seen", **settings}
    process = subprocess.Popen([*command, "--account-id", ACCOUNT_ID, "--region", REGION], env=environment)
    deadline = time.monotonic() + 60
    while not port_file.exists():
        assert process.poll() is None, "the emulator ended while it was starting"
        assert time.monotonic() < deadline, "the emulator did not start within a minute"
        time.sleep(0.05)
    return RunningEmulator(f"http://127.0.0.1:{port_file.read_text()}", root, process)


def stop_emulator(emulator: RunningEmulator) -> None:
    emulator.process.send_signal(signal.SIGTERM)
    emulator.process.wait(30)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """An AWS emulator on its own."""
    running = start_emulator(tmp_path_factory.mktemp("emulator"))
    yield running
    stop_emulator(running)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The whole embedded cloud, running."""
    made = Cloud(tmp_path_factory.mktemp("cloud") / ".mlstack")
    try:
        made.start(print)
        yield made
    finally:
        made.stop(print)
