"""The docker commands of a buildspec, as what buildah is asked for."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlstack.images import builder

# unshare and mount, as processors number them.
_CALLS = {"x86_64": (272, 165), "aarch64": (97, 40)}
# A filter of system calls that refuses both, as Docker's does in a container without CAP_SYS_ADMIN: load the number,
# leave when it is one of them, allow; EPERM.
_CONFINED = """
import ctypes, os, struct, sys
calls = [int(each) for each in sys.argv[1].split(",")]
steps = [(0x20, 0, 0, 0)] + [(0x15, len(calls) - at, 0, call) for at, call in enumerate(calls)]
steps += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050001)]
filter = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(filter)))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""

Ran = Callable[..., "subprocess.CompletedProcess[str]"]

_BUILDAH = f"""#!{sys.executable}
import json, os, sys
print(json.dumps([sys.argv[1:], os.environ["BUILDAH_ISOLATION"], os.environ["STORAGE_DRIVER"], sys.stdin.read()]))
"""
_ALWAYS = ["--format", "docker", "--http-proxy=false", "--timestamp", "946684800"]


@pytest.fixture
def docker(tmp_path: Path) -> Ran:
    """Runs the script with a buildah that only says what it was asked for."""
    (tmp_path / "buildah").write_text(_BUILDAH)
    (tmp_path / "buildah").chmod(0o755)
    environment = {
        name: value for name, value in os.environ.items() if name not in ("BUILDAH_ISOLATION", "STORAGE_DRIVER")
    }

    def run(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(builder.FOLDER / "docker"), *arguments],
            cwd=tmp_path,
            env={**environment, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )

    return run


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (["tag", "r/a:1", "r/a:2"], ["tag", "r/a:1", "r/a:2"]),
        (["push", "r/a:1"], ["push", "r/a:1"]),
        (
            ["pull", "--quiet", "--platform", "linux/amd64", "r/a:1"],
            ["pull", "--quiet", "--platform", "linux/amd64", "r/a:1"],
        ),
        (["build", "-t", "r/a:1", "."], ["build", *_ALWAYS, "-t", "r/a:1", "."]),
        # ZenML puts the options of DockerSettings after the context, where buildah takes none.
        (
            ["build", "-t", "r/a:1", ".", "--pull", "--build-arg", "A=b c", "--shm-size", "64", "--label", "x=."],
            [
                "build",
                *_ALWAYS,
                *["-t", "r/a:1", "--pull", "--build-arg"],
                "A=b c",
                *["--shm-size", "64", "--label", "x=.", "."],
            ],
        ),
        (["build", ".", "--cache-from", "r/a:0", "--rm"], ["build", *_ALWAYS, "--rm", "."]),
        (["build", ".", "--tag=r/a:1", "--rm=false"], ["build", *_ALWAYS, "--tag=r/a:1", "--rm=false", "."]),
    ],
)
def test_a_command_is_buildahs(docker: Ran, given: list[str], asked: list[str]) -> None:
    done = docker(*given)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[:3] == [asked, "chroot", "vfs"]


def test_the_password_goes_on_by_standard_input_and_in_no_argument(docker: Ran) -> None:
    done = docker("login", "--username", "AWS", "--password-stdin", "registry.example", stdin="of-the-registry")
    arguments, _, _, read = json.loads(done.stdout)
    assert arguments == ["login", "--username", "AWS", "--password-stdin", "registry.example"]
    assert read == "of-the-registry"


@pytest.mark.parametrize(
    "option", [["--file", "other.Dockerfile"], ["-f", "other.Dockerfile"], ["--file=other.Dockerfile"]]
)
def test_what_is_ignored_stands_beside_the_dockerfile(docker: Ran, tmp_path: Path, option: list[str]) -> None:
    (tmp_path / "other.Dockerfile.dockerignore").write_text("# nothing\n")
    asked = json.loads(docker("build", *option, "context").stdout)[0]
    assert asked == ["build", *_ALWAYS, *option, "--ignorefile", "other.Dockerfile.dockerignore", "context"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([], "without a command"),
        (["run", "--privileged", "alpine"], "run"),
        (["build", "--secret", "id=a", "."], "build --secret"),
        (["build", "--volume=/:/host", "."], "build --volume=/:/host"),
        (["build", "-t", "a"], "build with 0 contexts"),
        (["build", ".", "elsewhere"], "build with 2 contexts"),
        (["build", ".", "--tag"], "build --tag without a value"),
        (["push", "--all-tags"], "push --all-tags"),
        (["push", "--tls-verify=false", "r/a:1"], "push --tls-verify=false r/a:1"),
        (["tag", "a"], "tag with 1 names"),
        (["push"], "push"),
    ],
)
def test_everything_else_is_refused_with_one_message(docker: Ran, given: list[str], named: str) -> None:
    done = docker(*given)
    assert done.returncode == 125
    assert done.stdout == ""
    assert done.stderr.strip() == (
        f"docker {named}: not among what builds use here: login, pull, build, tag and push, done by buildah"
    )


@pytest.mark.parametrize("given", [["login", "--username", "AWS", "--password-stdin", "r"], ["build", "."]])
def test_a_container_that_is_too_narrow_for_buildah_is_named_as_the_cause(given: list[str]) -> None:
    calls = ",".join(map(str, _CALLS[platform.machine()]))
    done = subprocess.run(
        [sys.executable, "-c", _CONFINED, calls, str(builder.FOLDER / "docker"), *given],
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == 125, done.stderr
    assert done.stderr.startswith("docker: this container may make neither a mount namespace (CAP_SYS_ADMIN) nor")
    assert "mlstack image build" in done.stderr
