"""The processes of the embedded cloud: what each is started with. The operator's environment reaches none of them."""

import hashlib
import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import psutil

from mlstack.errors import MLStackError
from mlstack.local.aws.server_user import server_credentials
from mlstack.local.loopback import answers
from mlstack.local.processes import ProcessRecord, spawn, started_with, tail
from mlstack.local.zenml_access import ADMIN, ZenMLAccess

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Place:
    """Where a server of this name keeps its record, port and log below root."""

    root: Path
    name: str

    @property
    def record(self) -> Path:
        return self.root / "run" / f"{self.name}.json"

    @property
    def port_file(self) -> Path:
        """Written by the process itself, once it has loaded."""
        return self.root / "run" / f"{self.name}.port"

    @property
    def log(self) -> Path:
        return self.root / "logs" / f"{self.name}.log"

    def port(self) -> int | None:
        try:
            return int(self.port_file.read_text())
        except (OSError, ValueError):
            return None

    def recorded(self) -> ProcessRecord | None:
        """The record, when its process runs and is of this directory: a copied one holds records of the original's."""
        record = ProcessRecord.read(self.record)
        process = record.running() if record else None
        try:
            return record if process is not None and str(self.port_file) in process.cmdline() else None
        except psutil.Error:
            return None

    def running(self) -> list[psutil.Process]:
        """Every process of this name and root, whether recorded or not: records get lost with a deleted directory."""
        return list(started_with("--port-file", str(self.port_file)))


@dataclass(frozen=True, kw_only=True)
class Server:
    """What one process is started with."""

    place: Place
    title: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    ready: Callable[[int], bool]
    """Whether it answers on the port."""

    @cached_property
    def purpose(self) -> str:
        """Changes with anything that the process is made of, so that one of yesterday's program is not taken for it."""
        told = hashlib.sha256(f"{sys.executable} {self.arguments} {sorted(self.environment.items())}".encode())
        for file in self.sources():
            told.update(file.read_bytes())
        return told.hexdigest()

    def sources(self) -> list[Path]:
        """The files of ours that it runs: its module or package, and the evaluator of policies."""
        ours = Path(__file__).parents[1]
        source = ours / "local" / self.module.rpartition(".")[2]
        return sorted([*source.parent.glob(f"{source.name}.py"), *source.rglob("*.py"), *(ours / "iam").glob("*.py")])

    def alive(self) -> bool:
        """Whether a process runs that was started for exactly this."""
        record = self.place.recorded()
        return record is not None and record.purpose == self.purpose

    def start(self, listening: socket.socket | None = None) -> None:
        self.place.port_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", self.module, "--port-file", str(self.place.port_file), *self.arguments]
        if listening is not None:
            command += ["--socket", str(listening.fileno())]
        record = spawn(
            command,
            environment=self.environment,
            directory=self.place.root,
            log=self.place.log,
            purpose=self.purpose,
            inherit=() if listening is None else (listening.fileno(),),
        )
        record.write(self.place.record)

    def failed(self, why: str) -> MLStackError:
        said = tail(self.place.log)
        return MLStackError(
            f"{self.title} {why}" + (f". The end of its log:\n{said}" if said else ""),
            hint=f"the whole log is {self.place.log}; start again with `mlstack demo`",
        )


def aws_server(root: Path, account_id: str, region: str) -> Server:
    return Server(
        place=Place(root, "aws"),
        title="the AWS emulator",
        module="mlstack.local.aws",
        arguments=("--root", str(root), "--account-id", account_id, "--region", region),
        environment=_bare_environment(root),
        ready=lambda port: answers(port, "/mlstack/boot"),
    )


def zenml_server(root: Path, endpoint: str, region: str) -> Server:
    """ZenML's server, with the identity of the emulator's user `zenml-server` and no other."""
    access = ZenMLAccess(root)
    state = access.directory / "state"
    return Server(
        place=Place(root, "zenml"),
        title="the ZenML server",
        module="mlstack.local.zenml_server",
        arguments=("--version", version("zenml")),
        environment={
            **_bare_environment(root),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": str(server_credentials(root)),
            "ZENML_SERVER": "true",
            "ZENML_CONFIG_PATH": str(state),
            "ZENML_LOCAL_STORES_PATH": str(state / "local_stores"),
            "ZENML_SERVER_DEPLOYMENT_TYPE": "other",
            "ZENML_SERVER_AUTH_SCHEME": "OAUTH2_PASSWORD_BEARER",
            "ZENML_SERVER_AUTO_ACTIVATE": "1",
            "ZENML_SERVER_DISPLAY_ANNOUNCEMENTS": "false",
            "ZENML_SERVER_DISPLAY_UPDATES": "false",
            "ZENML_SERVER_JWT_SECRET_KEY": access.signing_key(),
            "ZENML_DEFAULT_USER_NAME": ADMIN,
            "ZENML_DEFAULT_USER_PASSWORD": access.admin_password(),
            # Connectors that use the server's own identity are off by default.
            "ZENML_ENABLE_IMPLICIT_AUTH_METHODS": "true",
            "ZENML_ANALYTICS_OPT_IN": "false",
        },
        ready=lambda port: answers(port, "/ready"),
    )


def provider_server(root: Path, endpoint: str) -> Server:
    return Server(
        place=Place(root, "provider"),
        title="the embedded aws provider",
        module="mlstack.local.provider",
        arguments=("--endpoint", endpoint),
        environment=_bare_environment(root),
        ready=_listens,
    )


def _bare_environment(root: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{_SYSTEM_PATH}",
        "HOME": str(root / "home"),
        "LANG": "C.UTF-8",
    }


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False
