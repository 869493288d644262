"""What the pull request of a fork is previewed with: no account, no credential, no state."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlstack.local.engine import Engine

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
ACCOUNT = "210987654321"


def test_every_resource_is_shown_under_the_environments_own_account_and_nothing_is_left(
    engine: Engine, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    shutil.copy(ROOT / "__main__.py", clone)
    # What all environments share names the identity of ZenML's server, here in the same account.
    shared = (ROOT / "Pulumi.yaml").read_text(encoding="utf-8").replace("123456789012", ACCOUNT)
    (clone / "Pulumi.yaml").write_text(shared, encoding="utf-8")
    for name in ("components", "mlstack", "tools"):
        shutil.copytree(ROOT / name, clone / name)
    (clone / ".venv").symlink_to(sys.prefix)
    # As of an environment whose secrets a key of AWS encrypts: nobody can ask for it here.
    settings = (ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8").replace("123456789012", ACCOUNT)
    settings = f"secretsprovider: awskms://alias/state?region=eu-west-1\nencryptedkey: AAAA\n{settings}"
    (clone / "Pulumi.dev.yaml").write_text(settings, encoding="utf-8")

    done = subprocess.run(
        ["tools/structural-preview", "dev", tmp_path / "preview"],
        cwd=clone,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))},
            "PATH": f"{engine.bin}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    text = (tmp_path / "preview" / "digest.json").read_text(encoding="utf-8")
    steps = json.loads(text)["steps"]
    assert {step["op"] for step in steps} == {"create"}
    assert len(steps) > 20
    assert ACCOUNT in text
    assert "123456789012" not in text
    for file in (tmp_path / "preview").iterdir():
        said = file.read_text(encoding="utf-8")
        assert str(clone) not in said, "where it ran is nobody's business"
    assert (tmp_path / "preview" / "events.ndjson").stat().st_size > 10_000
    assert (clone / "Pulumi.dev.yaml").read_text(encoding="utf-8") == settings
    assert not list((clone / ".mlstack").rglob("cloud.json")), "the cloud is stopped"


def test_an_account_that_is_none_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlstack", "local", "start", "--account-id", "12345"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--account-id is '12345'" in done.stderr
    assert not (tmp_path / ".mlstack").exists()
