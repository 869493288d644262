"""One clear message for what is wrong, before anything is uploaded, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.images.stack import Stack, deploy
from tests.local.conftest import start_emulator, stop_emulator


def refused(stack: Stack, context: Path, *arguments: str, code: int = 2, **environment: str) -> str:
    """What is said, once it is certain that nothing came of it."""
    before = stack.contexts(), stack.builds()
    done = stack.build(context, *arguments, **environment)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1
    assert (stack.contexts(), stack.builds()) == before
    assert not stack.unfinished_uploads()
    return done.stderr


@pytest.fixture
def code(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / "train.py").write_text("print('hello')\n")
    return root


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tag", "two words"], "the registry takes letters"),
        (["--tag", "-v1"], "the registry takes letters"),
        (["--tag", "v" * 129], "128 at most"),
        (["--tag", "content-abc"], "is kept for"),
        (["--file", "nowhere"], "no such file"),
        (["--max-size", "10"], "the limit 10 B"),
        (["--max-size", "large"], "not a size"),
        (["--engine", "kaniko"], "it is one of auto, codebuild, docker, podman, buildah"),
        (["--fail-on", "bad"], "it is one of critical, high"),
        (["--not-secret", "nowhere"], "holds no such file"),
    ],
)
def test_what_was_asked_for_wrongly_is_said_with_what_is_allowed(
    stack: Stack, code: Path, arguments: list[str], said: str
) -> None:
    assert said in refused(stack, code, *arguments)


def test_no_dockerfile_a_secret_and_a_link_out_are_refused(stack: Stack, code: Path) -> None:
    (code / "out").symlink_to("../..")
    (code / ".env").write_text("PASSWORD=x")
    said = refused(stack, code)
    assert "out -> ../.." in said
    assert ".env" in said
    (code / "Dockerfile").unlink()
    assert "holds no Dockerfile" in refused(stack, code)


def without(stack: Stack, directory: Path, *components: str) -> list[str]:
    contract: dict[str, Any] = json.loads(json.loads(stack.outputs.read_text())["mlstack"])
    for each in components:
        del contract["components"][each]
    file = directory / "less.json"
    file.write_text(json.dumps({"mlstack": contract}))
    return ["--outputs", str(file)]


def test_a_stack_without_image_builder_or_registry_is_told_which_setting_to_change(
    stack: Stack, code: Path, tmp_path: Path
) -> None:
    less = without(stack, tmp_path, "image_builder")
    said = refused(stack, code, *less, "--engine", "codebuild")
    assert "the image builder of environment dev is switched off" in said
    assert "mlstack:imageBuilder" in said
    assert "neither docker nor podman nor buildah" in refused(stack, code, *less, PATH=str(tmp_path))
    less = without(stack, tmp_path, "image_builder", "container_registry")
    assert "mlstack:containerRegistry" in refused(stack, code, *less)


def test_an_engine_that_is_not_here_is_refused(stack: Stack, code: Path, tmp_path: Path) -> None:
    assert "there is no podman here" in refused(stack, code, "--engine", "podman", PATH=str(tmp_path))


def test_an_engine_whose_daemon_does_not_answer_is_refused(stack: Stack, code: Path, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    said = refused(stack, code, "--engine", "docker", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "its daemon does not run" in said


def test_no_credentials_and_a_registry_that_is_gone_are_said_plainly(stack: Stack, code: Path, tmp_path: Path) -> None:
    said = refused(stack, code, code=1, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", HOME=str(tmp_path))
    assert "no AWS credentials that work" in said
    assert "aws sso login" in said
    contract = json.loads(json.loads(stack.outputs.read_text())["mlstack"])
    contract["components"]["container_registry"]["configuration"]["default_repository"] = "gone"
    (tmp_path / "gone.json").write_text(json.dumps({"mlstack": contract}))
    assert "does not exist" in refused(stack, code, "--outputs", str(tmp_path / "gone.json"), code=1)


def test_expired_credentials_are_told_from_wrong_ones() -> None:
    from botocore.exceptions import ClientError

    from mlstack.images.aws import AwsError, said_clearly

    def raised(code: str, message: str) -> str:
        with pytest.raises(AwsError) as told, said_clearly():
            raise ClientError({"Error": {"Code": code, "Message": message}}, "DescribeImages")
        return str(told.value)

    assert "have expired" in raised("ExpiredTokenException", "The security token included in the request is expired")
    assert "that work" in raised("UnrecognizedClientException", "The security token is invalid.")
    denied = raised(
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/jo is not authorized to perform: ecr:DescribeImages on resource: "
        "arn:aws:ecr:eu-west-1:123456789012:repository/x because no identity-based policy allows it",
    )
    assert "the user jo may not ecr:DescribeImages" in denied


def test_the_context_goes_up_in_parts_and_none_is_left_when_it_changes_meanwhile(
    stack: Stack, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    from mlstack.images.archive import ChangedError, pack
    from mlstack.images.aws import Clients
    from mlstack.images.context import collect
    from mlstack.images.upload import upload

    (code / "data.bin").write_bytes(os.urandom(1_000_000) * 30)
    packed = pack(collect(code))
    os.environ["AWS_ENDPOINT_URL"] = stack.emulator.endpoint
    try:
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
        clients = Clients(session, stack.target.region)
        (code / "train.py").write_text("print('HELLO')\n")
        with pytest.raises(ChangedError):
            upload(clients, stack.target, packed, lambda _: None)
        assert stack.target.key(packed.content) not in stack.contexts()
        assert not stack.unfinished_uploads()
        (code / "train.py").write_text("print('hello')\n")
        assert upload(clients, stack.target, packed, lambda _: None)
        assert not upload(clients, stack.target, packed, lambda _: None)
        monkeypatch.setattr("mlstack.images.upload.FRESH", timedelta(0))
        assert upload(clients, stack.target, packed, lambda _: None), "it might be gone before its build begins"
    finally:
        del os.environ["AWS_ENDPOINT_URL"]


def test_a_context_of_200_mb_goes_up_within_five_seconds_and_150_mb_and_only_once(stack: Stack, tmp_path: Path) -> None:
    root = tmp_path / "large"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\n")
    for number in range(20):
        (root / f"{number}.bin").write_bytes(os.urandom(10_000_000))
    program = (
        "import re, sys, time; from pathlib import Path\n"
        "from mlstack.images.context import collect; from mlstack.images.archive import pack\n"
        "from mlstack.images.aws import own_clients; from mlstack.images.upload import upload\n"
        "from mlstack.images.target import Target; from mlstack.registration import source\n"
        "target = Target.of(source.load(None, sys.argv[2])); clients = own_clients(target.region); clients.s3\n"
        "for _ in range(2):\n"
        "    begun = time.process_time(); packed = pack(collect(Path(sys.argv[1])))\n"
        "    sent = upload(clients, target, packed, lambda _: None)\n"
        # Not getrusage's: that begins with what the parent had.
        "    peak = int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024\n"
        "    print(sent, time.process_time() - begun, peak)\n"
    )
    emulator = psutil.Process(stack.emulator.process.pid)
    before = sum(emulator.cpu_times()[:2])
    done = subprocess.run(
        [sys.executable, "-c", program, str(root), str(stack.outputs)],
        env=stack.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    (first, seconds, megabytes), (second, again, _) = (line.split() for line in done.stdout.splitlines())
    theirs = sum(emulator.cpu_times()[:2]) - before
    print(f"uploaded with {seconds} s here, {theirs:.1f} s there and {megabytes} MB; unchanged {again} s")
    assert (first, second) == ("True", "False")
    # Seconds of the processor, whoever else uses it: on a machine of one's own it takes no longer than both.
    assert float(seconds) + theirs < 5
    assert int(megabytes) < 150
    assert float(again) < 1


def test_ctrl_c_during_the_upload_leaves_nothing_in_the_bucket(stack: Stack, code: Path) -> None:
    for number in range(20):
        (code / f"{number}.bin").write_bytes(os.urandom(10_000_000))
    contexts, builds = stack.contexts(), stack.builds()
    process = subprocess.Popen(
        stack.command(code),
        env=stack.environment,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("  upload:"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(30) == 130, rest
    assert "Traceback" not in rest
    assert (stack.contexts(), stack.builds()) == (contexts, builds)
    assert not stack.unfinished_uploads()


def test_a_build_that_takes_too_long_is_ended_and_named(
    stack: Stack, tmp_path: Path, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an emulator whose minutes are short."""
    monkeypatch.setenv("MLSTACK_LOCAL_BUILD_MINUTE", "1")
    emulator = start_emulator(tmp_path)
    try:
        hasty = deploy(emulator, tmp_path)
        busybox = Path("/bin/busybox")
        (code / "busybox").write_bytes(busybox.read_bytes())
        (code / "busybox").chmod(0o755)
        (code / "Dockerfile").write_text('FROM scratch\nCOPY . /\nRUN ["/busybox", "sleep", "600"]\n')
        begun = time.monotonic()
        done = hasty.build(code, "--timeout", "5", "--quiet")
        assert time.monotonic() - begun < 40
    finally:
        stop_emulator(emulator)
    assert done.returncode == 1
    assert "did not end within 5 minutes" in done.stderr
    assert "--timeout" in done.stderr


def test_a_log_that_may_not_be_read_is_said_once_and_the_build_goes_on() -> None:
    """A project that exists elsewhere may log where the caller has no rights."""
    from types import SimpleNamespace

    import boto3
    from botocore.stub import Stubber

    from mlstack.images.codebuild import _Log

    client = boto3.client("logs", region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")
    with Stubber(client) as answers:
        answers.add_client_error("get_log_events", "AccessDeniedException", "not authorized to logs:GetLogEvents")
        log = _Log(SimpleNamespace(logs=client))  # type: ignore[arg-type]
        place = {"groupName": "/somewhere/else", "streamName": "1"}
        (said,) = log.new(place)
        assert "/somewhere/else cannot be read" in said
        assert not list(log.new(place)), "it is asked for again and again"
