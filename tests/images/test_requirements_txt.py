"""requirements.txt in an image: what it installs, and what no build could install."""

from pathlib import Path

import pytest

from mlstack.errors import UsageError
from mlstack.images.project import read
from tests.images.projects import BASE, dockerfile, instructions

LIB = "lib @ git+https://example.com/lib.git@v1"
HASHED = f"zenml==0.98.0 --hash=sha256:{'0' * 64}"


def written(directory: Path, text: str, **more: str) -> Path:
    (directory / "requirements.txt").write_text(text)
    for name, content in more.items():
        (directory / f"{name}.txt").write_text(content)
    return directory


def test_a_constraint_installs_nothing_and_fixes_the_version_of_what_is_installed(tmp_path: Path) -> None:
    root = written(tmp_path, "-c limits.txt\nzenml\nboto3>1\n", limits="-r more.txt\nzenml==0.98.0\n", more="s3fs==1\n")
    project = read(root, "3.11")
    assert project.versions == {"zenml": "0.98.0", "boto3": None}
    assert project.files == ("requirements.txt", "limits.txt", "more.txt")


def test_what_comes_from_git_is_fetched_in_a_stage_of_its_own_and_the_image_has_no_git(tmp_path: Path) -> None:
    project = read(written(tmp_path, f"{LIB}\nother @ https://example.com/other-1-py3-none-any.whl\n"), "3.11")
    assert project.git == ("lib",)
    found = instructions(dockerfile(tmp_path))
    stages = [number for number, line in enumerate(found) if line.startswith("FROM")]
    assert [found[each] for each in stages] == [f"FROM {BASE} AS dependencies", f"FROM {BASE}"]
    first, second = found[: stages[1]], found[stages[1] :]
    assert any("install --yes --no-install-recommends git" in line for line in first)
    assert any(line.startswith("RUN pip install") for line in first)
    assert not any("pip" in line or "apt-get" in line for line in second)
    # Where pip of the first stage puts it, and where Python of the second looks.
    assert "ENV PATH=/opt/venv/bin:$PATH" in first
    assert "RUN python -m venv /opt/venv" in first
    assert "ENV PATH=/opt/venv/bin:$PATH" in second
    assert "COPY --from=dependencies /opt/venv /opt/venv" in second
    written(tmp_path, "zenml==0.98.0\n")
    assert len([line for line in instructions(dockerfile(tmp_path)) if line.startswith("FROM")]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HASHED}\n{LIB}\n", "line 2: lib is fetched from git, which has no hash"),
        ("lib @ git+ssh://git@example.com/lib.git\n", "lib is fetched from ssh://git@example.com/lib.git: a build has"),
        ("lib @ git+file:///srv/lib\n", "line 1: lib is fetched from file:///srv/lib"),
        ("lib @ hg+https://example.com/lib\n", "fetched with hg"),
        ("lib @ file:///srv/lib-1-py3-none-any.whl\n", "installs from this directory"),
    ],
)
def test_what_no_build_could_install_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(written(tmp_path, text), "3.11")
    assert said in str(raised.value)


def test_a_member_of_a_workspace_is_for_uv_alone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--package is 'train', and .* has no uv\.lock"):
        read(written(tmp_path, "zenml==0.98.0\n"), "3.11", "train")
