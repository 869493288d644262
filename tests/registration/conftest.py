"""A real ZenML server, the contract of the program, and the hook as people run it."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlstack.local.cloud import Cloud
from tests.components.stacks import program
from tests.recording import record
from tests.registration.forked import Forked


@dataclass
class Hook:
    """`mlstack register` and `deregister` of one environment, whose contract is a file."""

    cloud: Cloud
    directory: Path
    name: str
    forked: Forked

    def settings(self, **changes: str) -> Path:
        """The contract of the program with these settings (without their namespace), written to a file."""
        named = {f"mlstack:{key}": value for key, value in changes.items()}
        connector = '{"principal": "arn:aws:iam::123456789012:user/zenml-server"}'
        given = {"mlstack:name": self.name, "mlstack:connector": connector, **named}
        file = self.directory / "outputs.json"
        text = record(program(given)).of("MLStack").outputs[0]["contract"]
        # Two environments of one project and stack would be one owner: the name of the test is part of it.
        contract = {**json.loads(text), "project": self.name}
        file.write_text(json.dumps({"mlstack": json.dumps(contract)}), encoding="utf-8")
        return file

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mlstack", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """With a home that must stay empty."""
        home = self.directory / "home"
        home.mkdir(exist_ok=True)
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("ZENML_", "AWS_"))}
        server = {name: self.cloud.zenml_environment()[name] for name in ("ZENML_STORE_URL", "ZENML_STORE_API_KEY")}
        return {**mine, **server, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), **more}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """In a fork that has ZenML already: its import is four seconds of each run's own process."""
        done = self.forked.run(*arguments, environment=self.environment(**environment))
        return subprocess.CompletedProcess(self.command(*arguments), done.code, done.stdout, done.stderr)

    def json(self, *arguments: str, **environment: str) -> Any:
        done = self.run(*arguments, "--json", **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def register(self, *arguments: str, **settings: str) -> Any:
        return self.json("register", "--outputs", str(self.settings(**settings)), *arguments)


@pytest.fixture(scope="module")
def emulated(shared_cloud: Cloud) -> Cloud:
    """With what the connectors are verified against."""
    ecr = shared_cloud.aws_client("ecr")
    if not ecr.describe_repositories()["repositories"]:
        ecr.create_repository(repositoryName="for-the-connectors")
    return shared_cloud


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    forked = Forked(tmp_path_factory.mktemp("forked"))
    yield forked
    forked.end()


@pytest.fixture
def hook(emulated: Cloud, forked: Forked, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Hook]:
    """Everything that it registers is gone afterwards."""
    name = f"r{abs(hash(request.node.name)) % 10_000_000}"
    hook = Hook(emulated, tmp_path, name, forked)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::123456789012:user/zenml-server"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    emulated.aws_client("s3").create_bucket(
        Bucket=f"{name}-dev-123456789012-eu-west-1", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    emulated.aws_client("iam").create_role(
        RoleName=f"{name}-dev-eu-west-1-access", AssumeRolePolicyDocument=json.dumps(trust)
    )
    yield hook
    hook.run("deregister", "--outputs", str(hook.settings()))


class Server:
    """The server's REST interface, to see what it really holds."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        login = urllib.request.Request(f"{url}/api/v1/login", data=f"password={key}".encode())
        with urllib.request.urlopen(login) as answer:
            self.token = json.load(answer)["access_token"]

    @classmethod
    def of(cls, cloud: Cloud) -> "Server":
        environment = cloud.zenml_environment()
        return cls(environment["ZENML_STORE_URL"], environment["ZENML_STORE_API_KEY"])

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self._url}/api/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def held(self, kind: str, name: str) -> list[Any]:
        found = self.call("GET", f"{kind}?size=1000&hydrate=true")["items"]
        return [each for each in found if each["name"].startswith(name)]


@pytest.fixture
def server(hook: Hook) -> Server:
    return Server.of(hook.cloud)
