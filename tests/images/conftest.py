"""An emulator with what a stack has for images, a real registry behind it, and a base image in that."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlstack.local.aws.pull_through import UPSTREAMS
from tests.images.loopback_registry import LoopbackRegistry, running
from tests.images.packages import install
from tests.images.stack import Stack, deploy
from tests.local.conftest import start_emulator, stop_emulator


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackRegistry]:
    """Somebody else's, that anybody may pull from; the emulator takes it for ECR Public."""
    with running(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="session")
def stack(registry: LoopbackRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    install()
    root = tmp_path_factory.mktemp("images-emulator")
    emulator = start_emulator(root, **{UPSTREAMS: f"public.ecr.aws={registry.host}"})
    try:
        yield deploy(emulator, tmp_path_factory.mktemp("images-stack"))
    finally:
        stop_emulator(emulator)


@pytest.fixture(scope="session")
def base(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with a shell, in the stack's repository, built with what is tested here."""
    root = tmp_path_factory.mktemp("base")
    busybox = shutil.which("busybox")
    assert busybox is not None
    shutil.copy(busybox, root / "busybox")
    (root / "Dockerfile").write_text(
        'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nENV PATH=/bin\n'
    )
    return str(stack.built(root)["image"])


@pytest.fixture
def project(base: str, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Pipeline code with a Dockerfile that runs a command: of each module another, or a second one builds nothing."""
    root = tmp_path / "code"
    (root / "steps").mkdir(parents=True)
    (root / "train.py").write_text("print('hello')\n")
    (root / "steps/run.sh").write_text("#!/bin/sh\necho hello\n")
    (root / "steps/run.sh").chmod(0o755)
    (root / ".dockerignore").write_text("*.log\nDockerfile\n")
    (root / "noise.log").write_text("not for the image")
    (root / "Dockerfile").write_text(
        f"FROM {base}\nLABEL of={request.module.__name__}\nWORKDIR /app\nRUN echo made > /app/made\nCOPY . /app/\n"
        'USER 1000\nCMD ["/app/steps/run.sh"]\n'
    )
    return root
