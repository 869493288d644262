"""A project or workspace of uv in an image: what uv.lock installs, and the commands of the Dockerfile as real ones."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from packaging.requirements import Requirement

from mlstack.contract import MLStackOutputs
from mlstack.errors import UsageError
from mlstack.images.init import Init
from mlstack.images.needed import way_out
from mlstack.images.project import read
from tests.components.stacks import CASES, program
from tests.images.projects import BASE, dockerfile, instructions, uv_project
from tests.images.stack import CASE
from tests.recording import record

UV = Path(sys.executable).with_name("uv")
GIT = '[[package]]\nname = "lib"\nversion = "1"\nsource = {{ git = "{url}?rev=v1#0123" }}\n'
MINE = '[[package]]\nname = "mine"\nversion = "1"\nsource = {{ {source} = "." }}\ndependencies = [{{ name = "lib" }}]\n'


def test_of_a_lock_counts_what_the_image_gets_and_no_more(tmp_path: Path) -> None:
    def package(name: str, version: str, more: str = "") -> str:
        source = 'source = { registry = "https://pypi.org/simple" }'
        return f'[[package]]\nname = "{name}"\nversion = "{version}"\n{source}\n{more}'

    root = uv_project(
        tmp_path,
        "",
        '[[package]]\nname = "mine"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "zenml", extra = ["s3fs"] }, '
        '{ name = "pywin32", marker = "sys_platform == \'win32\'" },'
        ' { name = "numpy", version = "1.26.4", marker = "python_full_version < \'3.12\'" },'
        ' { name = "numpy", version = "2.4.0", marker = "python_full_version >= \'3.12\'" }]\n'
        '[package.dev-dependencies]\ndev = [{ name = "pytest" }]\n'
        + package("zenml", "0.98.0", '[package.optional-dependencies]\ns3fs = [{ name = "s3fs" }]\n'
                  'azure = [{ name = "adlfs" }]\n')
        + package("s3fs", "2025.9.0", 'dependencies = [{ name = "fsspec" }]\n')
        + "".join(package(name, "1.0") for name in ("pywin32", "pytest", "adlfs", "fsspec"))
        + package("numpy", "1.26.4")
        + package("numpy", "2.4.0"),
    )  # fmt: skip
    project = read(root, "3.11")
    assert project.versions == {"zenml": "0.98.0", "s3fs": "2025.9.0", "fsspec": "1.0", "numpy": "1.26.4"}
    assert read(root, "3.12").versions["numpy"] == "2.4.0"
    assert way_out(["s3fs>1,!=2"], project) == f"uv add --directory {root} 's3fs>1,!=2'"


@pytest.mark.parametrize(
    ("project", "package"), [("locked", None), ("workspace", None), ("workspace", "train"), ("workspace", "shared")]
)
def test_the_walk_over_a_real_lock_is_what_uv_installs(project: str, package: str | None) -> None:
    """Of a project with a member, and of a workspace whose root is no project, with groups that come unasked."""
    root = Path(__file__).with_name(project)
    chosen = ["--package", package] if package else []
    exported = subprocess.run(
        [str(UV), "export", "--frozen", "--no-dev", "--no-hashes", "--no-emit-local", *chosen],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    environment = {"sys_platform": "linux", "python_full_version": "3.11.0", "python_version": "3.11"}
    lines = [Requirement(line) for line in exported.splitlines() if line and not line.startswith((" ", "#"))]
    installs = {
        each.name: next(iter(each.specifier)).version
        for each in lines
        if each.marker is None or each.marker.evaluate(environment)
    }
    assert installs
    found = read(root, "3.11", package).versions
    assert {name: version for name, version in found.items() if name not in ("proj", "a", "shared")} == installs


def test_a_workspace_without_a_project_installs_all_members_and_one_of_them_takes_what_is_missing() -> None:
    root = Path(__file__).with_name("workspace")
    project = read(root, "3.11")
    assert project.adds_to == "shared"
    assert way_out(["zenml==0.98.0"], project) == f"uv add --directory {root} --package shared zenml==0.98.0"
    found = instructions(dockerfile(root))
    assert "RUN uv sync --frozen --no-dev --no-install-local" in found
    assert "RUN uv sync --frozen --no-dev --no-editable" in found


def test_members_that_the_project_does_not_need_are_named(tmp_path: Path) -> None:
    assert read(Path(__file__).with_name("locked"), "3.11").left_out == ()
    member = '[[package]]\nname = "{0}"\nversion = "1"\nsource = {{ editable = "{0}" }}\n'
    held = '[manifest]\nmembers = ["lib", "mine", "other"]\n'
    root = uv_project(
        tmp_path, "", held + MINE.format(source="virtual") + member.format("lib") + member.format("other")
    )
    assert read(root, "3.11").left_out == ("other",)


def test_one_member_alone_is_installed_by_both_commands_and_an_unknown_one_is_refused() -> None:
    root = Path(__file__).with_name("workspace")
    found = instructions(dockerfile(root, package="train"))
    assert "RUN uv sync --frozen --no-dev --package train --no-install-local" in found
    assert "RUN uv sync --frozen --no-dev --package train --no-editable" in found
    with pytest.raises(UsageError, match=r"no member of .*uv.lock\n.*members: shared, train"):
        read(root, "3.11", "tarin")
    with pytest.raises(UsageError, match=r"is a member of the workspace in .*\n.*--package train"):
        read(root / "train", "3.11")


def test_what_is_left_out_and_what_comes_from_git_is_told_with_the_command_for_what_is_missing(tmp_path: Path) -> None:
    member = '[[package]]\nname = "{0}"\nversion = "1"\nsource = {{ editable = "{0}" }}\n'
    held = '[manifest]\nmembers = ["mine", "other"]\n'
    packages = MINE.format(source="virtual") + GIT.format(url="https://example.com/lib.git") + member.format("other")
    made = Init(uv_project(tmp_path, "", held + packages), python=None, base=BASE, user="auto", force=False)
    made.write(MLStackOutputs.parse(record(program(CASES[CASE])).of("MLStack").outputs[0]["contract"], origin=CASE))
    told = made.told()
    assert "\nnot installed, because the project does not depend on them: other (--package NAME)\n" in told
    assert "\nfrom git repositories, which a build reads without credentials: lib\n" in told
    assert f"\nuv add --directory {tmp_path} " in told
    assert (made.result["git"], made.result["left_out"], made.result["package"]) == (["lib"], ["other"], None)


@pytest.mark.parametrize("url", ["ssh://git@example.com/lib.git", "file:///srv/lib"])
def test_a_repository_that_no_build_can_fetch_from_is_refused(tmp_path: Path, url: str) -> None:
    root = uv_project(tmp_path, "", MINE.format(source="virtual") + GIT.format(url=url))
    with pytest.raises(UsageError, match=f"lib is fetched from {url}"):
        read(root, "3.11")


def test_a_uv_that_the_project_does_not_want_and_a_python_that_the_lock_excludes_are_refused(tmp_path: Path) -> None:
    root = uv_project(tmp_path, '[tool.uv]\nrequired-version = "<0.5"\n', MINE.format(source="virtual"))
    with pytest.raises(UsageError, match=r"wants uv <0\.5"):
        read(root, "3.11")
    root = uv_project(tmp_path, "", MINE.format(source="virtual"))
    with pytest.raises(UsageError, match=r"wants Python >=3\.11, the image has 3\.10"):
        read(root, "3.10")


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[str]:
    """A library in a git repository on loopback, which is read without credentials."""
    library = package(tmp_path / "library", "lib")
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=library, check=True)
    served = tmp_path / "served"
    subprocess.run(["git", "clone", "-q", "--bare", library, served / "lib.git"], check=True)
    subprocess.run(["git", "update-server-info"], cwd=served / "lib.git", check=True)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/lib.git"
    finally:
        server.shutdown()
        server.server_close()


def package(root: Path, name: str, more: str = "") -> Path:
    """That uv builds itself: no index is asked."""
    (root / "src" / name).mkdir(parents=True)
    (root / "src" / name / "__init__.py").write_text(f"NAME = {name!r}\n")
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.11"\n{more}'
        '[build-system]\nrequires = ["uv_build>=0.13.9,<0.14.0"]\nbuild-backend = "uv_build"\n'
    )
    return root


def run_as_docker_does(text: str, context: Path, place: Path) -> Path:
    """Each stage in a directory of its own, which sees what is copied into it; the environment that is made.

    Only the commands of uv are run. git is there where the Dockerfile installs it.
    """
    environment = place / "venv"
    tools = place / "tools"
    tools.mkdir(parents=True)
    (tools / "uv").symlink_to(UV.resolve())
    path = f"{tools}:{Path(sys.executable).resolve().parent}"
    stage = place / "none"
    for line in instructions(text):
        command, _, rest = line.partition(" ")
        if command == "FROM":
            stage = place / f"stage-{len(list(place.iterdir()))}"
            stage.mkdir()
            git = False
        elif command == "COPY" and not rest.startswith("--from"):
            *names, _ = (each for each in rest.split() if not each.startswith("--"))
            for name in names:
                if name == ".":
                    shutil.copytree(context, stage, dirs_exist_ok=True)
                else:
                    shutil.copy(context / name, stage / name)
        elif command == "RUN" and "apt-get install" in rest:
            git = True
        elif command == "RUN" and rest.startswith("uv "):
            given = {"UV_PROJECT_ENVIRONMENT": str(environment), "UV_PYTHON": "3.11", "UV_PYTHON_DOWNLOADS": "never"}
            given |= {"UV_NO_CACHE": "1", "UV_OFFLINE": "0" if git else "1", "HOME": str(place)}
            given |= {"PATH": f"{path}:{Path(shutil.which('git') or '').parent}" if git else path}
            done = subprocess.run(rest.split(), cwd=stage, env=given, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    return environment


def imported(environment: Path, *names: str) -> list[str]:
    """Where from, without anything of this process."""
    program = "import sys, importlib; print(*(importlib.import_module(each).__file__ for each in sys.argv[1:]))"
    done = subprocess.run(
        [environment / "bin/python", "-I", "-c", program, *names], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_workspace_with_a_library_from_git_is_installed_and_the_image_has_no_git(tmp_path: Path, forge: str) -> None:
    root = tmp_path / "workspace"
    package(root / "shared", "shared")
    package(
        root / "train",
        "train",
        'dependencies = ["shared", "lib"]\n[tool.uv.sources]\nshared = { workspace = true }\n'
        f'lib = {{ git = "{forge}" }}\n',
    )
    package(root / "other", "other")
    (root / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["train", "shared", "other"]\n')
    subprocess.run([UV, "lock", "-q"], cwd=root, check=True, env={**os.environ, "UV_NO_CACHE": "1"})
    assert read(root, "3.11").git == ("lib",)
    assert read(root, "3.11", "other").git == ()
    text = dockerfile(root)
    stages = [line.partition(" && ")[0] for line in instructions(text) if line.startswith(("FROM", "RUN apt-get"))]
    assert stages == [f"FROM {BASE} AS dependencies", "RUN apt-get update", f"FROM {BASE}"]
    environment = run_as_docker_does(text, root, tmp_path / "all")
    # The library was not fetched again: no git, and uv offline. And nothing points into a stage that is gone.
    for file in imported(environment, "train", "shared", "lib", "other"):
        assert file.startswith(f"{environment}/"), file
    one = run_as_docker_does(dockerfile(root, package="train"), root, tmp_path / "one")
    imported(one, "train", "shared", "lib")
    assert not list(one.glob("lib/python3.11/site-packages/other*"))
