"""`make demo` as a newcomer runs it, in a copy of the project: once, again, interrupted, and away."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mlstack.local.engine import Engine
from tests.end_to_end.conftest import ROOT

pytestmark = pytest.mark.engine


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
    yield copy
    _run(copy, "demo", "--down")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mlstack", *arguments]


def _environment(project: Path) -> dict[str, str]:
    """A home of its own, to see that nothing is put there; the engine is where it was found."""
    home = project.parent / "home"
    home.mkdir(exist_ok=True)
    cache = os.environ.get("MLSTACK_CACHE_DIR") or str(Path.home() / ".cache" / "mlstack")
    return {**os.environ, "HOME": str(home), "MLSTACK_CACHE_DIR": cache, "PYTHONPATH": str(project)}


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


def test_interrupted_while_it_deploys_it_says_that_it_goes_on_from_there(project: Path) -> None:
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
    process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "goes on from here" in said
    assert "Traceback" not in said


def test_it_ends_with_a_trained_model_and_where_to_look(project: Path) -> None:
    done = _run(project, "demo")
    assert done.returncode == 0, done.stderr[-3000:]
    for stage in ("embedded cloud", "pulumi up", "mlstack register", "training pipeline"):
        assert f"✓ {stage}" in done.stderr
    accuracy = re.search(r"accuracy +(0\.\d+)", done.stdout)
    assert accuracy is not None
    assert float(accuracy[1]) > 0.9
    for shown in ("bucket ", "repository ", "role ", "pipeline ", "ZenML stack", "make demo-down", "http://127.0.0.1:"):
        assert shown in done.stdout
    assert "\x1b[" not in done.stdout + done.stderr, "colours are for terminals"


def test_a_second_one_changes_nothing_and_says_so(project: Path) -> None:
    done = _run(project, "demo")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "nothing changed" in done.stdout
    assert "training pipeline" not in done.stderr
    assert "unchanged, 33 resources" in done.stderr
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


def test_no_secret_of_it_can_be_read_by_others_or_lies_in_a_home(project: Path) -> None:
    state = project / ".mlstack"
    assert state.stat().st_mode & 0o077 == 0
    assert not [path for path in (project.parent / "home").rglob("*zenml*") if path.is_file()]
    key = next(path for path in state.rglob("*") if path.is_file() and path.read_bytes().startswith(b"ZENKEY_"))
    secret = key.read_text().strip()
    assert key.stat().st_mode & 0o077 == 0
    for log in (state / "logs").rglob("*"):
        if log.is_file():
            assert secret not in log.read_text(errors="replace"), f"the API key stands in {log.name}"
    for process in psutil.process_iter(["cmdline"]):
        assert secret not in " ".join(process.info["cmdline"] or ()), "the API key stands on a command line"


def test_taken_down_nothing_of_it_is_left(project: Path) -> None:
    done = _run(project, "demo", "--down")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "33 deleted" in done.stderr
    assert "9 removed" in done.stderr
    assert "nothing is left in the emulator" in done.stdout
    time.sleep(0.2)
    mine = [p.pid for p in psutil.process_iter(["cmdline"]) if str(project) in " ".join(p.info["cmdline"] or ())]
    assert mine == [], "a process of the demo still runs"


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
