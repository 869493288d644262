"""A local engine instead of CodeBuild: the same image, under the same tags, with the same output."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.images.stack import Stack


def test_buildah_makes_the_same_layers_and_tags_as_codebuild_of_the_same_content(stack: Stack, project: Path) -> None:
    there = stack.built(project)
    layers = [each["digest"] for each in stack.manifest(there["digest"])["layers"]]
    # The repository has this content: another tag would be one more name. Built afresh, it is another content.
    stack.forget(there["tag"])
    here = stack.built(project, "--engine", "buildah", "--tag", "local-1")
    assert here["engine"] == "buildah"
    assert here["built"]
    assert here["tag"] == "local-1"
    assert here["content"] == there["content"]
    assert [each["digest"] for each in stack.manifest(here["digest"])["layers"]] == layers
    assert stack.manifest(there["tag"]) == stack.manifest("local-1")
    assert stack.configuration(here["digest"])["config"] == stack.configuration(there["digest"])["config"]
    assert set(there) - {"uploaded", "build"} == set(here)


def test_an_image_that_was_built_here_is_not_built_again_there(stack: Stack, project: Path) -> None:
    (project / "train.py").write_text("print('here')\n")
    here = stack.built(project, "--engine", "buildah")
    there = stack.built(project)
    assert not there["built"]
    assert there["digest"] == here["digest"]
    tagged = stack.built(project, "--engine", "buildah", "--tag", "named-here")
    assert tagged["digest"] == here["digest"]


def test_without_an_image_builder_an_engine_is_found(stack: Stack, project: Path, tmp_path: Path) -> None:
    contract = json.loads(json.loads(stack.outputs.read_text())["mlstack"])
    del contract["components"]["image_builder"]
    (tmp_path / "less.json").write_text(json.dumps({"mlstack": contract}))
    (project / "train.py").write_text("print('found')\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("buildah", "docker", "podman"):  # those that do not work are passed over
        tool = tools / name
        tool.write_text(
            f'#!/bin/sh\nexec {shutil.which("buildah")} "$@"\n' if name == "buildah" else "#!/bin/sh\nexit 1\n"
        )
        tool.chmod(0o755)
    path = f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin"
    result = stack.built(project, "--outputs", str(tmp_path / "less.json"), PATH=path)
    assert result["engine"] == "buildah"
    assert result["built"]


def test_a_failed_build_here_names_its_cause_too(stack: Stack, project: Path) -> None:
    (project / "Dockerfile").write_text((project / "Dockerfile").read_text().replace("USER 1000", "RUN exit 3"))
    done = stack.build(project, "--engine", "buildah", "--quiet")
    assert done.returncode == 1
    assert "a command of the Dockerfile failed" in done.stderr


_DOCKER = """#!{python}
import json, os, pathlib, subprocess, sys
place = pathlib.Path(os.environ["DOCKER_CONFIG"])
seen = {{"arguments": sys.argv[1:], "mode": (place / "config.json").stat().st_mode,
        "plugins": (place / "cli-plugins").is_dir(), "place": str(place),
        "config": json.loads((place / "config.json").read_text())}}
with open({log!r}, "a") as log:
    log.write(json.dumps(seen) + "\\n")
if sys.argv[1] == "version":
    sys.exit(0)
file = {auth!r}
pathlib.Path(file).write_text(json.dumps({{"auths": seen["config"]["auths"]}}))
sys.exit(subprocess.run([{shim!r}, *sys.argv[1:]], env={{**os.environ, "REGISTRY_AUTH_FILE": file}}).returncode)
"""


def test_docker_is_logged_in_from_a_file_of_its_own_that_goes_with_the_build(
    stack: Stack, project: Path, tmp_path: Path
) -> None:
    """Docker itself cannot run here: its command is one that looks at what it is given and has buildah do the work."""
    import sys

    from mlstack.images import builder

    log, own, tools = tmp_path / "log", tmp_path / "own", tmp_path / "tools"
    (own / "cli-plugins").mkdir(parents=True)
    (own / "config.json").write_text(json.dumps({"auths": {"mine.example": {"auth": "eA=="}}, "credsStore": "desktop"}))
    tools.mkdir()
    shim = builder.FOLDER / "docker"
    (tools / "docker").write_text(
        _DOCKER.format(python=sys.executable, log=str(log), auth=str(tmp_path / "auth"), shim=str(shim))
    )
    (tools / "docker").chmod(0o755)
    (project / "train.py").write_text("print('docker')\n")
    path = f"{tools}:{os.environ['PATH']}"
    done = stack.build(project, "--engine", "docker", "--tag", "by-docker", "--json", PATH=path, DOCKER_CONFIG=str(own))
    assert done.returncode == 0, done.stderr
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    assert [each["arguments"][0] for each in calls] == ["version", "build", "push"]
    built = calls[1]
    assert stat.S_IMODE(built["mode"]) == 0o600
    assert built["plugins"]
    assert built["config"]["auths"]["mine.example"] == {"auth": "eA=="}
    assert built["config"]["credHelpers"] == {stack.target.registry: ""}, "the keychain would be asked instead"
    password = built["config"]["auths"][stack.target.registry]["auth"]
    assert password not in " ".join(argument for each in calls for argument in each["arguments"])
    assert password not in done.stdout + done.stderr
    assert not Path(built["place"]).exists()
    assert json.loads(done.stdout)["digest"] == stack.digest("by-docker")


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_the_same_platform_is_built_whatever_this_machine_is(engine: str, tmp_path: Path) -> None:
    from mlstack.images.engine import LocalEngine

    command = LocalEngine(engine, None, None)._build(tmp_path, "image:tag")  # type: ignore[arg-type]
    assert command[command.index("--platform") + 1] == "linux/amd64"


@pytest.mark.parametrize(("engine", "told"), [("docker", False), ("podman", True), ("buildah", True)])
def test_engines_that_may_not_look_beside_the_dockerfile_are_told_what_is_ignored(
    engine: str, told: bool, tmp_path: Path
) -> None:
    """buildah looks there itself since 2022, podman came later (containers/podman 17369). Docker needs no option."""
    from mlstack.images.engine import LocalEngine

    command = LocalEngine(engine, None, None)._build(tmp_path, "image:tag")  # type: ignore[arg-type]
    assert (command[-3:-1] == ["--ignorefile", str(tmp_path / "Dockerfile.dockerignore")]) is told


@pytest.mark.parametrize("engine", ["codebuild", "buildah"])
def test_what_was_left_in_is_not_ignored_again_by_a_file_that_does_not_count(
    stack: Stack, project: Path, engine: str
) -> None:
    """The context's own .dockerignore, where the Dockerfile brings one."""
    (project / ".dockerignore").write_text("train.py\n")
    (project / "gpu.Dockerfile").write_text((project / "Dockerfile").read_text())
    (project / "gpu.Dockerfile.dockerignore").write_text(f"steps\n# {engine}\n")
    result = stack.built(project, "--file", str(project / "gpu.Dockerfile"), "--engine", engine)
    assert result["built"]
    files = stack.files(result["digest"])
    assert "app/train.py" in files
    assert "app/steps/run.sh" not in files
