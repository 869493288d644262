"""The image that ZenML's image builder builds in: its docker under ZenML's own buildspec, and its publication."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import yaml

from mlstack.images import builder
from mlstack.local.aws import build_tools
from tests.images.stack import Stack

_PHASES = ("pre_build", "build", "post_build")


class _CodeBuild:
    """Takes what ZenML starts, and says that it was done."""

    _client_config = SimpleNamespace(region_name="eu-west-1")
    started: dict[str, Any]

    def start_build(self, **given: Any) -> dict[str, Any]:
        self.started = given
        return {"build": {"id": "project:1", "arn": "arn:aws:codebuild:eu-west-1:123456789012:build/project:1"}}

    def batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        return {"builds": [{"buildStatus": "SUCCEEDED"}]}


def _zenml_builds(image: str, registry: str, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """What the installed ZenML asks of CodeBuild for the image, and the name that it believes to be built."""
    from zenml.config.docker_settings import DockerBuildOptions
    from zenml.enums import StackComponentType
    from zenml.integrations.aws.flavors import AWSImageBuilderConfig
    from zenml.integrations.aws.image_builders import AWSImageBuilder

    now = datetime.now(UTC)
    component = AWSImageBuilder(
        name="builder",
        id=uuid4(),
        config=AWSImageBuilderConfig(code_build_project="project", build_image="ours@sha256:0"),
        flavor="aws",
        type=StackComponentType.IMAGE_BUILDER,
        user=None,
        created=now,
        updated=now,
    )
    codebuild = _CodeBuild()
    component._code_build_client = codebuild
    component._upload_build_context = lambda **_: "s3://bucket/context.zip"
    name = component.build(
        image,
        build_context=None,
        docker_build_options=DockerBuildOptions(**options),
        container_registry=SimpleNamespace(flavor="aws", config=SimpleNamespace(uri=registry), credentials=None),
    )
    return codebuild.started, name


def _tools(place: Path) -> Path:
    """What the build image has on its PATH: its own script, and the commands of AWS's that the buildspec calls."""
    place.mkdir()
    shutil.copy(builder.FOLDER / "docker", place / "docker")
    text = (build_tools.folder() / "aws").read_text()
    (place / "aws").write_text(text.replace("#!/usr/bin/env python3", f"#!{sys.executable}", 1))
    for tool in place.iterdir():
        tool.chmod(0o755)
    return place


def test_zenmls_own_buildspec_logs_in_builds_tags_and_pushes_with_it(
    stack: Stack, base: str, project: Path, tmp_path: Path
) -> None:
    (project / "Dockerfile").write_text(
        f"FROM {base}\nARG GREETING\nWORKDIR /app\nRUN echo $GREETING > /app/made\nCOPY . /app/\nUSER 1000\n"
    )
    image = f"{stack.target.image}:pipeline-orchestrator"
    options = {"pull": True, "rm": False, "build_args": {"GREETING": "hello"}, "labels": {"team": "ml"}}
    started, built = _zenml_builds(image, stack.target.registry, options)
    assert started["imageOverride"] == "ours@sha256:0"
    assert started["privilegedModeOverride"] is False
    assert "imagePullCredentialsTypeOverride" not in started, "the project's counts: components/image_builder.py"
    phases = yaml.safe_load(started["buildspecOverride"])["phases"]
    assert set(phases) == set(_PHASES)
    commands = [command for phase in _PHASES for command in phases[phase]["commands"]]
    done = subprocess.run(
        ["bash", "-ec", "\n".join(commands)],
        cwd=project,
        env={
            **stack.environment,
            "PATH": f"{_tools(tmp_path / 'tools')}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert built.startswith(f"{stack.target.image}:")
    digest = stack.digest(built.rpartition(":")[2])
    assert stack.digest("pipeline-orchestrator") == digest, "two names of one image"
    files = stack.files(digest)
    assert files["app/made"] == b"hello\n"
    assert files["app/train.py"] == b"print('hello')\n"
    assert "app/noise.log" not in files
    configuration = stack.configuration(digest)["config"]
    assert configuration["User"] == "1000"
    assert configuration["Labels"]["team"] == "ml"
    assert stack.manifest(digest)["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def debian(stack: Stack, base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Stands in for Debian: a shell, and an apt-get that installs nothing, as there is no mirror here."""
    root = tmp_path_factory.mktemp("debian")
    (root / "Dockerfile").write_text(
        f"FROM {base}\nRUN mkdir -p /etc/apt/sources.list.d /usr/bin"
        " && printf '#!/bin/sh\\necho apt-get \"$@\"\\n' > /bin/apt-get && chmod 755 /bin/apt-get\n"
    )
    return str(stack.built(root)["image"])


def _publish(stack: Stack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mlstack", "image", "builder", "publish", "--outputs", str(stack.outputs)]
    return subprocess.run(
        [*command, *arguments], env=stack.environment, capture_output=True, text=True, check=False, timeout=180
    )


def test_it_is_published_by_digest_once_and_the_setting_is_said(stack: Stack, debian: str) -> None:
    done = _publish(stack, "--base", debian, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["built"]
    assert result["tag"].startswith("mlstack-builder-")
    assert result["image"] == f"{stack.target.image}@{stack.digest(result['tag'])}"
    assert result["setting"] == {"mlstack:imageBuilderConfig.build_image": result["image"]}
    assert result["commands"][0] == (
        f"pulumi config set --path mlstack:imageBuilderConfig.build_image {result['image']} "
        f"--stack {stack.target.environment}"
    )
    assert not result["used"]
    files = stack.files(result["digest"])
    assert files["usr/local/bin/docker"] == (builder.FOLDER / "docker").read_bytes()
    assert b"snapshot.debian.org/archive/debian/" in files["etc/apt/sources.list"]
    environment = stack.configuration(result["digest"])["config"]["Env"]
    assert {"BUILDAH_ISOLATION=chroot", "STORAGE_DRIVER=vfs"} <= set(environment)
    again = _publish(stack, "--base", debian)
    assert again.returncode == 0, again.stderr
    assert "nothing to build" in again.stderr
    assert result["commands"][0] in again.stdout.splitlines()
    assert "DockerSettings" not in again.stdout


def test_a_published_image_that_is_used_already_needs_no_setting(stack: Stack, debian: str, tmp_path: Path) -> None:
    image = json.loads(_publish(stack, "--base", debian, "--json").stdout)["image"]
    outputs = json.loads(stack.outputs.read_text())
    contract = json.loads(outputs["mlstack"])
    contract["components"]["image_builder"]["configuration"]["build_image"] = image
    (tmp_path / "outputs.json").write_text(json.dumps({"mlstack": json.dumps(contract)}))
    done = _publish(stack, "--base", debian, "--outputs", str(tmp_path / "outputs.json"))
    assert done.returncode == 0, done.stderr
    assert "uses it already" in done.stdout
    assert "pulumi config" not in done.stdout
