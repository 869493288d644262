"""Small projects, and the Dockerfile that is written for them."""

from pathlib import Path
from typing import Any

from mlstack.images.base import Base
from mlstack.images.init import Init

DIGEST = "sha256:" + "5" * 64
BASE = f"registry.example.com/python:3.11@{DIGEST}"


def uv_project(root: Path, pyproject: str, packages: str) -> Path:
    (root / "pyproject.toml").write_text(f'[project]\nname = "mine"\nversion = "1"\n{pyproject}')
    (root / "uv.lock").write_text(f'version = 1\nrequires-python = ">=3.11"\n{packages}')
    return root


def dockerfile(project: Path, *, root: bool = False, **given: Any) -> str:
    made = Init(project, python=given.get("python"), base=BASE, user="auto", force=False, package=given.get("package"))
    return made._dockerfile(Base.parse(BASE, origin="test"), root=root)


def instructions(text: str) -> list[str]:
    return [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
