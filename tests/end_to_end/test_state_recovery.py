"""The state in a bucket that `mlstack backend bootstrap` made, and the three ways of losing some of it, each recovered.

The commands are those of docs/state.md, word for word: `documented` looks. The bucket is the emulator's; that AWS's
behaves as it does, and how long its KMS and IAM take to agree with themselves, is not shown.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mlstack.engine import EngineError, Pulumi
from mlstack.errors import MLStackError
from mlstack.local.cloud import Cloud
from mlstack.local.engine import Engine
from tests.end_to_end.conftest import ROOT, Deployment

pytestmark = pytest.mark.engine

DOCUMENT = (ROOT / "docs" / "state.md").read_text(encoding="utf-8")
SMALL = {
    "name": "recovery",
    "orchestrator": "local",
    "stepOperator": "false",
    "imageBuilder": "false",
    "containerRegistry": "false",
    "encryption": {"mode": "aws-managed"},
}
OBJECT = ".pulumi/stacks/mlstack/local.json"


class InABucket(Deployment):
    """The program in a directory of its own, as `pulumi stack init` writes into the settings file."""

    def write(self) -> None:
        from ruamel.yaml import YAML

        yaml = YAML()
        source = self.settings if self.settings.exists() else ROOT / "Pulumi.local.yaml"
        document = yaml.load(source.read_text(encoding="utf-8"))
        document.pop("encryptionsalt", None)
        document["config"].update(self.changes)
        with self.settings.open("w", encoding="utf-8") as file:
            yaml.dump(document, file)

    def documented(self, command: str, *, fails: bool = False, **variables: str) -> str:
        """Run a line of docs/state.md, with `local` for its `dev`; its standard output."""
        assert f"\n{command}\n" in DOCUMENT, f"docs/state.md does not say: {command}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command.replace(" dev", " local").replace("/dev.", "/local.")],
            cwd=self.directory,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )
        assert (done.returncode != 0) == fails, f"{command}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr if fails else done.stdout

    def state(self) -> Any:
        return json.loads(self.run("pulumi", "stack", "export", "--stack", "local").stdout)["deployment"]

    def types(self) -> list[str]:
        return sorted(each["type"] for each in self.state().get("resources", []) if each["custom"])

    def operations(self) -> dict[str, int]:
        """What the next update would do."""
        done = self.pulumi("preview", "--json", check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        digest: dict[str, int] = json.loads(done.stdout)["changeSummary"]
        return digest


@pytest.fixture(scope="module")
def made(cloud: Cloud, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `mlstack backend bootstrap --json` says, and the deployment that uses it."""
    directory = tmp_path_factory.mktemp("recovery")
    for each in ("__main__.py", "Pulumi.yaml", "components", "mlstack", ".venv"):
        (directory / each).symlink_to(ROOT / each)
    tools = directory / "bin"
    tools.mkdir()
    (tools / "aws").write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent}/aws_command.py "$@"\n')
    (tools / "aws").chmod(0o755)
    environment = {**cloud.pulumi_environment(engine.bin), **cloud.zenml_environment()}
    del environment["PULUMI_BACKEND_URL"]
    environment |= {"PULUMI_HOME": str(directory / "home"), "PATH": f"{tools}:{environment['PATH']}"}
    deployment = InABucket(
        name="recovery",
        settings=directory / "Pulumi.local.yaml",
        environment={**os.environ, **environment},
        directory=directory,
    )
    deployment.configure(**SMALL)
    said = json.loads(
        deployment.mlstack("backend", "bootstrap", "--stack", "local", "--name", "recovery", "--yes", "--json").stdout
    )
    yield {**said, "deployment": deployment}
    deployment.pulumi("destroy", "--yes", "--skip-preview", check=False)


@pytest.fixture(scope="module")
def deployment(made: dict[str, Any]) -> InABucket:
    found: InABucket = made["deployment"]
    return found


@pytest.fixture(scope="module")
def bucket(made: dict[str, Any]) -> str:
    return str(made["bucket"])


def test_the_commands_that_bootstrap_prints_are_those_that_the_engine_takes(
    deployment: InABucket, made: dict[str, Any], cloud: Cloud
) -> None:
    login, init = made["commands"]
    assert login.startswith(f"pulumi login 's3://{made['bucket']}?region=eu-west-1")
    assert init.startswith("pulumi stack init local --secrets-provider='awskms://alias/recovery-pulumi-state?region=")
    for command in (login, init):
        deployment.run("bash", "-c", command)
    assert "encryptedkey" in deployment.settings.read_text()
    assert deployment.up()["create"] > 8
    kept = cloud.aws_client("s3").get_object(Bucket=made["bucket"], Key=OBJECT)
    assert (kept["ServerSideEncryption"], kept["SSEKMSKeyId"]) == ("aws:kms", made["key_arn"])
    assert kept["VersionId"] != "null"
    assert json.loads(deployment.mlstack("backend", "unlock", "--stack", "local", "--json").stdout)["locks"] == []


