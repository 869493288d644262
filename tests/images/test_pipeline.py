"""The image that a pipeline of ours runs in: built and named by digest, or the reason in one line.

Built for real, upon a stand-in for the image of Python: what `pip` would install is not installed.
"""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from mlstack.contract import MLStackOutputs
from mlstack.errors import UsageError
from mlstack.images.aws import Clients
from mlstack.images.context import LIMIT, collect
from mlstack.images.pipeline import EXAMPLE, Choice, PipelineImage, image_for
from mlstack.stages import Running
from tests.images.loopback_registry import LoopbackRegistry
from tests.images.stack import ROOT, Stack

NOBODY = "127.0.0.1:9/python:3.11"
DIGEST = "sha256:" + "5" * 64


class _Stage(Running):
    """Hears what is told, and is interrupted by the word `interrupt`."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.at_that: Callable[[], None] = lambda: None
        super().__init__("image", Console(quiet=True), news=self._hear)

    def _hear(self, text: str) -> None:
        self.told.append(text)
        if text.endswith("│ interrupt"):
            self.at_that()
            raise KeyboardInterrupt


@pytest.fixture
def stage() -> _Stage:
    return _Stage()


@pytest.fixture
def contract(stack: Stack) -> MLStackOutputs:
    return MLStackOutputs.parse(stack.outputs.read_text(), origin="the outputs")


Make = Callable[..., PipelineImage]


@pytest.fixture
def make(stack: Stack, contract: MLStackOutputs, stage: _Stage) -> Make:
    class Session:
        def client(self, service: str, **_: object) -> Any:
            return stack.emulator.client(service)

    def made(choice: Choice, *, of: MLStackOutputs = contract) -> PipelineImage:
        whom = Clients(Session(), of.region)
        return image_for(choice, of, stage, otherwise="ZenML builds it", as_whom=lambda: whom)

    return made


@pytest.fixture(scope="module")
def python(stack: Stack, base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """By digest, in the stack's repository: a shell, and a pip that keeps what it was asked to install."""
    root = tmp_path_factory.mktemp("python")
    (root / "pip").write_text("#!/bin/sh\necho $* > /asked\ncat requirements.txt > /installed\n")
    (root / "pip").chmod(0o755)
    (root / "Dockerfile").write_text(f"FROM {base}\nCOPY pip /bin/pip\n")
    return str(stack.built(root)["image"])


def test_the_example_is_built_upon_the_given_base_and_named_by_digest(
    stack: Stack, python: str, make: Make, stage: _Stage
) -> None:
    image = make(Choice.of(None, python, program=ROOT))
    assert image.built
    assert image.image == f"{stack.target.image}@{image.digest}"
    assert image.digest is not None
    assert image.told.startswith(f"built, {image.digest}, ")
    assert image.told.endswith("MB")
    assert not stage.skipped
    assert any("│ STEP" in told for told in stage.told), "the log is no news while it builds"
    files = stack.files(image.digest)
    assert files["installed"] == (ROOT / EXAMPLE / "requirements.txt").read_bytes()
    assert b"--require-hashes -r requirements.txt" in files["asked"]
    assert {each for each in files if each.startswith("app/")} == {
        "app/pipeline.py",
        "app/requirements.txt",
        "app/run.py",
    }

    builds = stack.builds()
    begun = time.process_time()
    again = make(Choice.of(None, python, program=ROOT))
    assert time.process_time() - begun < 1, "the registry alone is to be asked"
    assert not again.built
    assert (again.image, again.bytes) == (image.image, image.bytes)
    assert again.told.startswith(f"there already, {image.digest}, ")
    assert stack.builds() == builds


def test_its_base_comes_through_the_stacks_cache(
    stack: Stack, registry: LoopbackRegistry, make: Make, tmp_path: Path
) -> None:
    digest = registry.push("docker/library/python-of-the-example", "3.11", "the example", {"usr/base": b"cached"})
    base = f"public.ecr.aws/docker/library/python-of-the-example:3.11@{digest}"
    (tmp_path / "Dockerfile").write_text("ARG BASE=public.ecr.aws/not/asked:1\nFROM $BASE\nCOPY . /app/\n")
    image = make(Choice.of(str(tmp_path), base, program=ROOT))
    assert image.reason is None
    assert stack.files(str(image.digest))["usr/base"] == b"cached"


def test_only_what_is_in_the_image_decides_whether_it_is_built_again() -> None:
    sent = {entry.path for entry in collect(ROOT / EXAMPLE, limit=LIMIT).entries}
    assert sent == {"pipeline.py", "requirements.txt", "run.py"}


def test_an_image_that_is_there_is_taken_without_asking(make: Make, stage: _Stage) -> None:
    given = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine@{DIGEST}"
    assert make(Choice.of(given, None)) == PipelineImage(image=given, digest=DIGEST, told=given)
    assert stage.told == []


def test_a_base_out_of_reach_is_the_reason_and_nothing_is_sent(stack: Stack, make: Make, stage: _Stage) -> None:
    before = stack.contexts(), stack.builds()
    image = make(Choice.of(None, NOBODY, program=ROOT))
    assert image.image is None
    assert stage.skipped
    assert image.told == f"not built, ZenML builds it: {image.reason}"
    assert image.reason == (
        "the registry 127.0.0.1:9 could not be asked for 127.0.0.1:9/python:3.11: [Errno 111] Connection refused "
        "(--base takes one that can be reached from here)"
    )
    assert (stack.contexts(), stack.builds()) == before


