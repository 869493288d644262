"""The pipeline for GitLab, and that it agrees with the roles that are made for it. GitLab itself is not asked."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.deploy_roles.gitlab import AUDIENCE, PREVIEWING, TIERS
from components.deploy_roles.roles import DeployRoles

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "examples" / "gitlab-deploy-roles"
TOLD = (ROOT / "docs" / "pull-requests.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    yaml = YAML(typ="safe")
    yaml.constructor.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))
    loaded: dict[str, Any] = yaml.load((ROOT / "examples" / "gitlab" / "gitlab-ci.yml").read_text(encoding="utf-8"))
    return loaded


def assuming(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The jobs that say whose role they take."""
    return {
        name: job for name, job in document.items() if isinstance(job, dict) and "ROLES" in job.get("variables", {})
    }


def sources(job: dict[str, Any]) -> set[str]:
    return set(re.findall(r'\$CI_PIPELINE_SOURCE == "(\w+)"', str(job["rules"])))


def test_it_queues_deployments_and_never_cuts_one_off(document: dict[str, Any]) -> None:
    assert document[".deploy"]["resource_group"] == "pulumi-$STACK"
    assert document[".deploy"]["interruptible"] is False
    assert not (ROOT / ".gitlab-ci.yml").exists(), "an example must not run by itself"


def test_it_is_of_the_environments_that_there_are(document: dict[str, Any]) -> None:
    there = {file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml")} - {"local"}
    assert set(document[".stacks"]["parallel"]["matrix"][0]["STACK"]) == there
    deployments = [job for name, job in document.items() if name.startswith("deploy-")]
    assert {job["variables"]["STACK"] for job in deployments} == there
    tiers = {job["variables"]["STACK"]: job["environment"]["deployment_tier"] for job in deployments}
    assert set(tiers.values()) <= set(TIERS)
    assert f"tiers: {json.dumps(tiers)}".replace('"', "") in TOLD
    assert document[".deploy"]["environment"] == {"name": "$STACK"}


def test_its_jobs_show_the_token_that_the_roles_ask_for(document: dict[str, Any]) -> None:
    assert document[".aws"]["id_tokens"] == {"AWS_TOKEN": {"aud": AUDIENCE}}
    declared = YAML(typ="safe").load((PROGRAM / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    assert declared["gitlab-deploy-roles:audience"]["default"] == AUDIENCE
    for name, job in assuming(document).items():
        assert ".aws" in job["extends"], name


def test_what_previews_asks_for_the_preview_role_from_pipelines_that_get_it(document: dict[str, Any]) -> None:
    roles = {name: job["variables"]["ROLES"] for name, job in assuming(document).items()}
    assert roles == {"preview": "AWS_PREVIEW_ROLES", ".deploy": "AWS_DEPLOY_ROLES", "drift": "AWS_PREVIEW_ROLES"}
    assert sources(document["preview"]) | sources(document["drift"]) == set(PREVIEWING)
    for name in ("deploy-dev", "deploy-staging", "deploy-prod"):
        assert "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in document[name]["rules"][0]["if"]
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_PATH == $CI_PROJECT_PATH" in document["preview"]["rules"][0]["if"]


def test_the_variables_are_set_from_the_outputs_of_the_roles(document: dict[str, Any]) -> None:
    exported = set(re.findall(r'pulumi\.export\("(\w+)"', (PROGRAM / "__main__.py").read_text(encoding="utf-8")))
    assert exported <= set(DeployRoles.__annotations__)
    told = dict(re.findall(r"glab variable set (\w+) .*stack output (\w+) --json", TOLD))
    assert told == {"AWS_PREVIEW_ROLES": "preview_role_arns", "AWS_DEPLOY_ROLES": "deploy_role_arns"}
    assert set(told.values()) == exported
    assert set(told) == {job["variables"]["ROLES"] for job in assuming(document).values()}


def test_a_job_finds_its_role_and_keeps_its_token_to_itself(document: dict[str, Any], tmp_path: Path) -> None:
    """The lines before the script, run by a shell: what the AWS SDK will read."""
    lines = [line for line in document[".aws"]["before_script"] if isinstance(line, str)]
    names = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME", "AWS_ROLE_ARN")
    roles = {stack: f"arn:aws:iam::123456789012:role/mlstack-{stack}-gitlab-deploy" for stack in ("dev", "prod")}
    done = subprocess.run(
        ["bash", "-euc", "\n".join([*lines, *(f"printenv {name}" for name in names)])],
        env={
            "PATH": os.environ["PATH"],
            "TMPDIR": str(tmp_path),
            "AWS_TOKEN": "header.payload.signature",
            "CI_JOB_ID": "815",
            "ROLES": "AWS_DEPLOY_ROLES",
            "AWS_DEPLOY_ROLES": json.dumps(roles),
            "STACK": "prod",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    file, session, role = done.stdout.split()
    assert Path(file).read_text(encoding="utf-8").strip() == "header.payload.signature"
    assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600
    assert session == "gitlab-815"
    assert role == roles["prod"]
