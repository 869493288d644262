"""What the engine asks of an S3 backend and of KMS in real runs, held against the roles of GitHub's jobs."""

import http.client
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from components.deploy_roles.github import DEPLOY, PREVIEW
from components.state_access import State
from mlstack.local.engine import Engine
from tests.components.deploy_roles.asked import ARGS, STATE_KEY, Roles
from tests.local.conftest import RunningEmulator

pytestmark = pytest.mark.engine

BUCKET = "state-of-github"
COMMANDS = {
    # The first is whoever sets the backend up; the roles are not asked for that.
    "init": ("stack", "init", "dev"),
    "up": ("up", "--yes", "--skip-preview"),
    "preview": ("preview", "--json"),
    "drift": ("refresh", "--preview-only", "--expect-no-changes", "--json"),
    "output": ("stack", "output", "--json", "--show-secrets"),
    "destroy": ("destroy", "--yes", "--skip-preview"),
}
Call = tuple[str, str]
"""IAM action and resource."""


class Recorder:
    """Passes requests on to the emulator and keeps what they ask for."""

    def __init__(self, emulator: str) -> None:
        self.calls: set[Call] = set()
        recorder, target = self, urlsplit(emulator)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                recorder.calls.update(_asked(self.command, self.path, dict(self.headers)))
                connection = http.client.HTTPConnection(str(target.hostname), target.port)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                data = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else None
                self.send_header("Content-Length", length or str(len(data)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else data)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815 (the standard library's names)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _asked(method: str, path: str, headers: dict[str, str]) -> Iterator[Call]:
    lower = {name.lower(): value for name, value in headers.items()}
    if operation := re.fullmatch(r"TrentService\.(\w+)", lower.get("x-amz-target", "")):
        yield f"kms:{operation[1]}", STATE_KEY
        return
    url = urlsplit(path)
    key = unquote(url.path).removeprefix(f"/{BUCKET}").removeprefix("/")
    if not key:
        assert "list-type" in parse_qs(url.query), path
        yield "s3:ListBucket", f"arn:aws:s3:::{BUCKET}"
        return
    verb = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "DELETE": "Delete"}[method]
    yield f"s3:{verb}Object", f"arn:aws:s3:::{BUCKET}/{key}"
    if copied := lower.get("x-amz-copy-source"):
        yield "s3:GetObject", f"arn:aws:s3:::{unquote(copied).lstrip('/')}"


@pytest.fixture(scope="module")
def recorded(
    engine: Engine, emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[Call]]:
    directory = tmp_path_factory.mktemp("state")
    (directory / "Pulumi.yaml").write_text("name: mlstack\nruntime: python\n", encoding="utf-8")
    program = "import pulumi\npulumi.export('key', pulumi.Output.secret('hidden'))\n"
    (directory / "__main__.py").write_text(program, encoding="utf-8")
    key = emulator.client("kms").create_key()["KeyMetadata"]["KeyId"]
    emulator.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    recorder = Recorder(emulator.endpoint)
    here = f"127.0.0.1:{recorder.port}"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{engine.bin}:{os.environ['PATH']}",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_KMS": f"http://{here}",
        "PULUMI_HOME": str(directory / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_BACKEND_URL": f"s3://{BUCKET}?endpoint={here}&disableSSL=true&s3ForcePathStyle=true&region=eu-west-1",
    }
    found = {}
    for name, words in COMMANDS.items():
        recorder.calls = set()
        more = ["--secrets-provider", f"awskms://{key}?region=eu-west-1"] if name == "init" else ["--stack", "dev"]
        done = subprocess.run(
            ["pulumi", *words, *more, "--non-interactive"],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found[name] = recorder.calls
    recorder.stop()
    return found


@pytest.fixture(scope="module")
def roles() -> Roles:
    return Roles(replace(ARGS, state=State(bucket=BUCKET, key_arns=(STATE_KEY,))))


@pytest.mark.parametrize("command", ["preview", "drift", "output"])
def test_the_preview_role_may_ask_all_that_a_preview_asks(
    recorded: dict[str, set[Call]], roles: Roles, command: str
) -> None:
    assert ("kms:Decrypt", STATE_KEY) in recorded[command]
    assert {call for call in recorded[command] if not roles.may(PREVIEW, *call)} == set()


@pytest.mark.parametrize("command", ["up", "preview", "output", "destroy"])
def test_the_deploy_role_may_ask_all_that_a_deployment_asks(
    recorded: dict[str, set[Call]], roles: Roles, command: str
) -> None:
    assert {call for call in recorded[command] if not roles.may(DEPLOY, *call)} == set()


def test_a_preview_cannot_deploy_and_no_role_sets_up_another_environment(
    recorded: dict[str, set[Call]], roles: Roles
) -> None:
    assert any(not roles.may(PREVIEW, *call) for call in recorded["up"])
    assert any(not roles.may(DEPLOY, *call) for call in recorded["init"])
    for action, resource in recorded["up"]:
        if "/dev" in resource and action != "s3:ListBucket":
            assert not roles.may(DEPLOY, action, resource.replace("/dev", "/prod")), resource
