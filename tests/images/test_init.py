"""`mlstack image init`: what it writes for which project, what it says is missing, and that it harms nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from packaging.requirements import Requirement

from mlstack.errors import MLStackError, UsageError
from mlstack.images.base import Base
from mlstack.images.context import collect
from mlstack.images.init import Init
from mlstack.images.needed import Needed, missing, needed, way_out
from mlstack.images.project import read
from tests.components.stacks import CASES, program
from tests.images.loopback_registry import LoopbackRegistry
from tests.images.projects import BASE, DIGEST
from tests.images.stack import CASE, ROOT
from tests.recording import record

SAGEMAKER = [("artifact_store", "s3"), ("container_registry", "aws"), ("orchestrator", "sagemaker")]
LOCKED = {
    "zenml": "0.98.0",
    "sagemaker": "2.244.1",
    "kubernetes": "33.1.0",
    "aws-profile-manager": "0.7.3",
    "pytz": "2025.2",
    "s3fs": "2025.9.0",
    "boto3": "1.40.0",
}


@pytest.fixture(scope="session")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the program promises, with SageMaker."""
    file = tmp_path_factory.mktemp("contract") / "outputs.json"
    file.write_text(json.dumps({"mlstack": record(program(CASES[CASE])).of("MLStack").outputs[0]["contract"]}))
    return file


@pytest.fixture(scope="session")
def wanted() -> Needed:
    return needed(SAGEMAKER)


@pytest.fixture
def pip(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text(
        "".join(f"{name}=={version} --hash=sha256:{'0' * 64}\n" for name, version in LOCKED.items())
    )
    (tmp_path / "train.py").write_text("print('hello')\n")
    return tmp_path


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "mlstack", "image", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_pip_project_gets_an_image_that_our_own_build_takes(pip: Path, contract: Path) -> None:
    for name in (".env", ".git/config", ".venv/bin/python"):
        (pip / name).parent.mkdir(parents=True, exist_ok=True)
        (pip / name).write_text("SECRET=1")
    done = run("init", str(pip), "--base", BASE, "--outputs", str(contract), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["project"], result["user"], result["missing"], result["base"]) == ("pip", "root", [], BASE)
    assert result["integrations"] == ["aws", "s3"]
    dry = run("build", str(pip), "--dry-run", "--outputs", str(contract), "--engine", "codebuild", "--json")
    assert dry.returncode == 0, dry.stderr
    assert {each.path for each in collect(pip).entries} == {"requirements.txt", "train.py"}
    assert (pip / "Dockerfile").stat().st_mode & 0o777 == 0o644
    assert sorted(each.name for each in pip.iterdir() if each.name.startswith(".D") or "Dockerfile" in each.name) == [
        "Dockerfile"
    ]


def test_what_is_missing_is_said_as_the_line_that_adds_it(pip: Path, contract: Path) -> None:
    (pip / "requirements.txt").write_text("zenml==0.98.0\nboto3\n")
    done = run("init", str(pip), "--base", BASE, "--outputs", str(contract))
    assert done.returncode == 0, done.stderr
    assert "\nsagemaker>=2.237.3,<3.0.0\n" in done.stdout
    assert "\nzenml" not in done.stdout
    assert "leaves the version open of boto3\n" in done.stdout
    assert "\nboto3" not in done.stdout
    assert "no hashes" in done.stdout


def test_zenml_itself_computes_what_a_stack_needs(wanted: Needed) -> None:
    named = {Requirement(each).name for each in wanted.requirements}
    assert {"zenml", "sagemaker", "s3fs", "boto3", "pytz"} <= named
    assert "skypilot" not in named
    local = needed([("orchestrator", "local")])
    assert local.requirements == (f"zenml=={local.zenml}",)
    assert local.integrations == ()


def test_the_example_locks_what_zenml_needs_on_a_stack(wanted: Needed) -> None:
    """So that `mlstack verify` may run in its image, too."""
    assert missing(wanted, read(ROOT / "examples/digits", "3.11")) == ((), ())


def test_code_that_is_named_as_zenml_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zenml.py").write_text("raise SystemExit('taken for ZenML')\n")
    monkeypatch.chdir(tmp_path)
    assert needed([]).integrations == ()


def test_what_zenml_prints_does_not_come_between() -> None:
    loud = (
        "import builtins, os, runpy\n"
        "real = builtins.__import__\n"
        "def told(name, *rest, **more):\n"
        "    if name == 'zenml.integrations.registry': os.write(1, b'loud')\n"
        "    return real(name, *rest, **more)\n"
        "builtins.__import__ = told\n"
        "runpy.run_module('mlstack.images.integrations', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", loud], input="[]", cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "loud" in done.stderr
    assert json.loads(done.stdout)["requirements"] == []


def test_a_version_that_satisfies_is_not_asked_for_again_and_another_is(pip: Path, wanted: Needed) -> None:
    assert missing(wanted, read(pip, "3.11")) == ((), ())
    text = (pip / "requirements.txt").read_text().replace("sagemaker==2.244.1", "SageMaker==3.1.0")
    (pip / "requirements.txt").write_text(text)
    project = read(pip, "3.11")
    lacks, is_open = missing(wanted, project)
    assert [Requirement(each).name for each in lacks] == ["sagemaker"]
    assert is_open == ()
    assert way_out(lacks, project) == lacks[0]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "neither uv.lock nor requirements.txt"),
        ({"pyproject.toml": '[project]\nname = "x"\n'}, "uv lock --directory"),
        ({"pyproject.toml": "[project\n", "uv.lock": ""}, "cannot be read"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.12"\n', "uv.lock": ""}, "wants Python >=3.12"),
        ({"uv.lock": ""}, "no pyproject.toml beside it"),
        ({"pyproject.toml": '[project]\nname = "x"\n', "uv.lock": "package = 1"}, "is no lock as uv writes it"),
        ({"requirements.txt": "zenml==1\n-e .\n"}, "line 2"),
        ({"requirements.txt": "./wheels/x.whl\n"}, "installs from this directory"),
        ({"requirements.txt": "-r ../other.txt\n"}, "no file in"),
        ({"requirements.txt": "not a requirement\n"}, "is no requirement"),
        ({".python-version": "3.14\n", "requirements.txt": ""}, "choose one with --python"),
        (
            {
                "pyproject.toml": '[project]\nname = "x"\n',
                "uv.lock": '[[package]]\nname = "y"\nsource = { editable = "../y" }\n',
            },
            "outside of",
        ),
    ],
)
def test_what_cannot_become_an_image_is_said_and_nothing_is_written(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError) as raised:
        Init(tmp_path, python=None, base=BASE, user="auto", force=False)
    assert said in str(raised.value)
    assert {each.name for each in tmp_path.iterdir()} == set(files)


