"""A deployed and registered stack on the embedded cloud, whose processes all write down their AWS calls."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ruamel.yaml import YAML

from components.names import Names
from mlstack.local import cloud as local_cloud
from mlstack.local.cloud import ACCOUNT_ID, REGION, Cloud, Progress
from mlstack.local.engine import find_engine
from mlstack.local.servers import Server, zenml_server

ROOT = Path(__file__).parents[2]
HOOK = Path(__file__).parent / "hook"
IMAGE_TAG = "not-built"
NAMES = Names(name="mlstack", environment="local", account_id=ACCOUNT_ID, region=REGION)
"""Of what Pulumi.local.yaml deploys."""


def mark(calls: Path, flow: str) -> None:
    """What is recorded from here on belongs to `flow`."""
    with calls.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"during": flow}) + "\n")


def read_raw(calls: Path) -> list[dict[str, Any]]:
    """What the hook wrote, each record with the flow that it belongs to."""
    found, flow = [], ""
    for line in calls.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if "operation" in record:
            found.append({**record, "during": flow})
        else:
            flow = record["during"]
    return found


def watching(calls: Path, at: str) -> dict[str, str]:
    """Environment of a process that is to write its calls to `calls`, as one that runs `at` a place."""
    return {"PYTHONPATH": str(HOOK), "MLSTACK_CALLS": str(calls), "MLSTACK_CALLS_FROM": at}


@dataclass(frozen=True)
class Stack:
    """Where ZenML's clients find the stack."""

    environment: Mapping[str, str]
    image: str

    def run(self, *command: str, directory: Path) -> None:
        """A Python script, as a data scientist runs it."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=directory,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-6000:]}")


@contextmanager
def registered_stack(directory: Path, calls: Path) -> Iterator[Stack]:
    """Everything of it is gone afterwards."""
    cloud = Cloud(directory / "state")
    engine = find_engine(print)
    try:
        start_watched(cloud, calls, print)
        settings = directory / "Pulumi.local.yaml"
        _write_settings(settings, calls)
        environment = {**cloud.pulumi_environment(engine.bin), **cloud.zenml_environment()}
        pulumi = ("pulumi", "--non-interactive", "--stack", "local")
        _run(environment, "pulumi", "stack", "select", "--create", "local")
        _run(environment, *pulumi, "up", "--yes", "--skip-preview", "--config-file", str(settings))
        repository = json.loads(_run(environment, *pulumi, "stack", "output", "repository_url", "--json"))
        mark(calls, "registration")
        plan = json.loads(_run(environment, sys.executable, "-m", "mlstack", "register", "--stack", "local", "--json"))
        yield Stack(
            environment={
                "PATH": environment["PATH"],
                "HOME": str(directory / "home"),
                **cloud.aws_environment(),
                **cloud.zenml_environment(),
                **watching(calls, "client"),
                "ZENML_ACTIVE_STACK_ID": str(plan["stack_id"]),
            },
            image=f"{repository}:{IMAGE_TAG}",
        )
    finally:
        cloud.stop(print)


def start_watched(cloud: Cloud, calls: Path, progress: Progress) -> None:
    """Start the embedded cloud with a ZenML server that writes its calls down."""

    def watched(root: Path, endpoint: str, region: str) -> Server:
        server = zenml_server(root, endpoint, region)
        return replace(server, environment={**server.environment, **watching(calls, "server")})

    with patch.object(local_cloud, "zenml_server", watched):
        cloud.start(progress)


def _write_settings(file: Path, calls: Path) -> None:
    yaml = YAML()
    document = yaml.load((ROOT / "Pulumi.local.yaml").read_text(encoding="utf-8"))
    for component in ("orchestrator", "stepOperator"):
        document["config"][f"mlstack:{component}Config"] = {"environment": watching(calls, "step")}
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)


def _run(environment: Mapping[str, str], *command: str) -> str:
    done = subprocess.run(
        [*command], cwd=ROOT, env={**environment}, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout.strip().splitlines()[-1] if command[0] != "pulumi" else done.stdout
