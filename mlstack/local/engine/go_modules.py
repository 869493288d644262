"""The engine built from its Go modules, for networks that reach package registries only.

Two modules, because the Python language host can be had only at an older version of the SDK than the engine.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections import deque
from importlib.resources import files
from pathlib import Path

from mlstack.local.engine import Engine, EngineError, Progress, cache
from mlstack.local.engine.installed import HOST, as_numbers

_MINIMUM_GO = "1.25.11"  # go/cli/go.mod
_DISK = 4_000_000_000
"""Bytes: modules, build cache and result together are about 2.5 GB."""

_CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_HOST = "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PACKAGES = {"cli": 1686, "host": 534}
"""How many Go packages each consists of, by `go list -deps`."""


def build(progress: Progress) -> Engine:
    """About four minutes of two cores the first time. Raises EngineError without Go, without space or when it fails."""
    go = shutil.which("go")
    if go is None:
        raise EngineError("there is no `go` to build it with")
    _check_version(go)
    _check_space()
    progress(f"building Pulumi {cache.GO_VERSION} from its Go modules: about four minutes, once")
    with cache.unfinished() as work:
        modules = work / "go"
        for module in ("cli", "host"):
            (modules / module).mkdir(parents=True)
            for file in files("mlstack.local.engine").joinpath("go", module).iterdir():
                (modules / module / file.name).write_bytes(file.read_bytes())
        result = work / "bin"
        result.mkdir()
        _compile(go, modules / "cli", _CLI, result / "pulumi", cache.GO_VERSION, progress)
        _compile(go, modules / "host", _HOST, result / HOST, "3.79.0", progress)
        sdk = Path(_ask(go, modules / "cli", "list", "-m", "-f", "{{.Dir}}", _SDK)) / "python"
        for script in (sdk / "cmd" / f"{HOST}-exec", sdk / "dist" / "pulumi-resource-pulumi-python"):
            copied = result / script.name
            shutil.copyfile(script, copied)
            copied.chmod(0o755)
        return cache.publish(result, cache.GO_VERSION, "go")


def _check_version(go: str) -> None:
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.fullmatch(r"go(\d+\.\d+(?:\.\d+)?).*", said)
    if found is None or as_numbers(found[1]) < as_numbers(_MINIMUM_GO):
        raise EngineError(f"{go} is {said or 'of an unknown version'}, older than {_MINIMUM_GO}")


def _check_space() -> None:
    free = shutil.disk_usage(cache.directory()).free
    if free < _DISK:
        raise EngineError(f"{free / 1e9:.1f} GB are free in {cache.directory()}, building needs {_DISK / 1e9:.0f}")


def _compile(go: str, module: Path, package: str, output: Path, version: str, progress: Progress) -> None:
    flags = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}"
    command = [go, "build", "-v", "-trimpath", "-ldflags", flags, "-o", str(output), package]
    compiled, last_words, told = 0, deque[str](maxlen=15), 0.0
    process = subprocess.Popen(
        command,
        cwd=module,
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # so that go's own children end with it
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.startswith("go: downloading"):
                text = line.strip().removeprefix("go: ")
            else:
                compiled += 1
                last_words.append(line.rstrip())
                text = f"compiling {output.name}: {compiled} of up to {_PACKAGES[module.name]} packages"
            if time.monotonic() - told > 2:
                progress(text)
                told = time.monotonic()
        if process.wait():
            raise EngineError(f"building {output.name} failed:\n" + "\n".join(last_words))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _ask(go: str, module: Path, *arguments: str) -> str:
    done = subprocess.run([go, *arguments], cwd=module, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineError(f"go {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def _environment() -> dict[str, str]:
    """The user's, with their proxy; but what is built is what go.mod says, by the Go that is here."""
    return {**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