def test_what_is_there_is_never_overwritten_unasked(pip: Path, contract: Path) -> None:
    (pip / ".dockerignore").write_text("mine\n")
    done = run("init", str(pip), "--base", BASE, "--outputs", str(contract))
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (pip / ".dockerignore").read_text() == "mine\n"
    assert not (pip / "Dockerfile").exists()
    forced = run("init", str(pip), "--base", BASE, "--outputs", str(contract), "--force", "--user", "zenml")
    assert forced.returncode == 0, forced.stderr
    assert (pip / "Dockerfile").read_text().endswith("USER zenml\n")
    assert ".git" in (pip / ".dockerignore").read_text()


@pytest.mark.parametrize(
    "text",
    ["python:3.11", "library/python", "registry.example.com/Python:1", "r.example.com/p", "r.example.com/p@sha256:12",
     "r.example.com/p:1\nRUN x"],
)  # fmt: skip
def test_a_base_is_named_with_its_registry(text: str) -> None:
    with pytest.raises(UsageError, match="--base is"):
        Base.parse(text, origin="--base")


def test_a_tag_becomes_the_digest_that_a_real_registry_names(registry: LoopbackRegistry) -> None:
    digest = registry.push("mirror/python", "3.11-slim", "one")
    base = Base.parse(f"{registry.host}/mirror/python:3.11-slim", origin="--base")
    assert str(base.pinned()) == f"{base}@{digest}"


