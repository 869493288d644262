"""The README's commands are the ones that exist, and the ones CI runs."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_make_target_it_names_exists() -> None:
    named = set(re.findall(r"`?make ([a-z-]+)", README)) - {"python"}
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert named <= targets, f"the README names {named - targets}"


def test_ci_runs_what_it_tells_people_to_run() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^make test$", README, re.MULTILINE)
    assert ci.rstrip().endswith("make test"), "the test runner's own summary comes last"


def test_every_mlstack_command_it_names_exists() -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "mlstack", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for command in set(re.findall(r"mlstack (check|register|deregister|demo|local|[a-z]+(?= --))\b", README)):
        assert re.search(rf"^\s*\W?\s*{command}\b", help_text, re.MULTILINE), f"there is no `mlstack {command}`"


def test_the_demo_it_shows_is_the_demo_of_the_makefile() -> None:
    shown = README.split("<!-- demo:begin -->")[1].split("<!-- demo:end -->")[0]
    assert "make demo" in shown
    for stage in ("embedded cloud", "pulumi up", "mlstack register", "training pipeline"):
        assert stage in shown, f"the README does not show the stage {stage}"
        assert f'"{stage}"' in (ROOT / "mlstack" / "local" / "demo.py").read_text(encoding="utf-8")


def test_every_file_it_points_to_exists() -> None:
    for path in re.findall(r"`((?:components|mlstack|tests|docs|examples)/[\w./]+)`|\]\(([\w./]+)\)", README):
        name = next(part for part in path if part)
        assert (ROOT / name).exists(), f"the README points to {name}"


def test_the_repository_names_no_machine_and_no_registry_host() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in tracked:
        if (ROOT / name).suffix in (".py", ".md", ".yaml", ".toml", ".txt", ".mod", "") and (ROOT / name).is_file():
            text = (ROOT / name).read_text(encoding="utf-8", errors="ignore")
            assert not re.search(r"(?<![\w.$}~])/(?:root|work|home)/[A-Za-z]", text), (
                f"{name} names a path of one machine"
            )
