"""`mlstack deploy` and `mlstack destroy`: the whole way with the real engine and a real ZenML server, in one order.

A small environment, so that an update takes few seconds. That AWS itself propagates slowly is not shown.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mlstack.engine import EngineError, Pulumi
from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import ROOT, Deployment
from tests.registration.conftest import Server

pytestmark = pytest.mark.engine

SMALL = {
    "orchestrator": "local",
    "stepOperator": "false",
    "imageBuilder": "false",
    "containerRegistry": "false",
    "encryption": {"mode": "aws-managed"},
}


@pytest.fixture(scope="module", autouse=True)
def small(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With a state in which there is no stack yet."""
    deployment.configure(**SMALL)
    deployment.environment["PULUMI_BACKEND_URL"] = f"file://{tmp_path_factory.mktemp('state')}"


@pytest.fixture
def server(cloud: Cloud) -> Server:
    environment = cloud.zenml_environment()
    return Server(environment["ZENML_STORE_URL"], environment["ZENML_STORE_API_KEY"])


def mlstack(deployment: Deployment, command: str, *arguments: str, **environment: str) -> Any:
    return subprocess.run(
        _command(deployment, command, *arguments),
        cwd=ROOT,
        env={**deployment.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def _command(deployment: Deployment, command: str, *arguments: str) -> list[str]:
    settings = ("--stack", "local", "--config-file", str(deployment.settings))
    return [sys.executable, "-m", "mlstack", command, *settings, *arguments]


def done(deployment: Deployment, command: str, *arguments: str) -> Any:
    ended = mlstack(deployment, command, *arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def resources(deployment: Deployment) -> list[str]:
    state = json.loads(deployment.run("pulumi", "stack", "export", "--stack", "local").stdout)["deployment"]
    assert not state.get("pending_operations"), "the engine was cut off"
    return [each["type"] for each in state.get("resources") or [] if each["custom"]]


def test_nothing_happens_that_nobody_agreed_to(deployment: Deployment) -> None:
    ended = mlstack(deployment, "deploy")
    assert ended.returncode == 2
    assert "changes to who may do what" in ended.stderr
    assert "+ Allow" in ended.stderr
    assert "for arn:aws:iam::123456789012:user/zenml-server" in ended.stderr
    assert "nothing was changed\n  say it with --yes" in ended.stderr
    assert resources(deployment) == []


def test_a_stack_that_is_neither_there_nor_has_settings_is_one_message(deployment: Deployment) -> None:
    for command in ("deploy", "destroy"):
        ended = deployment.mlstack(command, "--stack", "nowhere", check=False)
        assert ended.returncode == 2
        assert "there is no Pulumi stack 'nowhere'" in ended.stderr


def test_a_server_that_is_not_there_is_said_before_anything_is_touched(deployment: Deployment) -> None:
    ended = mlstack(deployment, "deploy", "--yes", ZENML_STORE_URL="http://127.0.0.1:1")
    assert ended.returncode == 1
    assert "the ZenML server http://127.0.0.1:1 refuses connections" in ended.stderr
    assert resources(deployment) == []


def test_everything_in_one_command(deployment: Deployment, server: Server) -> None:
    made = done(deployment, "deploy", "--yes", "--smoke")
    assert made["changed"]
    assert made["resources"]["create"] >= len(resources(deployment)) > 8
    assert {change["kind"] for change in made["iam_changes"]} >= {"trust", "policy", "bucket policy"}
    assert all(change["sign"] == "+" for change in made["iam_changes"])
    stack = server.held("stacks", deployment.name)[0]
    assert made["dashboard"].endswith(f"/stacks?id={stack['id']}")
    assert made["registration"]["stack_id"] == stack["id"]
    proven = made["smoke"][f"{deployment.name}-local"]
    assert proven["ok"]
    assert proven["image"]["image"] is None
    assert proven["image"]["reason"] == "mlstack:orchestrator is local"


def test_an_image_for_no_pipeline_is_refused_before_anything_is_touched(deployment: Deployment) -> None:
    for option in (("--image", "tests"), ("--no-image",), ("--base", "127.0.0.1:9/python:3.11")):
        ended = mlstack(deployment, "deploy", "--yes", *option)
        assert ended.returncode == 2, ended.stderr
        assert "✓" not in ended.stderr
    assert "are of the pipeline that --smoke runs\n  add --smoke" in ended.stderr


def test_again_it_asks_nothing_and_changes_nothing(deployment: Deployment) -> None:
    ended = mlstack(deployment, "deploy")
    assert ended.returncode == 0, ended.stderr
    assert "no changes" in ended.stderr
    assert "ZenML unchanged" in ended.stdout
    assert f"zenml stack set {deployment.name}-local" in ended.stdout
    assert "\x1b[" not in ended.stdout + ended.stderr


def test_what_was_not_agreed_to_is_not_done(deployment: Deployment, tmp_path: Path) -> None:
    plan, log = tmp_path / "plan.json", tmp_path / "log"
    environment, settings = deployment.environment, str(deployment.settings)
    pulumi = Pulumi(ROOT, "local", log=log, environment=environment, config_file=settings)
    assert not pulumi.preview(lambda _: None, plan=plan).changed
    deployment.configure(connector={"principal": "arn:aws:iam::123456789012:role/somebody-else"})
    with pytest.raises(EngineError, match="look at a new one"):
        pulumi.up(lambda _: None, plan=plan)
    deployment.configure(connector={"principal": "arn:aws:iam::123456789012:user/zenml-server"})


def test_what_a_change_does_to_permissions_is_shown_statement_by_statement(deployment: Deployment) -> None:
    deployment.configure(connector={"principal": "arn:aws:iam::123456789012:role/another-server"})
    changed = done(deployment, "deploy", "--yes")
    assert [(each["sign"], each["kind"], each["principals"]) for each in changed["iam_changes"]] == [
        ("-", "trust", ["arn:aws:iam::123456789012:user/zenml-server"]),
        ("+", "trust", ["arn:aws:iam::123456789012:role/another-server"]),
    ]
    deployment.configure(connector={"principal": "arn:aws:iam::123456789012:user/zenml-server"})


def test_when_it_fails_it_says_what_was_done_what_was_not_and_how_to_go_on(
    deployment: Deployment, cloud: Cloud
) -> None:
    # AWS refuses: somebody else's repository has the name.
    ecr = cloud.aws_client("ecr")
    ecr.create_repository(repositoryName=f"{deployment.name}-local")
    deployment.configure(containerRegistry="true")
    ended = mlstack(deployment, "deploy", "--yes", "--json")
    assert ended.returncode == 1
    assert f"Repository {deployment.name}" in ended.stderr
    assert "RepositoryAlreadyExists" in ended.stderr
    assert "`pulumi import` it, or change mlstack:name" in ended.stderr
    assert "not done: pulumi up" in ended.stderr
    assert "go on with: mlstack deploy --stack local" in ended.stderr
    told = json.loads(ended.stdout)
    assert told["result"] == "failed"
    assert told["not_done"][-1] == "registration"
    assert told["next"].startswith("mlstack deploy --stack local")
    ecr.delete_repository(repositoryName=f"{deployment.name}-local")

    # ZenML refuses.
    ended = mlstack(deployment, "deploy", "--yes", ZENML_STORE_API_KEY="ZENKEY_bm8=")
    assert ended.returncode == 1
    assert "refuses the credentials" in ended.stderr
    assert "pulumi up (" in ended.stderr
    assert "not done: registration" in ended.stderr
    assert "Traceback" not in ended.stderr

    assert done(deployment, "deploy", "--yes")["registration"]["changed"]


def test_what_is_protected_or_not_empty_is_said_before_zenml_forgets_anything(
    deployment: Deployment, cloud: Cloud, server: Server
) -> None:
    deployment.configure(protect=True, artifactStoreForceDestroy=False)
    done(deployment, "deploy", "--yes")
    bucket = f"{deployment.name}-local-123456789012-eu-west-1"
    cloud.aws_client("s3").put_object(Bucket=bucket, Key="artifact", Body=b"x")
    ended = mlstack(deployment, "destroy", "--confirm", "local")
    assert ended.returncode == 2
    assert f"bucket {bucket} is protected" in ended.stderr
    assert f"bucket {bucket} is not empty" in ended.stderr
    assert "set mlstack:protect: false and mlstack:artifactStoreForceDestroy: true in Pulumi.local.yaml" in ended.stderr

    # Taking the protection away is no operation of the engine, and has to be agreed to all the same.
    deployment.configure(protect=False, artifactStoreForceDestroy=True)
    refused = mlstack(deployment, "deploy")
    assert refused.returncode == 2
    assert f"{deployment.name}-artifacts-bucket is no longer protected" in refused.stderr
    assert len(server.held("stacks", deployment.name)) == 1
    done(deployment, "deploy", "--yes")


def test_data_goes_only_when_the_environment_is_named(deployment: Deployment) -> None:
    for arguments, said in (
        ((), "say it with --confirm local"),
        (("--yes",), "say it with --confirm local"),
        (("--confirm", "prod"), "'prod' is not the environment 'local'"),
    ):
        ended = mlstack(deployment, "destroy", *arguments)
        assert ended.returncode == 2, ended.stderr
        assert said in ended.stderr
        assert f"bucket {deployment.name}-local-123456789012-eu-west-1 with everything in it" in ended.stderr
    assert resources(deployment)


def test_nothing_is_destroyed_that_zenml_still_points_at(deployment: Deployment, server: Server) -> None:
    before = resources(deployment)
    ended = mlstack(deployment, "destroy", "--confirm", "local", ZENML_STORE_API_KEY="ZENKEY_bm8=")
    assert ended.returncode == 1
    assert "not done: deregistration, pulumi destroy" in ended.stderr
    assert "when that server is gone for good: pulumi destroy --stack local" in ended.stderr
    assert resources(deployment) == before
    assert len(server.held("stacks", deployment.name)) == 1


def test_everything_is_taken_away_in_one_command(deployment: Deployment, server: Server) -> None:
    gone = done(deployment, "destroy", "--confirm", "local")
    assert gone["registration"]["changed"]
    assert resources(deployment) == []
    for kind in ("stacks", "components", "service_connectors"):
        assert server.held(kind, deployment.name) == []


def test_ctrl_c_lets_the_engine_finish_what_it_is_doing(deployment: Deployment) -> None:
    process = subprocess.Popen(
        _command(deployment, "deploy", "--yes"),
        cwd=ROOT,
        env=deployment.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    next(line for line in process.stderr if line.startswith("✓ preview"))
    log = ROOT / ".mlstack" / "logs" / "pulumi-local.log"
    while '"planning":true' in (written := log.read_text()) or '"op":"create"' not in written:
        time.sleep(0.01)
    # Whoever is impatient, or a CI system that ends a job, sends another one: the engine must not get that.
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "not done: pulumi up" in said
    begun = resources(deployment)
    assert len(begun) < len(_whole(deployment)), "it was interrupted too late to show anything"


def _whole(deployment: Deployment) -> list[str]:
    done(deployment, "deploy", "--yes")
    return resources(deployment)


def test_plain_pulumi_up_registers_when_that_is_set(deployment: Deployment, server: Server) -> None:
    done(deployment, "destroy", "--confirm", "local")
    deployment.configure(register="automatic")
    deployment.pulumi("preview")
    assert server.held("stacks", deployment.name) == []
    deployment.up()
    assert len(server.held("stacks", deployment.name)) == 1
    assert not json.loads(deployment.mlstack("plan", "--stack", "local", "--json").stdout)["changed"]

    # ZenML cannot be reached: the update fails, and the next one goes on.
    deployment.configure(stackName="renamed")
    reachable = deployment.environment["ZENML_STORE_URL"]
    deployment.environment["ZENML_STORE_URL"] = "http://127.0.0.1:1"
    failed = deployment.pulumi("up", "--yes", "--skip-preview", check=False)
    deployment.environment["ZENML_STORE_URL"] = reachable
    assert failed.returncode != 0
    assert "the ZenML server http://127.0.0.1:1 refuses connections" in failed.stdout + failed.stderr
    deployment.up()
    assert len(server.held("stacks", "renamed")) == 1
    assert deployment.up().keys() == {"same"}

    # Set back to manual, it is registered as before.
    deployment.configure(register="manual")
    assert set(deployment.up()) == {"same", "delete"}
    assert len(server.held("stacks", "renamed")) == 1

    deployment.configure(register="automatic")
    deployment.up()
    deployment.pulumi("destroy", "--yes", "--skip-preview", "--run-program")
    assert server.held("stacks", "renamed") == []
