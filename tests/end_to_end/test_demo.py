"""`make demo` as a newcomer runs it, in a copy of the project: once, again, interrupted, and away.

The shell and the home that it runs in hold secrets, planted, which none of it may touch.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from mlstack.local.cloud import Cloud
from mlstack.local.engine import Engine
from tests import planted
from tests.end_to_end.conftest import ROOT
from tests.images.packages import install
from tests.registration.conftest import Server

pytestmark = pytest.mark.engine

EXAMPLE = Path("examples/digits")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Path]:
    """What git would clone, and this environment's packages."""
    copy = tmp_path_factory.mktemp("clone")
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(sys.prefix)
    install()
    # Its own is built upon an image from the internet.
    (copy / EXAMPLE / "Dockerfile").write_text("FROM scratch\nCOPY . /app/\n")
    yield copy
    _run(copy, "demo", "--down")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mlstack", *arguments]


def _environment(project: Path) -> dict[str, str]:
    """A home and a temporary directory of its own, to see what is put there; the engine is where it was found."""
    home, temporary = project.parent / "home", project.parent / "temporary"
    if not home.is_dir():
        home.mkdir()
        planted.plant(home)
    temporary.mkdir(exist_ok=True)
    return {
        **os.environ,
        **planted.ENVIRONMENT,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "MLSTACK_CACHE_DIR": os.environ.get("MLSTACK_CACHE_DIR") or str(Path.home() / ".cache" / "mlstack"),
        "PYTHONPATH": str(project),
    }


@dataclass
class Seen:
    """What could be read while the demo ran."""

    printed: list[str] = field(default_factory=list)
    command_lines: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    with planted.watched_command_lines() as lines:
        yield Seen(command_lines=lines)


def _servers(project: Path) -> list[psutil.Process]:
    return [each for each in psutil.process_iter(["cmdline"]) if str(project) in " ".join(each.info["cmdline"] or ())]


def _resources(project: Path) -> int:
    """How many the engine holds, components and the stack itself counted."""
    state = project / ".mlstack" / "pulumi" / ".pulumi" / "stacks" / "mlstack" / "local.json"
    resources = json.loads(state.read_text())["checkpoint"]["latest"]["resources"]
    return sum(not each["type"].startswith("pulumi:providers:") for each in resources)


def _run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments),
        cwd=project,
        env=_environment(project),
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


