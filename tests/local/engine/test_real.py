"""The engine that was found really runs a Python program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlstack.local.engine import Engine

pytestmark = pytest.mark.engine


def _pulumi(engine: Engine, directory: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "PATH": f"{engine.bin}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VIRTUAL_ENV": sys.prefix,
        "PULUMI_BACKEND_URL": f"file://{directory}",
        "PULUMI_HOME": str(directory / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    done = subprocess.run(
        ["pulumi", *arguments], cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_of_the_version_that_it_was_taken_for(engine: Engine, tmp_path: Path) -> None:
    assert _pulumi(engine, tmp_path, "version").strip().lstrip("v") == engine.version


def test_it_runs_a_python_program(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: probe\nruntime:\n  name: python\n", encoding="utf-8")
    (tmp_path / "__main__.py").write_text("import pulumi\npulumi.export('answer', 42)\n", encoding="utf-8")
    _pulumi(engine, tmp_path, "stack", "init", "dev")
    assert "answer: 42" in _pulumi(engine, tmp_path, "preview", "--non-interactive")
