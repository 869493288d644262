"""The Dockerfile that `mlstack image init` writes: what is a layer, who owns and runs it, and with which uv."""

import re
from pathlib import Path

from mlstack.images.init import UV_HASH
from mlstack.images.project import UV
from tests.images.projects import BASE, dockerfile, instructions, uv_project
from tests.images.stack import ROOT


def test_dependencies_are_a_layer_of_their_own_before_the_code_and_the_code_is_not_roots(tmp_path: Path) -> None:
    root = uv_project(tmp_path, "", '[[package]]\nname = "mine"\nsource = { virtual = "." }\n')
    found = instructions(dockerfile(root))
    assert found[0] == f"FROM {BASE}"
    order = [
        "COPY pyproject.toml uv.lock ./",
        "RUN uv sync --frozen --no-dev --no-install-local",
        "COPY --chown=1000:1000 . .",
        "USER zenml",
    ]
    assert [each for each in found if each in order] == order
    assert found[-1] == "USER zenml"
    assert not any("--no-editable" in each for each in found)


def test_a_project_that_is_a_package_is_installed_after_its_code_is_there(tmp_path: Path) -> None:
    root = uv_project(tmp_path, "", '[[package]]\nname = "mine"\nsource = { editable = "." }\n')
    found = instructions(dockerfile(root))
    assert found.index("RUN uv sync --frozen --no-dev --no-editable") == found.index("COPY --chown=1000:1000 . .") + 1


def test_hashes_are_checked_where_there_are_any(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-c limits.txt\nzenml==0.98.0 \\\n    --hash=sha256:00 # why\n")
    (tmp_path / "limits.txt").write_text("numpy<2\n")
    found = instructions(dockerfile(tmp_path))
    assert "COPY requirements.txt limits.txt ./" in found
    assert any("--require-hashes -r requirements.txt" in each for each in found)
    (tmp_path / "requirements.txt").write_text("zenml==0.98.0\n")
    assert not any("--require-hashes" in each for each in instructions(dockerfile(tmp_path)))


def test_root_is_for_sagemaker_with_the_reason_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("zenml==0.98.0\n")
    text = dockerfile(tmp_path, root=True)
    assert instructions(text)[-1] == "USER root"
    assert text.splitlines()[-2].startswith("# Others may be unable to write in SageMaker's /opt/ml and /tmp: https://")
    assert "TMPDIR" not in text


def test_who_is_not_root_has_a_place_for_temporary_files_that_sagemaker_does_not_mount(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("zenml==0.98.0\n")
    found = instructions(dockerfile(tmp_path))
    (environment,) = (line for line in found if line.startswith("ENV PYTHONUNBUFFERED"))
    assert environment.split()[-1] == "TMPDIR=/app/.tmp"
    (made,) = (line for line in found if line.startswith("RUN groupadd"))
    assert made.endswith("mkdir /app/.tmp && chown 1000:1000 /app /app/.tmp")
    assert found.index(made) == found.index("WORKDIR /app") + 1, "a Dockerfile has TMPDIR before anything is installed"


def test_uv_in_the_image_is_the_one_that_we_lock() -> None:
    locked = re.search(r"^uv==(\S+)(.*?)^\w", (ROOT / "requirements.txt").read_text(), re.MULTILINE | re.DOTALL)
    assert locked is not None
    assert locked[1] == UV
    assert f"sha256:{UV_HASH}" in locked[2]
