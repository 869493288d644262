"""Several teams in one program: each has a registry, a bucket and a builder of its own, and a command is about one."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.stacks import Stacks
from mlstack.contract import MLStackOutputs, together
from tests.components.stacks import CASES, settings
from tests.images.stack import CASE, Stack, make
from tests.recording import Recording, record

TEAMS: list[dict[str, Any]] = [
    {"name": "vision"},
    {"name": "speech", "orchestrator": "local", "stepOperator": False},
]


@pytest.fixture(scope="module")
def vision(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Beside the stack without teams. Of the other team there is the contract alone."""
    asked = settings(CASES[CASE] | {"mlstack:teams": json.dumps(TEAMS)})
    recording = record(lambda: Stacks(asked))
    document = together(
        {each["name"]: recording.named(f"mlstack-{each['name']}").outputs[0]["contract"] for each in TEAMS}
    )
    outputs = tmp_path_factory.mktemp("teams") / "outputs.json"
    outputs.write_text(json.dumps({"mlstack": document}))
    contract = next(each for each in MLStackOutputs.parse_all(document, origin="teams") if each.team == "vision")
    own = Recording(tuple(each for each in recording.resources if each.name.startswith("mlstack-vision-")))
    return replace(stack, target=make(stack.emulator, own, contract), outputs=outputs)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / "train.py").write_text("print('hello')\n")
    return root


def published(stack: Stack) -> str:
    """What is said when the build image is to be published, which cannot be."""
    command = [sys.executable, "-m", "mlstack", "image", "builder", "publish", "--outputs", str(stack.outputs)]
    done = subprocess.run(command, env=stack.environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_an_image_is_built_for_one_team_and_lies_in_its_repository(vision: Stack, code: Path) -> None:
    before = vision.builds()
    for arguments in ((), ("--team", "nobody")):
        done = vision.build(code, *arguments)
        assert done.returncode == 2, done.stderr
        assert "--team: speech or vision" in done.stderr
    assert (vision.contexts(), vision.builds()) == ([], before)
    assert "has teams" in published(vision)
    assert (vision.contexts(), vision.builds()) == ([], before)
    result = vision.built(code, "--team", "vision")
    assert (result["environment"], result["team"]) == ("dev", "vision")
    assert result["image"] == f"{vision.target.registry}/mlstack/vision/dev@{result['digest']}"
    assert vision.files(result["digest"])["train.py"] == b"print('hello')\n"
    assert vision.contexts() == [vision.target.key(result["content"])]


def test_what_an_image_needs_is_computed_for_the_team(vision: Stack, code: Path) -> None:
    (code / "Dockerfile").unlink()
    (code / "requirements.txt").write_text("zenml==0.98.0\n")
    command = [sys.executable, "-m", "mlstack", "image", "init", str(code), "--outputs", str(vision.outputs)]
    command += ["--base", f"registry.example.com/python:3.11@sha256:{'a' * 64}"]

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, *arguments], env=vision.environment, capture_output=True, text=True, check=False, timeout=120
        )

    refused = run()
    assert refused.returncode == 2
    assert "--team: speech or vision" in refused.stderr
    assert not (code / "Dockerfile").exists()
    done = run("--team", "speech")
    assert done.returncode == 0, done.stderr
    # Of the two only the other one has SageMaker, for which --user auto is root.
    assert (code / "Dockerfile").read_text().endswith("USER zenml\n")
    assert done.stdout.endswith(f"next: mlstack image build {code} --team speech\n")
