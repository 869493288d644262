"""A change on its way: two commits, the comment on the pull request, and only what was approved is deployed.

The engine, the program and git are real, AWS and ZenML embedded; GitHub is a stand-in.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from mlstack.review.forge import marker
from tests.end_to_end.conftest import ROOT, Deployment
from tests.review.forge.stand_in import serving

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def deployed(deployment: Deployment) -> None:
    deployment.configure(
        orchestrator="local",
        stepOperator="false",
        imageBuilder="false",
        containerRegistry="false",
        encryption={"mode": "aws-managed"},
    )
    git(deployment, "init", "--quiet")
    commit(deployment, "the environment")
    deployment.up()


def git(deployment: Deployment, *arguments: str) -> None:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    subprocess.run(["git", *who, *arguments], cwd=deployment.settings.parent, check=True, capture_output=True)


def commit(deployment: Deployment, message: str) -> None:
    git(deployment, "add", deployment.settings.name)
    git(deployment, "commit", "--quiet", "-m", message)


def mlstack(deployment: Deployment, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    settings = ("--stack", "local", "--config-file", str(deployment.settings))
    return subprocess.run(
        [sys.executable, "-m", "mlstack", arguments[0], *settings, *arguments[1:]],
        cwd=ROOT,
        env={**deployment.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def test_only_what_was_approved_is_deployed(deployment: Deployment) -> None:
    with serving("github") as github:
        deployment.configure(connector={"principal": "arn:aws:iam::123456789012:role/another-server"})
        commit(deployment, "another server")
        posting = ("--post", "--forge", "github", "--pull-request", "7", "--json")
        reviewed = mlstack(deployment, "review", *posting, no_proxy="127.0.0.1", **github.environment)
        assert reviewed.returncode == 0, reviewed.stderr
        ((_, _, comment),) = github.shown

    assert "trust of `review-local-eu-west-1-access`: **broadened**" in comment
    assert "[components/role.py:" not in comment, "no link where nobody said what to link to"
    assert os.fspath(ROOT) not in comment
    approved = marker.find(comment)
    assert approved is not None
    assert approved.plan is not None
    report: dict[str, Any] = json.loads(reviewed.stdout)
    assert approved.plan == report["plan_hash"]

    # Somebody pushes another commit: what was approved is not what would be deployed.
    deployment.configure(artifactStoreForceDestroy=False)
    commit(deployment, "and something else")
    by_hash = mlstack(deployment, "deploy", "--approved", approved.plan)
    assert by_hash.returncode == 4, by_hash.stderr
    assert f"{approved.plan[:16]} was approved; nothing was changed" in by_hash.stderr
    file = deployment.settings.with_name("report.json")
    file.write_text(reviewed.stdout)
    by_file = mlstack(deployment, "deploy", "--approved", str(file))
    assert by_file.returncode == 4, by_file.stderr
    assert "update review-artifacts-bucket: was not approved" in by_file.stderr

    deployment.configure(artifactStoreForceDestroy=True)
    commit(deployment, "back to what was approved")
    deployed = mlstack(deployment, "deploy", "--approved", approved.plan, "--json")
    assert deployed.returncode == 0, deployed.stderr
    assert json.loads(deployed.stdout)["resources"]["update"] == 1

    # Nothing is left to do, and nothing has drifted.
    again = mlstack(deployment, "deploy", "--approved", approved.plan)
    assert again.returncode == 0, again.stderr
    assert mlstack(deployment, "review", "--drift").returncode == 0