def test_what_a_failing_build_said_last_is_the_reason(project: Path, make: Make) -> None:
    (project / "Dockerfile").write_text((project / "Dockerfile").read_text() + "USER 0\nRUN echo no wheel >&2; false\n")
    image = make(Choice.of(str(project), None))
    assert image.image is None
    assert image.reason is not None
    assert image.reason.startswith("a command of the Dockerfile failed (")
    assert "exit status 1" in image.reason
    assert "\n" not in image.told


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image_builder": None}, "is switched off"),
        ({"container_registry": None}, "has no container registry"),
    ],
)
def test_a_stack_that_cannot_hold_or_build_one_is_the_reason(
    make: Make,
    contract: MLStackOutputs,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, None],
    reason: str,
) -> None:
    monkeypatch.setenv("PATH", str(project))  # where there is neither docker nor podman nor buildah
    components = {kind: each for kind, each in contract.components.items() if kind not in change}
    image = make(Choice.of(str(project), None), of=contract.model_copy(update={"components": components}))
    assert image.image is None
    assert image.reason is not None
    assert reason in image.reason


def test_a_secret_in_the_context_is_the_reason(project: Path, make: Make, stack: Stack) -> None:
    (project / ".env").write_text("KEY=value\n")
    before = stack.contexts()
    image = make(Choice.of(str(project), None))
    assert image.image is None
    assert image.reason is not None
    assert ".env" in image.reason
    assert stack.contexts() == before


def test_steps_that_run_on_this_machine_need_none(make: Make, contract: MLStackOutputs, stage: _Stage) -> None:
    orchestrator = contract.components["orchestrator"].model_copy(update={"flavor": "local"})
    components = {**contract.components, "orchestrator": orchestrator}
    image = make(Choice.of(None, NOBODY, program=ROOT), of=contract.model_copy(update={"components": components}))
    assert image.told == "not built, the steps run on this machine: mlstack:orchestrator is local"
    assert stage.told == []


def test_none_is_built_when_that_is_asked_for(make: Make, stage: _Stage) -> None:
    assert make(Choice.of(None, None, build=False)).told == "not built, ZenML builds it: --no-image"
    assert stage.told == []


def test_ctrl_c_stops_the_build_in_the_cloud(stack: Stack, project: Path, make: Make, stage: _Stage) -> None:
    (project / "Dockerfile").write_text((project / "Dockerfile").read_text() + "RUN echo interrupt; sleep 600\n")
    seen: list[str] = []

    def look() -> None:
        for process in psutil.Process(stack.emulator.process.pid).children(recursive=True):
            if process.cmdline()[:2] == ["buildah", "build"]:  # not what it runs in the image
                seen.append(process.environ().get("REGISTRY_AUTH_FILE", ""))

    stage.at_that = look
    with pytest.raises(KeyboardInterrupt):
        make(Choice.of(str(project), None))
    codebuild = stack.emulator.client("codebuild")
    deadline = time.monotonic() + 20
    while (build := codebuild.batch_get_builds(ids=stack.builds()[-1:])["builds"][0])["buildStatus"] == "IN_PROGRESS":
        assert time.monotonic() < deadline, "the build goes on"
        time.sleep(0.2)
    assert build["buildStatus"] == "STOPPED"
    assert seen, "no buildah was seen"
    elsewhere = [file for file in seen if not file.startswith(f"{stack.emulator.root}/builds/")]
    assert elsewhere == [], "the log-in is kept where other builds of this machine keep theirs"


@pytest.mark.parametrize(
    ("image", "base", "build", "said"),
    [
        ("nowhere", None, True, "--image is 'nowhere': neither a directory nor an image"),
        ("tests", None, True, "tests/Dockerfile cannot be read: No such file or directory"),
        (None, "python", True, "--base is 'python': not an image with its registry"),
        ("mlstack/images/builder", "python", True, "--base is 'python'"),
        (f"registry.example.com/mine@{DIGEST}", NOBODY, True, "--base is for an image that is built"),
        ("examples/digits", None, False, "--no-image builds none"),
        (None, NOBODY, False, "--no-image builds none"),
    ],
)
def test_what_was_asked_for_wrongly_is_said_before_anything_is_touched(
    image: str | None, base: str | None, build: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(UsageError, match=said):
        Choice.of(image, base, build=build)


def test_a_base_for_a_dockerfile_that_takes_none_is_refused(project: Path) -> None:
    with pytest.raises(UsageError, match="has no line ARG BASE="):
        Choice.of(str(project), NOBODY)


def test_a_build_reaches_what_is_not_in_the_stacks_registry_through_the_same_proxy(stack: Stack) -> None:
    """Bytes as they are, in both directions: TLS with whoever is there. Who is not there is named."""

    def echo() -> None:
        connection, _ = there.accept()
        with connection:
            while data := connection.recv(100):
                connection.sendall(data.upper())

    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        threading.Thread(target=echo, daemon=True).start()
        assert _through(stack.proxy, f"127.0.0.1:{port}", b"\x16hello").endswith(b"\r\n\r\n\x16HELLO")
    assert b"502 127.0.0.1:%d: [Errno 111]" % port in _through(stack.proxy, f"127.0.0.1:{port}", b"")


def _through(proxy: str, place: str, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", int(proxy.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
        answer = connection.recv(4096)
        if answer.startswith(b"HTTP/1.1 200"):
            connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while more := connection.recv(4096):
            answer += more
        return answer
