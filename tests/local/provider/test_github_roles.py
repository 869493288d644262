"""examples/github-deploy-roles, run by the real engine against the emulator."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mlstack.local import environments
from mlstack.local.engine import Engine
from tests.local.conftest import RunningEmulator

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[3]
PREFIX = "github-deploy-roles"
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"

Pulumi = Callable[..., dict[str, Any]]


@pytest.fixture
def program(engine: Engine, provider_port: int, tmp_path: Path) -> Path:
    """A copy of the example where it lies in a clone: two directories below the settings files."""
    copy = tmp_path / "examples" / PREFIX
    shutil.copytree(ROOT / "examples" / PREFIX, copy)
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    declared = (copy / "Pulumi.yaml").read_text(encoding="utf-8")
    (copy / "Pulumi.yaml").write_text(declared.replace("../../.venv", sys.prefix), encoding="utf-8")
    return copy


@pytest.fixture
def pulumi(program: Path, provider_port: int, engine: Engine) -> Iterator[Pulumi]:
    (program / "pulumi").mkdir()
    environment = {**os.environ, **environments.pulumi(program, provider_port, engine.bin)}

    def run(*arguments: str, refused: bool = False) -> dict[str, Any]:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=program,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == refused, said
        assert "Traceback" not in said
        return {"said": said, **(json.loads(done.stdout) if done.stdout.startswith("{") else {})}

    run("stack", "init", "account")
    yield run
    run("destroy", "--yes", "--skip-preview")


def configure(program: Path, **changes: Any) -> None:
    file, yaml = program / "Pulumi.account.yaml", YAML()
    document = yaml.load(file)
    document["config"].update({f"{PREFIX}:{key}": value for key, value in changes.items()})
    yaml.dump(document, file)


def test_it_makes_the_provider_and_two_roles_and_the_next_run_changes_nothing(
    program: Path, pulumi: Pulumi, emulator: RunningEmulator
) -> None:
    pulumi("up", "--yes", "--skip-preview")
    outputs = pulumi("stack", "output", "--json")
    iam = emulator.client("iam")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)["ClientIDList"] == ["sts.amazonaws.com"]
    subjects = {}
    for kind in ("preview", "deploy"):
        arn = outputs[f"{kind}_role_arns"]["dev"]
        name = arn.rpartition("/")[2]
        role = iam.get_role(RoleName=name)["Role"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert role["Arn"] == arn
        assert statement["Principal"] == {"Federated": PROVIDER}
        subjects[kind] = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        assert [each["PolicyName"].rpartition("-")[2] for each in attached] == (["read"] if kind == "deploy" else [])
    assert subjects == {
        "preview": ["repo:acme/ml-platform:pull_request", "repo:acme/ml-platform:ref:refs/heads/main"],
        "deploy": "repo:acme/ml-platform:environment:dev",
    }
    pulumi("preview", "--expect-no-changes")

    configure(program, ids={"owner": 11, "repository": 22})
    pulumi("up", "--yes", "--skip-preview")
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert "repo:acme@11/ml-platform@22:environment:dev" in json.dumps(trust)

    configure(program, repository="ml-*")
    said = pulumi("preview", refused=True)["said"]
    assert "the GitHub repository is 'ml-*'" in said
    configure(program, repository="ml-platform")
