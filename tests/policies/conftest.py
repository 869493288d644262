"""The pack as the process that the engine starts, and an engine with a provider behind which there is no cloud."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from mlstack.local import environments
from mlstack.local.engine import Engine
from tests.policies.shown import Given

ROOT = Path(__file__).parents[2]
EXECUTABLE = ROOT / "policies" / "run"


@dataclass
class Pack:
    """A running pack, asked over gRPC."""

    stub: Any

    def info(self) -> Any:
        return self.stub.GetAnalyzerInfo(empty_pb2.Empty())

    def configure(self, **rules: tuple[str, dict[str, Any]]) -> None:
        """Level and options by rule, with `_` for `-`."""
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        for name, (level, options) in rules.items():
            entry = request.policyConfig[name.replace("_", "-")]
            entry.enforcementLevel = analyzer_pb2.EnforcementLevel.Value(level)
            entry.properties.update(options)
        self.stub.Configure(request)

    def analyze(self, resource: Given) -> dict[str, Any]:
        """Diagnostics by rule."""
        request = analyzer_pb2.AnalyzeRequest(
            type=resource.type, urn=resource.urn, name=resource.name, properties=_struct(resource)
        )
        return {each.policyName: each for each in self.stub.Analyze(request).diagnostics}

    def analyze_stack(self, *stack: Given) -> dict[str, list[Any]]:
        request = analyzer_pb2.AnalyzeStackRequest()
        for each in stack:
            added = request.resources.add(type=each.type, urn=each.urn, name=each.name, properties=_struct(each))
            for key, origin in each.computed_from.items():
                urn = next(other.urn for other in stack if other.name == origin)
                added.propertyDependencies[key].urns.append(urn)
        found: dict[str, list[Any]] = {}
        for diagnostic in self.stub.AnalyzeStack(request).diagnostics:
            found.setdefault(diagnostic.policyName, []).append(diagnostic)
        return found


def _struct(resource: Given) -> Struct:
    struct = Struct()
    struct.update(dict(resource.props))
    return struct


@pytest.fixture(scope="session")
def process() -> Iterator[Any]:
    """The address in the command line is the engine's: the pack never calls it."""
    started = subprocess.Popen([EXECUTABLE, "127.0.0.1:1"], stdout=subprocess.PIPE)
    assert started.stdout is not None
    port = int(started.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield analyzer_pb2_grpc.AnalyzerStub(channel)
    started.terminate()
    started.wait(10)


@pytest.fixture
def running(process: Any) -> Pack:
    """Freshly configured with nothing."""
    pack = Pack(process)
    pack.configure()
    return pack


class _OnlyWho(BaseHTTPRequestHandler):
    """All that a preview asks AWS: which account this is."""

    def do_POST(self) -> None:
        who = "<Arn>arn:aws:iam::123456789012:root</Arn><UserId>1</UserId><Account>123456789012</Account>"
        result = f"<GetCallerIdentityResult>{who}</GetCallerIdentityResult>"
        xmlns = "https://sts.amazonaws.com/doc/2011-06-15/"
        text = f'<GetCallerIdentityResponse xmlns="{xmlns}">{result}</GetCallerIdentityResponse>'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def preview_environment(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """For `pulumi preview` with the embedded provider and without an emulator: a preview creates nothing."""
    root = tmp_path_factory.mktemp("preview")
    sts = ThreadingHTTPServer(("127.0.0.1", 0), _OnlyWho)
    threading.Thread(target=sts.serve_forever, daemon=True).start()
    endpoint, port_file = f"http://127.0.0.1:{sts.server_port}", root / "port"
    command = [sys.executable, "-m", "mlstack.local.provider", "--endpoint", endpoint, "--port-file", str(port_file)]
    aws = environments.aws(root, endpoint, "eu-west-1")
    environments.aws_config(root).parent.mkdir()
    environments.aws_config(root).write_text("[default]\n", encoding="utf-8")
    provider = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **aws})
    deadline = time.monotonic() + 60
    while not port_file.exists():
        assert provider.poll() is None, "the provider ended while it was starting"
        assert time.monotonic() < deadline, "the provider did not start within a minute"
        time.sleep(0.05)
    (root / "pulumi").mkdir()
    yield {**os.environ, **aws, **environments.pulumi(root, int(port_file.read_text()), engine.bin)}
    provider.terminate()
    provider.wait(15)
    sts.shutdown()
