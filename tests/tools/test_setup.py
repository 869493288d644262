"""What `tools/setup` says on machines that lack something. That it fills .venv is proven by every run of the tests."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
USED = ("sh", "awk", "cat", "cmp", "cp", "dirname", "env", "rm")


def _machine(folder: Path, **programs: str) -> Path:
    """A clone, and a PATH with the shell's tools and `programs`: name to script. No network is asked for."""
    clone = folder / "clone"
    (clone / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "setup", clone / "tools")
    shutil.copy(ROOT / "requirements.txt", clone)
    (folder / "bin").mkdir()
    for name in USED:
        found = shutil.which(name)
        assert found, name
        (folder / "bin" / name).symlink_to(found)
    for name, script in programs.items():
        program = folder / "bin" / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    return clone


def _setup(clone: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = str(clone.parent / "bin")
    return subprocess.run(
        ["sh", "tools/setup"],
        cwd=clone,
        env={"PATH": path, "HOME": str(clone.parent), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_python_is_one_message_with_the_way_out(tmp_path: Path) -> None:
    ended = _setup(_machine(tmp_path))

    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "no Python 3.11 or 3.12 found: install one (Debian: apt-get install python3 python3-venv) "
        "or name it: make PYTHON=/path/to/python3"
    ]


def test_a_python_that_was_named_and_does_not_fit_is_not_replaced_in_silence(tmp_path: Path) -> None:
    ended = _setup(_machine(tmp_path, newer="exit 1", python3="exit 0"), PYTHON="newer")

    assert ended.returncode == 1
    assert "no Python 3.11 or 3.12 found" in ended.stderr


def test_a_python_without_venv_names_the_package_that_it_is_in(tmp_path: Path) -> None:
    clone = _machine(tmp_path, python3='[ "$1" = -c ]')

    ended = _setup(clone)

    assert ended.returncode == 1
    assert "apt-get install python3-venv" in ended.stderr
    assert not (clone / ".venv").exists()


def test_where_python_is_too_new_uv_is_asked_for_one_and_a_closed_network_is_said(tmp_path: Path) -> None:
    clone = _machine(
        tmp_path,
        python3='case "$1" in -c) exit 1;; esac; mkdir=/bin/mkdir; $mkdir -p .venv/bin',
        uv='echo "$*" >> asked; echo "dns error" >&2; exit 2',
    )

    ended = _setup(clone)

    assert (clone / "asked").read_text() == "python install 3.12\n"
    assert ended.returncode == 1
    assert "dns error" in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("no Python 3.12 to be had: install 3.11 or 3.12 and name it")
    assert not (clone / ".venv").exists()


def test_an_unchanged_lock_installs_nothing(tmp_path: Path) -> None:
    clone = _machine(tmp_path)
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "mlstack").touch(mode=0o755)
    shutil.copy(clone / "requirements.txt", clone / ".venv" / ".lock")

    ended = _setup(clone)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_changed_lock_is_installed_and_remembered_only_when_that_went_well(tmp_path: Path) -> None:
    clone = _machine(tmp_path, uv='echo "$*" >> asked; [ "$2" = sync ]')
    (clone / ".venv" / "bin").mkdir(parents=True)
    for name in ("mlstack", "pip"):
        (clone / ".venv" / "bin" / name).touch(mode=0o755)
    (clone / ".venv" / ".lock").write_text("older")

    ended = _setup(clone)

    assert ended.returncode != 0
    assert "--require-hashes" in (clone / "asked").read_text()
    assert (clone / ".venv" / ".lock").read_text() == "older"
