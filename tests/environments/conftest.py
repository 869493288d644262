"""A directory with the environments that come with the program, and the commands in it."""

import contextlib
import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from mlstack import cli
from mlstack.errors import MLStackError

ROOT = Path(__file__).parents[2]


@cache
def app() -> Typer:
    cli._mount()
    return cli.app


@dataclass(frozen=True)
class Said:
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Place:
    directory: Path

    def run(self, *arguments: str, code: int = 0) -> Said:
        """`mlstack ...`, which is expected to end with `code`."""
        with contextlib.chdir(self.directory):
            result = CliRunner().invoke(app(), arguments)
        error = result.exception
        if error is not None and not isinstance(error, MLStackError | SystemExit):
            raise error
        ended = error.exit_code if isinstance(error, MLStackError) else result.exit_code
        said = f"{result.stderr}{error}" if isinstance(error, MLStackError) else result.stderr
        assert ended == code, f"{ended}: {result.stdout}{said}"
        return Said(result.stdout, said)

    def refused(self, *arguments: str) -> str:
        """What it says; nothing is written."""
        before = self.texts()
        said = self.run(*arguments, code=2).stderr
        assert self.texts() == before
        return said

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def text(self, environment: str) -> str:
        return self.file(environment).read_text(encoding="utf-8")

    def write(self, environment: str, text: str) -> None:
        self.file(environment).write_text(text, encoding="utf-8")

    def file(self, environment: str) -> Path:
        return self.directory / f"Pulumi.{environment}.yaml"

    def texts(self) -> dict[str, str]:
        return {file.name: file.read_text(encoding="utf-8") for file in sorted(self.directory.glob("Pulumi*.yaml"))}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for file in (ROOT / "__main__.py", *ROOT.glob("Pulumi*.yaml")):
        shutil.copy(file, tmp_path)
    return Place(tmp_path)
