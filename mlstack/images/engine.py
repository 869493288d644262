"""Builds an image on this machine, with docker, podman or buildah: same context, same tags, same repository."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlstack.errors import UsageError
from mlstack.images.archive import Packed, unpack
from mlstack.images.aws import Clients, said_clearly
from mlstack.images.buildspec import NOTHING_IGNORED
from mlstack.images.causes import BuildError, build_failed
from mlstack.images.target import PLATFORM, Target

ENGINES = ("docker", "podman", "buildah")
_TIME = "946684800"
"""Of all that podman and buildah put into layers: equal contexts make equal layers. Docker has no such switch."""
_KEPT = 400


def found_engine() -> str | None:
    """The first that is here and, where it needs a daemon, has one."""
    return next((name for name in ENGINES if shutil.which(name) and _answers(name)), None)


def check_engine(name: str) -> None:
    """Raises UsageError when it is not here, or does not work."""
    if not shutil.which(name):
        raise UsageError(f"--engine {name}: there is no {name} here", hint="install it, or take --engine codebuild")
    if not _answers(name):
        raise UsageError(
            f"--engine {name}: `{name} version` fails: its daemon does not run, or is not yours to use",
            hint="start it, or take --engine codebuild, which needs none",
        )


def _answers(name: str) -> bool:
    # Without a daemon `docker version` prints the client's and fails.
    try:
        done = subprocess.run([name, "version"], capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class LocalEngine:
    def __init__(self, name: str, clients: Clients, target: Target) -> None:
        self._name, self._clients, self._target = name, clients, target

    def run(
        self,
        packed: Packed,
        *,
        content_tag: str,
        tag: str,
        exists: bool,
        on_phase: Callable[[str], None],
        on_line: Callable[[str], None],
    ) -> None:
        """Build and push, or with `exists` only tag what is in the repository. Raises BuildError.

        Nothing is left in the engine's own store but its cache, nor on disk.
        """
        if not exists:
            self._make(packed, f"{self._target.image}:{content_tag}", on_phase, on_line)
        if tag != content_tag:
            on_phase("tag")
            give_tag(self._clients, self._target, content_tag, tag)

    def _make(
        self, packed: Packed, image: str, on_phase: Callable[[str], None], on_line: Callable[[str], None]
    ) -> None:
        with tempfile.TemporaryDirectory(prefix="mlstack-image-") as directory:
            place = Path(directory)
            environment = {**os.environ, **self._logged_in(place)}
            on_phase("context")
            context = place / "context"
            context.mkdir()
            unpack(packed.context, context)
            (place / "Dockerfile").write_bytes(packed.dockerfile)
            (place / "Dockerfile.dockerignore").write_text(f"{NOTHING_IGNORED}\n", encoding="utf-8")
            on_phase("build")
            for base in self._target.cache.asked_first(packed.dockerfile):
                self._ask_first(base, environment, on_line)
            self._step([self._name, *self._build(place, image)], environment, on_line)
            on_phase("push")
            self._step([self._name, "push", image], environment, on_line)

    def _ask_first(self, base: str, environment: Mapping[str, str], on_line: Callable[[str], None]) -> None:
        """As the buildspec does it, and why."""
        try:
            self._step([self._name, "pull", "--quiet", "--platform", PLATFORM, base], environment, on_line)
        except BuildError:
            on_line(f"{base} cannot be pulled by its tag; what is cached has to do")

    def _build(self, place: Path, image: str) -> list[str]:
        common = ["--platform", PLATFORM, "--file", str(place / "Dockerfile"), "--tag", image]
        own = []
        if self._name != "docker":
            own = ["--format", "docker", "--timestamp", _TIME]
            own += ["--ignorefile", str(place / "Dockerfile.dockerignore")]
        return ["build", *common, *own, str(place / "context")]

    def _logged_in(self, place: Path) -> dict[str, str]:
        """Variables with which the engine may push: ECR's password is in a file that goes with `place`."""
        with said_clearly():
            token = self._clients.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        auth = {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
        own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
        configuration = place / "engine"
        configuration.mkdir(mode=0o700)
        file = configuration / "config.json"
        written = _read(own / "config.json")
        written["auths"] = {**written.get("auths", {}), self._target.registry: auth}
        # An empty helper: for this registry neither a keychain nor another helper is asked.
        written["credHelpers"] = {**written.get("credHelpers", {}), self._target.registry: ""}
        if self._name != "docker":
            del written["credHelpers"][self._target.registry]
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(written, stream)
        if self._name != "docker":
            return {"REGISTRY_AUTH_FILE": str(file)}
        # Its contexts and plugins are found beside the file with the passwords.
        for item in own.iterdir() if own.is_dir() else ():
            if item.name != "config.json":
                (configuration / item.name).symlink_to(item.absolute())
        return {
            "DOCKER_CONFIG": str(configuration),
            "DOCKER_BUILDKIT": "1",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        }

    def _step(self, command: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str], None]) -> None:
        lines: list[str] = []
        with _running(command, environment) as process:
            assert process.stdout is not None
            for line in process.stdout:
                lines = [*lines[-_KEPT:], line.rstrip()]
                on_line(lines[-1])
            code = process.wait()
        if code:
            raise build_failed(f"exit code {code}", [], lines, build=f"{self._name} {command[1]}")


def give_tag(clients: Clients, target: Target, has: str, tag: str) -> None:
    """One more tag for the image that has the tag `has`: the manifest itself, so that both are one image."""
    with said_clearly():
        found = clients.ecr.batch_get_image(
            registryId=target.account_id, repositoryName=target.repository, imageIds=[{"imageTag": has}]
        )["images"][0]
        media_type = found.get("imageManifestMediaType")
        clients.ecr.put_image(
            registryId=target.account_id,
            repositoryName=target.repository,
            imageManifest=found["imageManifest"],
            imageTag=tag,
            **({"imageManifestMediaType": media_type} if media_type else {}),
        )


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process with its output as lines; ended, when the body ends before it does."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
