"""The provider as the engine talks to it: gRPC to its own process, and the emulator behind it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from mlstack.local.provider.values import from_struct, to_struct
from tests.local.conftest import RunningEmulator

ACCOUNT = "123456789012"


class RefusedError(Exception):
    """What the provider said no with."""


@dataclass
class Engine:
    """One engine run: a connection of its own, configured."""

    stub: Any

    def urn(self, token: str, name: str = "thing") -> str:
        return f"urn:pulumi:dev::mlstack::{token}::{name}"

    def configure(self, **settings: Any) -> None:
        self._call("Configure", provider_pb2.ConfigureRequest(args=to_struct(settings)))

    def check(self, token: str, inputs: dict[str, Any]) -> dict[str, str]:
        answer = self._call("Check", provider_pb2.CheckRequest(urn=self.urn(token), news=to_struct(inputs)))
        return {failure.property: failure.reason for failure in answer.failures}

    def check_config(self, **settings: Any) -> list[str]:
        answer = self._call("CheckConfig", provider_pb2.CheckRequest(news=to_struct(settings)))
        return [failure.reason for failure in answer.failures]

    def create(self, token: str, inputs: dict[str, Any], *, preview: bool = False) -> tuple[str, dict[str, Any]]:
        request = provider_pb2.CreateRequest(urn=self.urn(token), properties=to_struct(inputs), preview=preview)
        answer = self._call("Create", request)
        return answer.id, from_struct(answer.properties)

    def diff(
        self, token: str, id_: str, old: dict[str, Any], new: dict[str, Any], state: dict[str, Any] | None = None
    ) -> Any:
        olds = to_struct(old if state is None else state)
        request = provider_pb2.DiffRequest(
            urn=self.urn(token), id=id_, olds=olds, old_inputs=to_struct(old), news=to_struct(new)
        )
        return self._call("Diff", request)

    def update(
        self, token: str, id_: str, old: dict[str, Any], new: dict[str, Any], state: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        olds = to_struct(old if state is None else state)
        request = provider_pb2.UpdateRequest(
            urn=self.urn(token), id=id_, olds=olds, old_inputs=to_struct(old), news=to_struct(new)
        )
        return from_struct(self._call("Update", request).properties)

    def read(self, token: str, id_: str, inputs: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Inputs as AWS has them, or None when it is gone."""
        found, now, _ = self.refresh(token, id_, inputs or {}, inputs or {})
        return now if found else None

    def refresh(
        self, token: str, id_: str, inputs: dict[str, Any], state: dict[str, Any]
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Id, empty when it is gone, inputs and state, as AWS has them. Given neither, it is an import."""
        request = provider_pb2.ReadRequest(
            urn=self.urn(token), id=id_, inputs=to_struct(inputs), properties=to_struct(state)
        )
        answer = self._call("Read", request)
        return answer.id, from_struct(answer.inputs), from_struct(answer.properties)

    def invoke(self, token: str, **arguments: Any) -> dict[str, Any]:
        answer = self._call("Invoke", provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments)))
        return from_struct(getattr(answer, "return"))

    def delete(self, token: str, id_: str, state: dict[str, Any]) -> None:
        self._call("Delete", provider_pb2.DeleteRequest(urn=self.urn(token), id=id_, properties=to_struct(state)))

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self.stub, method)(request)
        except grpc.RpcError as error:
            raise RefusedError(error.details()) from None


@pytest.fixture(scope="session")
def provider_port(emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port_file: Path = tmp_path_factory.mktemp("provider") / "port"
    command = [sys.executable, "-m", "mlstack.local.provider", "--endpoint", emulator.endpoint]
    process = subprocess.Popen([*command, "--port-file", str(port_file)], env=dict(os.environ))
    deadline = time.monotonic() + 60
    while not port_file.exists():
        assert process.poll() is None, "the provider ended while it was starting"
        assert time.monotonic() < deadline, "the provider did not start within a minute"
        time.sleep(0.05)
    yield int(port_file.read_text())
    process.terminate()
    assert process.wait(15) == 0, "the provider does not end cleanly"


def connected(port: int) -> tuple[Engine, grpc.Channel]:
    # A channel of its own: gRPC shares one connection between channels of the same options.
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
    return Engine(provider_pb2_grpc.ResourceProviderStub(channel)), channel


@pytest.fixture
def run(provider_port: int) -> Iterator[Engine]:
    """An engine run in eu-west-1."""
    engine, channel = connected(provider_port)
    engine.configure(region="eu-west-1", allowedAccountIds=f'["{ACCOUNT}"]')
    yield engine
    channel.close()