def test_a_lost_update_is_imported_and_nothing_is_made_twice(deployment: InABucket, bucket: str, cloud: Cloud) -> None:
    before = newest(cloud, bucket)
    deployment.configure(containerRegistry="true")
    deployment.up()
    whole = deployment.types()
    # The state of the last update is lost: the one before it is the newest again.
    restore(cloud, bucket, before)
    assert len(deployment.types()) < len(whole)
    refused = deployment.pulumi("up", "--yes", "--skip-preview", check=False)
    assert refused.returncode != 0
    assert "RepositoryAlreadyExists" in refused.stdout + refused.stderr

    deployment.documented("pulumi refresh --stack dev --yes")
    deployment.documented("pulumi preview --stack dev --import-file lost.json")
    lost = json.loads((deployment.directory / "lost.json").read_text())["resources"]
    assert {each["type"] for each in lost if not each.get("component")} == set(whole) - set(deployment.types())
    deployment.documented("sed -i 's/<PLACEHOLDER>/'$ID'/' lost.json", ID="recovery-local")
    deployment.documented("pulumi import --stack dev --file lost.json --protect=false --generate-code=false --yes")
    assert set(deployment.operations()) <= {"same", "update"}
    deployment.up()
    assert deployment.types() == whole
    assert set(deployment.operations()) == {"same"}


def test_an_older_version_of_the_state_is_restored_refreshed_and_replaces_nothing(
    deployment: InABucket, bucket: str, cloud: Cloud
) -> None:
    deployment.configure(tags={"team": "before"})
    deployment.up()
    before = newest(cloud, bucket)
    deployment.configure(tags={"team": "after"})
    deployment.up()
    after = deployment.state()["resources"]

    versions = json.loads(
        deployment.documented(
            'aws s3api list-object-versions --bucket "$BUCKET" --prefix .pulumi/stacks/mlstack/dev.json', BUCKET=bucket
        )
    )["Versions"]
    assert before in [each["VersionId"] for each in versions]
    deployment.documented(
        'aws s3api copy-object --bucket "$BUCKET" --key .pulumi/stacks/mlstack/dev.json '
        '--copy-source "$BUCKET/.pulumi/stacks/mlstack/dev.json?versionId=$VERSION"',
        BUCKET=bucket,
        VERSION=before,
    )
    assert '"before"' in json.dumps(deployment.state())
    deployment.documented("pulumi refresh --stack dev --yes")
    shown = deployment.documented("pulumi preview --stack dev --diff")
    assert "replace" not in shown
    assert set(deployment.operations()) <= {"same", "update"}
    deployment.up()
    now = deployment.state()["resources"]
    assert {each["urn"]: each.get("id") for each in now} == {each["urn"]: each.get("id") for each in after}
    assert set(deployment.operations()) == {"same"}


def test_a_killed_deployment_is_unlocked_made_clear_and_goes_on(
    deployment: InABucket, bucket: str, cloud: Cloud
) -> None:
    deployment.pulumi("destroy", "--yes", "--skip-preview")
    kill_midway(deployment, cloud, bucket)
    with pytest.raises(
        EngineError, match=r"^destroying failed:\nthe stack is currently locked by 1 lock(?s:.)* unlock"
    ):
        Pulumi(deployment.directory, "local", environment=deployment.environment).destroy(lambda _: None)

    # Somebody else's, on another machine, at the same time: it stays.
    s3 = cloud.aws_client("s3")
    theirs = ".pulumi/locks/organization/mlstack/local/11111111-2222-3333-4444-555555555555.json"
    content = {"pid": 1, "username": "somebody", "hostname": "elsewhere", "timestamp": "2026-01-02T03:04:05.123456789Z"}
    s3.put_object(Bucket=bucket, Key=theirs, Body=json.dumps(content).encode())
    kept = deployment.documented("mlstack backend unlock --stack dev", fails=True)
    assert "has ended; this checkout started it" in kept
    assert "somebody@elsewhere, pid 1, since 2026-01-02 03:04:05 UTC: kept" in kept
    assert "pulumi cancel --stack local takes every lock away" in kept
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=".pulumi/locks/")["Contents"]] == [theirs]
    s3.delete_object(Bucket=bucket, Key=theirs)
    deployment.documented("mlstack backend unlock --stack dev")

    refused = deployment.mlstack("deploy", "--stack", "local", "--yes", check=False)
    assert refused.returncode == 1
    assert "a run was cut off while it created these" in refused.stderr
    imports = [line.strip() for line in refused.stderr.splitlines() if line.startswith("  pulumi import ")]
    begun = {each["resource"]["urn"]: each["resource"] for each in deployment.state()["pending_operations"]}
    for urn, resource in begun.items():
        (command,) = (line for line in imports if f" {urn.rpartition('::')[2]} " in line)
        if exists(cloud, resource):
            deployment.run("bash", "-c", command)
            assert urn in [each["urn"] for each in deployment.state()["resources"]]
    deployment.documented("pulumi refresh --stack dev --yes --clear-pending-creates")
    assert not deployment.state().get("pending_operations")
    deployment.documented("mlstack deploy --stack dev --yes")
    assert set(deployment.operations()) == {"same"}


