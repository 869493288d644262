"""The contract and the hook work with a ZenML that is a year older than the pinned one."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlstack.local.zenml_access import login, rest
from tests.components.stacks import CASES, program
from tests.recording import record
from tests.versions.environment import NoRegistryError, python, version

ROOT = Path(__file__).parents[2]

EVERY_KEY = {
    "mlstack:orchestratorConfig": json.dumps(
        {"synchronous": True, "volume_size_in_gb": 100, "max_runtime_in_seconds": 3600, "environment": {"A": "b"}}
    ),
    "mlstack:artifactStoreConfig": json.dumps({"client_kwargs": {"region_name": "eu-west-1"}}),
    "mlstack:stepOperatorConfig": json.dumps({"experiment_name": "one"}),
    "mlstack:imageBuilderConfig": json.dumps({"custom_env_vars": {"A": "b"}}),
}


@pytest.fixture(scope="module")
def interpreter() -> Path:
    try:
        return python()
    except NoRegistryError as error:
        pytest.skip(f"ZenML {version()} is not in the cache and no package index answers: {error}")


@dataclass(frozen=True)
class Older:
    port: int
    key: str
    interpreter: Path

    def mlstack(self, *arguments: str, home: Path, python: str | None = None) -> subprocess.CompletedProcess[str]:
        """With the client of the same release, or of `python`."""
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("ZENML_", "AWS_"))}
        server = {"ZENML_STORE_URL": f"http://127.0.0.1:{self.port}", "ZENML_STORE_API_KEY": self.key}
        return subprocess.run(
            [python or str(self.interpreter), "-m", "mlstack", *arguments],
            cwd=ROOT,
            env={**mine, **server, "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture(scope="module")
def older(interpreter: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Older]:
    """A server of that release, on a database of its own."""
    directory = tmp_path_factory.mktemp("older")
    password, port_file = secrets.token_urlsafe(12), directory / "port"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "ZENML_SERVER": "true",
        "ZENML_CONFIG_PATH": str(directory / "state"),
        "ZENML_LOCAL_STORES_PATH": str(directory / "state"),
        "ZENML_SERVER_DEPLOYMENT_TYPE": "other",
        "ZENML_SERVER_AUTH_SCHEME": "OAUTH2_PASSWORD_BEARER",
        "ZENML_SERVER_AUTO_ACTIVATE": "1",
        "ZENML_SERVER_JWT_SECRET_KEY": secrets.token_hex(32),
        "ZENML_DEFAULT_USER_NAME": "admin",
        "ZENML_DEFAULT_USER_PASSWORD": password,
        "ZENML_ENABLE_IMPLICIT_AUTH_METHODS": "true",
        "ZENML_ANALYTICS_OPT_IN": "false",
    }
    with (directory / "log").open("wb") as log:
        command = [str(interpreter), str(Path(__file__).with_name("serve.py")), str(port_file)]
        process = subprocess.Popen(command, env=environment, cwd=directory, stdout=log, stderr=log)
    try:
        port = _ready(process, port_file, directory / "log")
        token = login(port, {"username": "admin", "password": password})
        assert token is not None
        account = rest(port, "POST", "/api/v1/service_accounts", token, {"name": "ci", "active": True})["id"]
        made = rest(port, "POST", f"/api/v1/service_accounts/{account}/api_keys", token, {"name": "ci"})
        yield Older(port, made["body"]["key"], interpreter)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _ready(process: "subprocess.Popen[bytes]", port_file: Path, log: Path) -> int:
    from mlstack.local.loopback import answers

    deadline = time.monotonic() + 120
    while not (port_file.exists() and port_file.read_text() and answers(int(port_file.read_text()), "/ready")):
        assert process.poll() is None, f"the older server ended:\n{log.read_text()[-2000:]}"
        assert time.monotonic() < deadline, f"the older server is not ready:\n{log.read_text()[-2000:]}"
        time.sleep(0.2)
    return int(port_file.read_text())


def contract(changes: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record(program(changes)).of("MLStack").outputs[0]["contract"])
    return found


def _judged(interpreter: Path, given: list[dict[str, Any]]) -> list[str]:
    judge = [str(interpreter), str(Path(__file__).with_name("judge.py"))]
    done = subprocess.run(judge, input=json.dumps(given), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    said: list[str] = json.loads(done.stdout.splitlines()[-1])
    return said


def test_every_component_of_every_stack_is_what_the_older_config_classes_take(interpreter: Path) -> None:
    given = [
        {"case": case, "kind": kind, "flavor": part["flavor"], "configuration": part["configuration"]}
        for case, changes in {**CASES, "keys passed through": EVERY_KEY}.items()
        for kind, part in contract(changes)["components"].items()
    ]
    assert {each["kind"] for each in given} == {
        "artifact_store",
        "container_registry",
        "orchestrator",
        "step_operator",
        "image_builder",
    }
    assert _judged(interpreter, given) == [], f"ZenML {version()} differs"


def test_what_the_older_release_does_not_know_is_named(interpreter: Path) -> None:
    given = [
        {"case": "a", "kind": "artifact_store", "flavor": "s3", "configuration": {"path": "s3://b", "later": 1}},
        {"case": "b", "kind": "deployer", "flavor": "later", "configuration": {}},
    ]
    assert _judged(interpreter, given) == [
        "a: artifact_store s3: later is not known",
        "b: deployer later: there is no such flavor",
    ]


def test_a_stack_is_registered_compared_and_removed_on_a_server_of_the_older_release(
    older: Older, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(contract({})), encoding="utf-8")
    named = ("--outputs", str(outputs))
    # No AWS behind it: what the server would try the connectors against.
    done = older.mlstack("register", *named, "--no-verify", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"(ZenML {version()})" in done.stderr
    changes = json.loads(done.stdout)["changes"]
    assert {change["action"] for change in changes} == {"create"}
    again = older.mlstack("status", *named, "--json", home=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads(again.stdout)["warnings"] == []
    assert older.mlstack("deregister", *named, home=tmp_path).returncode == 0
    assert older.mlstack("status", *named, home=tmp_path).returncode == 7


def test_the_pinned_client_says_that_it_cannot_read_that_server_and_what_can(older: Older, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps(contract({})), encoding="utf-8")
    done = older.mlstack("register", "--outputs", str(outputs), home=tmp_path, python=sys.executable)
    assert done.returncode == 1
    assert f"is ZenML {version()}: a client of" in done.stderr
    assert f"pip install zenml=={version()}" in done.stderr
    assert "Traceback" not in done.stderr