def test_interrupted_while_it_deploys_it_says_that_it_goes_on_from_there(project: Path, seen: Seen) -> None:
    # A runner in the background passes on that Ctrl-C is ignored; people have terminals.
    process = subprocess.Popen(
        ["env", "--default-signal=INT", *_command("demo")],
        cwd=project,
        env=_environment(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "pulumi up: create" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    said = process.stderr.read()
    seen.printed += [said, process.communicate(timeout=60)[0]]
    assert process.returncode == 130, said
    assert "goes on from here" in said
    assert "Traceback" not in said


def test_it_ends_with_a_trained_model_and_where_to_look(project: Path, seen: Seen) -> None:
    done = _run(project, "demo")
    seen.printed += [done.stdout, done.stderr]
    assert done.returncode == 0, done.stderr[-3000:]
    for stage in ("embedded cloud", "pulumi up", "mlstack register", "image", "training pipeline"):
        assert f"✓ {stage}" in done.stderr
    accuracy = re.search(r"accuracy +(0\.\d+)", done.stdout)
    assert accuracy is not None
    assert float(accuracy[1]) > 0.9
    for shown in ("bucket ", "repository ", "role ", "pipeline ", "ZenML stack", "make demo-down", "http://127.0.0.1:"):
        assert shown in done.stdout
    assert "\x1b[" not in done.stdout + done.stderr, "colours are for terminals"


def test_the_run_uses_exactly_the_image_that_was_built_for_it(project: Path, seen: Seen) -> None:
    line = re.search(r"✓ image +\d+\.\d s   built, (sha256:[0-9a-f]{64}), \d+\.\d kB\n", "".join(seen.printed))
    assert line is not None, "digest, size and seconds are one line"
    cloud = Cloud(project / ".mlstack")
    (found,) = cloud.aws_client("ecr").describe_images(repositoryName="mlstack-local")["imageDetails"]
    assert found["imageDigest"] == line[1]
    image = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/mlstack-local@{line[1]}"
    assert f"  image                 {image}\n" in "".join(seen.printed)

    run = json.loads((project / ".mlstack" / "demo.json").read_text())["result"]["run"]
    held = Server.of(cloud).call("GET", f"runs/{run}?hydrate=true")
    docker = held["metadata"]["config"]["settings"]["docker"]
    assert (docker["parent_image"], docker["skip_build"]) == (image, True)
    sagemaker = cloud.aws_client("sagemaker")
    jobs = [each["TrainingJobName"] for each in sagemaker.list_training_jobs()["TrainingJobSummaries"]]
    described = [sagemaker.describe_training_job(TrainingJobName=name) for name in jobs]
    assert [job["AlgorithmSpecification"]["TrainingImage"] for job in described] == [image] * 3


def test_a_second_one_changes_nothing_and_says_so(project: Path, seen: Seen) -> None:
    """Not even when the image could not be built today, which is one line."""
    shutil.copy(ROOT / EXAMPLE / "Dockerfile", project / EXAMPLE / "Dockerfile")
    done = _run(project, "demo", "--base", "127.0.0.1:9/python:3.11")
    assert re.search(
        r"^- image +\d+\.\d s   not built, the steps run without it: the registry 127\.0\.0\.1:9 could not be asked "
        r"for 127\.0\.0\.1:9/python:3\.11: .+ \(--base takes one that can be reached from here\)$",
        done.stderr,
        re.MULTILINE,
    )
    seen.printed += [done.stdout, done.stderr]
    assert done.returncode == 0, done.stderr[-3000:]
    assert "nothing changed" in done.stdout
    assert "training pipeline" not in done.stderr
    assert f"unchanged, {_resources(project)} resources" in done.stderr
    assert "unchanged, 9 objects" in done.stderr


def test_its_environment_lets_pulumi_be_used_by_hand(project: Path) -> None:
    exports = _run(project, "local", "env").stdout
    script = f"{exports}\npulumi preview --stack local --expect-no-changes --non-interactive"
    done = subprocess.run(
        ["bash", "-c", script], cwd=project, env=_environment(project), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_what_runs_and_exists_can_be_asked_for(project: Path) -> None:
    status = json.loads(_run(project, "local", "status", "--json").stdout)
    assert status["running"]
    kinds = {resource["kind"] for resource in status["resources"]}
    assert {"bucket", "repository", "role", "key", "project", "pipeline"} <= kinds


def test_no_planted_secret_is_anywhere(project: Path, seen: Seen) -> None:
    """State, outputs, logs, database, ZenML's directories, what was printed, command lines, servers' environments."""
    home = project.parent / "home"
    assert planted.found_below(project, planted.SECRETS).keys() == {"tests/planted.py"}, "where they are made up"
    assert planted.found_below(project.parent / "temporary", planted.SECRETS) == {}
    assert planted.found_below(home, planted.SECRETS).keys() == planted.HOME.keys(), "the planted files themselves"
    assert planted.found_in("\n".join([*seen.printed, *seen.command_lines]).encode(), planted.SECRETS) == []
    for process in _servers(project):
        held = "\n".join(planted.environment_of(process).values())
        assert planted.found_in(held.encode(), planted.SECRETS) == [], f"in the environment of {process.cmdline()}"


def test_each_secret_of_its_own_is_in_one_file_that_only_its_user_can_read(project: Path, seen: Seen) -> None:
    state = project / ".mlstack"
    assert state.stat().st_mode & 0o077 == 0
    for name in ("zenml/api-key", "zenml/jwt-key", "zenml/admin-password", "aws/zenml-server.credentials"):
        kept = state / name
        secret = kept.read_text().split()[-1]
        assert kept.stat().st_mode & 0o077 == 0
        assert planted.found_below(project, [secret]).keys() == {f".mlstack/{name}"}
        assert planted.found_below(project.parent / "temporary", [secret]) == {}
        assert planted.found_below(project.parent / "home", [secret]) == {}
        assert planted.found_in("\n".join(seen.command_lines).encode(), [secret]) == [], f"{name} on a command line"
        shown = "admin-password" in name  # the demo ends with where to look, and how to log in there
        assert bool(planted.found_in("\n".join(seen.printed).encode(), [secret])) is shown


def test_a_users_home_is_as_it_was(project: Path) -> None:
    home = project.parent / "home"
    assert {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()} == planted.HOME.keys()


def test_taken_down_nothing_of_it_is_left(project: Path) -> None:
    deployed = _resources(project)
    done = _run(project, "demo", "--down")
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"{deployed} deleted" in done.stderr
    assert "9 removed" in done.stderr
    assert "nothing is left in the emulator" in done.stdout
    time.sleep(0.2)
    assert _servers(project) == [], "a process of the demo still runs"

    again = _run(project, "demo", "--down")
    assert again.returncode == 0, again.stderr[-3000:]
    assert _servers(project) == [], "a process of the demo runs again"


def test_a_wrong_setting_is_refused_before_anything_is_started(project: Path) -> None:
    settings = project / "Pulumi.local.yaml"
    right = settings.read_text(encoding="utf-8")
    settings.write_text(right.replace("config:", "config:\n  mlstack:orchestrator: sagemakr"), encoding="utf-8")
    done = _run(project, "demo")
    settings.write_text(right, encoding="utf-8")
    assert done.returncode == 2
    assert "mlstack:orchestrator is 'sagemakr': use sagemaker or local" in done.stderr
    assert "✓" not in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_a_project_it_says_where_to_run_it(tmp_path: Path) -> None:
    done = subprocess.run(_command("demo"), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there is no Pulumi.yaml" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