def kill_midway(deployment: InABucket, cloud: Cloud, bucket: str) -> None:
    """SIGKILL for the engine while it creates something, as the state has it.

    It runs in steps shorter than a creation and is looked at while it stands still: one that is killed between two
    creations leaves a lock behind and nothing to recover.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "mlstack", "deploy", "--stack", "local", "--yes"],
        cwd=deployment.directory,
        env=deployment.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    s3 = cloud.aws_client("s3")
    killed = False
    while process.poll() is None and not killed:
        time.sleep(0.005)
        for update in _updates(process):
            update.suspend()
            time.sleep(0.03)
            if _creating(s3, bucket):
                time.sleep(0.5)  # What it sent before it stood still arrives, however busy the emulator is.
                killed = _creating(s3, bucket)
            update.send_signal(signal.SIGKILL if killed else signal.SIGCONT)
    said = process.communicate(timeout=120)[1]
    assert killed, f"the engine was never seen creating: {said}"
    assert process.returncode == 1, said
    assert "Traceback" not in said


def _updates(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        engines = [each for each in psutil.Process(process.pid).children() if each.name() == "pulumi"]
        return [each for each in engines if "up" in each.cmdline()]
    except psutil.NoSuchProcess:
        return []


_ONCE = ("aws:s3/bucket:Bucket", "aws:iam/role:Role", "aws:ecr/repository:Repository")
"""What AWS refuses to make again: the case that needs somebody."""


def _creating(s3: Any, bucket: str) -> bool:
    state = json.loads(s3.get_object(Bucket=bucket, Key=OBJECT)["Body"].read())
    pending = state["checkpoint"]["latest"].get("pending_operations") or []
    return any(each["type"] == "creating" and each["resource"]["type"] in _ONCE for each in pending)


def exists(cloud: Cloud, resource: dict[str, Any]) -> bool:
    """Whether what was being created is there: what whoever recovers looks up in AWS."""
    inputs, kind = resource.get("inputs") or {}, resource["type"].rpartition(":")[2]
    if kind == "Bucket":
        return inputs["bucket"] in [each["Name"] for each in cloud.aws_client("s3").list_buckets()["Buckets"]]
    if kind == "Role":
        return inputs["name"] in [each["RoleName"] for each in cloud.aws_client("iam").list_roles()["Roles"]]
    if kind == "Repository":
        repositories = cloud.aws_client("ecr").describe_repositories()["repositories"]
        return inputs["name"] in [each["repositoryName"] for each in repositories]
    # What is a setting of something else can be set again.
    return False


def newest(cloud: Cloud, bucket: str) -> str:
    return str(cloud.aws_client("s3").head_object(Bucket=bucket, Key=OBJECT)["VersionId"])


def restore(cloud: Cloud, bucket: str, version: str) -> None:
    source = {"Bucket": bucket, "Key": OBJECT, "VersionId": version}
    cloud.aws_client("s3").copy_object(Bucket=bucket, Key=OBJECT, CopySource=source)


def test_a_stack_that_would_need_a_passphrase_says_how_it_is_made_with_a_key(
    deployment: InABucket, tmp_path: Path
) -> None:
    for each in ("__main__.py", "Pulumi.yaml", "Pulumi.local.yaml", ".venv"):
        (tmp_path / each).symlink_to(ROOT / each)
    (tmp_path / "Pulumi.new.yaml").write_text("config:\n  aws:region: eu-west-1\n", encoding="utf-8")
    environment = {**deployment.environment, "PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    del environment["PULUMI_CONFIG_PASSPHRASE"]
    with pytest.raises(MLStackError, match="passphrase") as refused:
        Pulumi(tmp_path, "new", environment=environment).make()
    assert "pulumi stack init new --secrets-provider=" in str(refused.value)
