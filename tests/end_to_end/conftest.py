"""One embedded cloud for the whole session, and the program deployed to it under a name of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlstack.local.cloud import Cloud
from mlstack.local.engine import Engine
from tests.registration.conftest import Server

ROOT = Path(__file__).parents[2]


@dataclass
class Deployment:
    """The environment `local` of this program under a name of its own, with a state of its own."""

    name: str
    settings: Path
    environment: dict[str, str]
    changes: dict[str, Any] = field(default_factory=dict)
    directory: Path = ROOT
    """Where the program is."""

    def configure(self, **changes: Any) -> None:
        """Change settings (without their namespace) in a copy of Pulumi.local.yaml."""
        self.changes.update({f"mlstack:{key}": value for key, value in changes.items()})
        self.write()

    def write(self) -> None:
        from ruamel.yaml import YAML

        yaml = YAML()
        document = yaml.load((ROOT / "Pulumi.local.yaml").read_text(encoding="utf-8"))
        document["config"].update(self.changes)
        with self.settings.open("w", encoding="utf-8") as file:
            yaml.dump(document, file)

    def pulumi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [
            "pulumi",
            *arguments,
            "--stack",
            "local",
            "--non-interactive",
            "--config-file",
            str(self.settings),
        ]
        return self._run(command, check=check)

    def up(self, *arguments: str) -> dict[str, int]:
        """Deploy; operations by kind."""
        done = self.pulumi("up", "--yes", "--skip-preview", "--json", *arguments, check=False)
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        said = [event["diagnosticEvent"] for event in events if "diagnosticEvent" in event]
        assert done.returncode == 0, "\n".join(each["message"] for each in said if each["severity"] == "error")
        counts: dict[str, int] = next(e["summaryEvent"]["resourceChanges"] for e in events if "summaryEvent" in e)
        return counts

    def output(self, name: str) -> Any:
        done = self._run(["pulumi", "stack", "output", name, "--json", "--stack", "local"], check=True)
        return json.loads(done.stdout)

    def mlstack(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-m", "mlstack", *arguments], check=check)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self._run([*command], check=True)

    def _run(self, command: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )
        if check:
            assert done.returncode == 0, f"{' '.join(command[:3])}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done


@pytest.fixture(scope="module")
def cloud(shared_cloud: Cloud) -> Iterator[Cloud]:
    yield shared_cloud
    _forget_stacks(shared_cloud)


def _forget_stacks(cloud: Cloud) -> None:
    """To ZenML each module is the environment `local`: what one left there, another's registration would take away."""
    server = Server.of(cloud)
    for kind in ("stacks", "components", "service_connectors"):
        for each in server.held(kind, ""):
            if each["name"] != "default":
                server.call("DELETE", f"{kind}/{each['id']}")


@pytest.fixture(scope="module")
def deployment(
    cloud: Cloud, engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """Named after the test module; everything of it is destroyed at the end."""
    name = request.module.__name__.rsplit("test_", 1)[1].replace("_", "-")[:20]
    directory = tmp_path_factory.mktemp(name)
    state = {"PULUMI_BACKEND_URL": f"file://{directory}"}
    deployment = Deployment(
        name=name,
        settings=directory / "Pulumi.local.yaml",
        environment={**cloud.pulumi_environment(engine.bin), **cloud.zenml_environment(), **state},
    )
    deployment.configure(name=name)
    deployment.run("pulumi", "stack", "select", "--create", "local")
    yield deployment
    deployment.pulumi("destroy", "--yes", "--skip-preview", check=False)
