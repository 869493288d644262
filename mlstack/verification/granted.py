"""Which statement of the program grants an action: looked up in `docs/permissions.md`, which is made from them."""

import re
from functools import cached_property
from pathlib import Path

_DOCUMENT = Path(__file__).parents[2] / "docs" / "permissions.md"
_PURPOSES = ("access", "codebuild", "flow-logs", "sagemaker", "scheduler")
"""Roles are named `<stack>-<region>-<purpose>`."""


class Granted:
    """The rows of the document; none where only the package is installed."""

    def __init__(self, document: Path = _DOCUMENT) -> None:
        self._document = document

    def rows(self, role: str, action: str) -> list[str]:
        """`docs/permissions.md, role access: permissions, statement Pipelines`."""
        purpose = next((each for each in _PURPOSES if role.endswith(f"-{each}")), None)
        return [
            f"docs/permissions.md, {section}, statement {statement}"
            for section, statement, actions in self._table
            if section == f"role {purpose}: permissions" and f"`{action}`" in actions
        ]

    @cached_property
    def _table(self) -> list[tuple[str, str, str]]:
        try:
            text = self._document.read_text(encoding="utf-8")
        except OSError:
            return []
        found: list[tuple[str, str, str]] = []
        section = ""
        for line in text.splitlines():
            if line.startswith("## "):
                section = line[3:]
            elif row := re.match(r"\| (\w+) \| ([^|]*) \|", line):
                found.append((section, row[1], row[2]))
        return found
