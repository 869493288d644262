"""The docker commands of a buildspec, as what buildah is asked for."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlstack.images import builder

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
        f"docker {named}: not among what builds use here: login, build, tag and push, done by buildah"
    )