def test_refreshing_changes_the_digest_alone(registry: LoopbackRegistry, tmp_path: Path) -> None:
    old = registry.push("fresh/python", "3.11", "old")
    file = tmp_path / "Dockerfile"
    text = (
        f"# FROM the mirror\r\nFROM {registry.host}/fresh/python:3.11@{old} AS base\nRUN true\nFROM base\nUSER 1000\n"
    )
    file.write_bytes(text.encode())
    file.chmod(0o640)
    same = run("init", str(tmp_path), "--refresh-base")
    assert same.returncode == 0, same.stderr
    assert "as before" in same.stdout
    new = registry.push("fresh/python", "3.11", "new")
    done = run("init", str(tmp_path), "--refresh-base", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bases"][0]["after"].endswith(f":3.11@{new}")
    assert file.read_bytes() == text.replace(old, new).encode()
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM {host}/nowhere:1@" + DIGEST, "knows no image nowhere:1"),
        ("FROM {host}/fresh/python@" + DIGEST, "nothing to refresh"),
        ("FROM 127.0.0.1:9/fresh/python:1@" + DIGEST, "could not be asked"),
    ],
)
def test_a_base_that_cannot_be_refreshed_leaves_the_file(
    registry: LoopbackRegistry, tmp_path: Path, text: str, said: str
) -> None:
    written = text.format(host=registry.host)
    (tmp_path / "Dockerfile").write_text(written)
    done = run("init", str(tmp_path), "--refresh-base")
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "Dockerfile").read_text() == written


@pytest.fixture
def cached(contract: Path, registry: LoopbackRegistry, tmp_path: Path) -> Path:
    """A contract by which images of the registry on loopback come through the stack's cache."""
    document = json.loads(json.loads(contract.read_text())["mlstack"])
    document["pull_through_cache"] = {registry.host: "mlstack-dev.loopback"}
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(document))
    return file


THROUGH = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mlstack-dev.loopback"


def test_a_base_is_named_through_the_stacks_cache_with_the_digest_that_its_own_registry_names(
    pip: Path, cached: Path, registry: LoopbackRegistry
) -> None:
    old = registry.push("through/python", "3.11", "old")
    base = f"{registry.host}/through/python:3.11"
    done = run("init", str(pip), "--base", base, "--outputs", str(cached), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["base"] == f"{THROUGH}/through/python:3.11@{old}"
    assert f"FROM {THROUGH}/through/python:3.11@{old}\n" in (pip / "Dockerfile").read_text()
    new = registry.push("through/python", "3.11", "new")
    refreshed = run("init", str(pip), "--refresh-base", "--outputs", str(cached), "--json")
    assert refreshed.returncode == 0, refreshed.stderr
    assert json.loads(refreshed.stdout)["bases"] == [
        {"before": f"{THROUGH}/through/python:3.11@{old}", "after": f"{THROUGH}/through/python:3.11@{new}"}
    ]
    assert f"FROM {THROUGH}/through/python:3.11@{new}\n" in (pip / "Dockerfile").read_text()


def test_without_a_cache_the_default_base_is_on_ecr_public(pip: Path) -> None:
    made = Init(pip, python="3.12", base=None, user="auto", force=False)
    assert str(made._base) == "public.ecr.aws/docker/library/python:3.12-slim-bookworm"


class _WithToken(BaseHTTPRequestHandler):
    """As public.ecr.aws does it: visitors fetch a token first."""

    body = b'{"schemaVersion": 2}'
    told: str | None = None
    asked: dict[str, list[str]]

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path == "/token/":
            type(self).asked = parse_qs(place.query)
            self._answer(200, "application/json", b'{"token": "visitor"}')
        elif self.headers.get("Authorization") != "Bearer visitor":
            self.send_response(401)
            realm = f"http://{self.headers['Host']}/token/"
            self.send_header("WWW-Authenticate", f'Bearer realm="{realm}",service="registry",scope="aws"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._answer(200, "application/vnd.oci.image.index.v1+json", self.body)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.told:
            self.send_header("Docker-Content-Digest", self.told)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def with_token() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _WithToken)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_registry_that_hands_out_tokens_to_visitors_is_asked_with_one(with_token: str) -> None:
    pinned = Base.parse(f"{with_token}/docker/library/python:3.11", origin="test").pinned()
    assert pinned.digest is not None
    assert pinned.digest.startswith("sha256:")
    assert _WithToken.asked == {"service": ["registry"], "scope": ["aws"]}


def test_a_registry_that_says_one_digest_and_sends_another_is_not_believed(
    with_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_WithToken, "told", DIGEST)
    with pytest.raises(MLStackError, match="the registry says"):
        Base.parse(f"{with_token}/python:3.11", origin="test").pinned()
