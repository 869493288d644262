"""What the engine makes of Pulumi.yaml and an environment's file is what `mlstack check` reads in them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.pulumi_files import written_in
from mlstack.local.engine import Engine

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
SHARED = """\
  mlstack:tags:
    value: {team: ml, cost: "7"}
  mlstack:instanceType: ml.m5.large
  mlstack:protect:
    value: true
  aws:defaultTags:
    value: {tags: {owner: ml}}
  mlstack:encryption: {type: object, default: {mode: aws-managed}}
  plain: 5
"""
OWN = """\
# yaml-language-server: $schema=components/settings.schema.json
config:
  aws:allowedAccountIds:
    - "123456789012"
  # Ours alone.
  mlstack:tags: {stage: trial}
"""


def test_the_engine_hands_over_what_the_files_say_and_replaces_whole_values(engine: Engine, tmp_path: Path) -> None:
    project = "name: mlstack\nruntime: {name: python, options: {toolchain: pip}}\nconfig:\n"
    (tmp_path / "Pulumi.yaml").write_text(project + SHARED, encoding="utf-8")
    (tmp_path / "Pulumi.trial.yaml").write_text(OWN, encoding="utf-8")
    (tmp_path / "__main__.py").write_text(
        "import json\nfrom pathlib import Path\nfrom pulumi.runtime.config import CONFIG, get_config_env\n"
        "Path('handed-over.json').write_text(json.dumps({**get_config_env(), **CONFIG.get()}))\n",
        encoding="utf-8",
    )
    expected = written_in(tmp_path / "Pulumi.trial.yaml").as_handed_over
    _pulumi(engine, tmp_path, "stack", "init", "trial")
    # A comment, the modeline among them, outlives what the engine writes.
    assert (tmp_path / "Pulumi.trial.yaml").read_text(encoding="utf-8").startswith(OWN)
    _pulumi(engine, tmp_path, "preview", "--stack", "trial")
    handed_over = json.loads((tmp_path / "handed-over.json").read_text(encoding="utf-8"))
    assert _meaning(handed_over) == _meaning(expected)
    assert handed_over["mlstack:tags"] == '{"stage":"trial"}', "nothing is merged"


@pytest.fixture
def program(engine: Engine, tmp_path: Path) -> Path:
    for name in ("Pulumi.yaml", "__main__.py", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("components", "mlstack"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    _pulumi(engine, tmp_path, "stack", "init", "dev")
    return tmp_path


def test_pulumi_up_alone_refuses_two_environments_that_would_own_the_same(engine: Engine, program: Path) -> None:
    shutil.copy(ROOT / "Pulumi.dev.yaml", program / "Pulumi.dev-logs.yaml")
    said = _refused(engine, program)
    assert "dev and dev-logs (Pulumi.dev-logs.yaml) would both own bucket mlstack-dev-logs-" in said


def test_pulumi_up_alone_refuses_an_encrypted_setting_of_ours(engine: Engine, program: Path) -> None:
    _pulumi(engine, program, "config", "set", "--stack", "dev", "--secret", "aws:token", "hidden")
    _pulumi(engine, program, "config", "set", "--stack", "dev", "--secret", "mlstack:instanceType", "ml.m5.large")
    said = _refused(engine, program)
    assert "1 setting is wrong" in said
    assert "mlstack:instanceType is encrypted" in said


def _refused(engine: Engine, program: Path) -> str:
    done = _pulumi(engine, program, "preview", "--stack", "dev", "--json", check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert "aws:" not in str([step["urn"] for step in json.loads(done.stdout).get("steps", [])]), "nothing was declared"
    return done.stdout


def _meaning(config: dict[str, str]) -> dict[str, Any]:
    """Structures come as JSON, which may be spaced otherwise."""
    return {key: json.loads(text) if text[:1] in ("{", "[") else text for key, text in config.items()}


def _pulumi(engine: Engine, project: Path, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    state = project / "state"
    state.mkdir(exist_ok=True)
    return subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=project,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))},
            "PATH": os.pathsep.join([str(engine.bin), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "VIRTUAL_ENV": sys.prefix,
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_HOME": str(project / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        },
        capture_output=True,
        text=True,
        check=check,
        timeout=120,
    )
