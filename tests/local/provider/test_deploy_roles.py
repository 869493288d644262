"""examples/github-deploy-roles and gitlab-deploy-roles, run by the real engine against the emulator."""

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
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/{}"

Pulumi = Callable[..., dict[str, Any]]


@pytest.fixture
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the example where it lies in a clone: two directories below the settings files."""
    copy = tmp_path / "examples" / str(request.param)
    shutil.copytree(ROOT / "examples" / copy.name, copy)
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
    document["config"].update({f"{program.name}:{key}": value for key, value in changes.items()})
    yaml.dump(document, file)


def made(outputs: dict[str, Any], iam: Any, issuer: str) -> dict[str, Any]:
    """What the trust of each role asks of a token, once all of it is there."""
    provider = PROVIDER.format(issuer)
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)["ClientIDList"] == ["sts.amazonaws.com"]
    conditions = {}
    for kind in ("preview", "deploy"):
        arn = outputs[f"{kind}_role_arns"]["dev"]
        name = arn.rpartition("/")[2]
        role = iam.get_role(RoleName=name)["Role"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert role["Arn"] == arn
        assert statement["Principal"] == {"Federated": provider}
        conditions[kind] = statement["Condition"]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        assert [each["PolicyName"].rpartition("-")[2] for each in attached] == (["read"] if kind == "deploy" else [])
    return conditions


@pytest.mark.parametrize("program", ["github-deploy-roles"], indirect=True)
def test_it_makes_the_provider_and_two_roles_and_the_next_run_changes_nothing(
    program: Path, pulumi: Pulumi, emulator: RunningEmulator
) -> None:
    pulumi("up", "--yes", "--skip-preview")
    outputs = pulumi("stack", "output", "--json")
    iam, issuer = emulator.client("iam"), "token.actions.githubusercontent.com"
    subjects = {kind: asked["StringEquals"][f"{issuer}:sub"] for kind, asked in made(outputs, iam, issuer).items()}
    assert subjects == {
        "preview": ["repo:acme/ml-platform:pull_request", "repo:acme/ml-platform:ref:refs/heads/main"],
        "deploy": "repo:acme/ml-platform:environment:dev",
    }
    pulumi("preview", "--expect-no-changes")

    configure(program, ids={"owner": 11, "repository": 22})
    pulumi("up", "--yes", "--skip-preview")
    assert "repo:acme@11/ml-platform@22:environment:dev" in json.dumps(made(outputs, iam, issuer)["deploy"])

    configure(program, repository="ml-*")
    said = pulumi("preview", refused=True)["said"]
    assert "the GitHub repository is 'ml-*'" in said
    configure(program, repository="ml-platform")


@pytest.mark.parametrize("program", ["gitlab-deploy-roles"], indirect=True)
def test_gitlabs_roles_are_made_for_a_gitlab_of_ones_own_and_what_is_refused_is_one_message(
    program: Path, pulumi: Pulumi, emulator: RunningEmulator
) -> None:
    configure(program, url="https://git.example.com/gitlab")
    pulumi("up", "--yes", "--skip-preview")
    issuer = "git.example.com/gitlab"
    ours = "project_path:acme/platform/ml-platform:ref_type:branch:ref:{}"
    assert made(pulumi("stack", "output", "--json"), emulator.client("iam"), issuer) == {
        "preview": {
            "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"},
            "StringLike": {f"{issuer}:sub": ours.format("*")},
        },
        "deploy": {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": ours.format("main")}},
    }
    configure(program, url="http://git.example.com")
    assert "GitLab's address is 'http://git.example.com'" in pulumi("preview", refused=True)["said"]
    configure(program, url="https://git.example.com/gitlab")
