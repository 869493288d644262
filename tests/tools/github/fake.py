"""A stand-in for `gh`: answers from a file, writes down what it was asked."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

_GH = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
given = "" if sys.stdin.isatty() or "-" not in sys.argv else sys.stdin.read()
with (here / "asked.jsonl").open("a") as asked:
    asked.write(json.dumps([sys.argv[1:], given]) + "\\n")
answers = json.loads((here / "answers.json").read_text())
path = next((word for word in sys.argv[1:] if word.startswith("repos/")), None)
if sys.argv[1] == "api":
    if path not in answers:
        sys.exit("HTTP 404: Not Found")
    print(json.dumps(answers[path]))
"""


class Gh:
    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._directory = directory
        script = directory / "gh"
        script.write_text(_GH.format(python=sys.executable), encoding="utf-8")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(directory), prepend=":")
        monkeypatch.setenv("GITHUB_REPOSITORY", "acme/ml-platform")
        self.answers()

    def answers(self, **pages: list[list[dict[str, Any]]]) -> None:
        """By what follows the repository's name: a list of pages."""
        found = {f"repos/acme/ml-platform/{path}": each for path, each in pages.items()}
        (self._directory / "answers.json").write_text(json.dumps(found), encoding="utf-8")

    def asked(self) -> list[tuple[list[str], str]]:
        log = self._directory / "asked.jsonl"
        return [tuple(json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []

    def changes(self) -> list[tuple[list[str], str]]:
        return [(words, given) for words, given in self.asked() if words[0] != "api"]
