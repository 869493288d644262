"""`mlstack adopt` from the stack as ZenML's own template and module make it to one that is ours, nothing lost.

Against the emulator. What AWS itself refuses of a CloudFormation update, and how long it takes, is not shown.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from components.sections import Kept
from mlstack.adoption.explained import NEEDED, UNEXPLAINED
from mlstack.local.cloud import Cloud
from mlstack.local.engine import Engine
from tests.adoption import originals
from tests.adoption.originals import Original, fill, ids_in_zenml, remains
from tests.end_to_end.conftest import ROOT
from tests.registration.conftest import Server

pytestmark = pytest.mark.engine

LIMIT = 60.0
"""Seconds in which a whole ZenML stack is adopted against the emulator."""


@dataclass
class Place:
    """The program in a directory of its own, with a state of its own."""

    directory: Path
    environment: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )

    def mlstack(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "mlstack", *arguments)

    def json(self, *arguments: str) -> Any:
        done = self.mlstack(*arguments, "--json")
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    def stacks(self) -> list[str]:
        return [each["name"] for each in json.loads(self.run("pulumi", "stack", "ls", "--json").stdout)]


@pytest.fixture(scope="module")
def place(cloud: Cloud, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("adoption")
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    project["main"] = str(ROOT)
    project["runtime"]["options"]["virtualenv"] = str(ROOT / ".venv")
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False), encoding="utf-8")
    (directory / "state").mkdir()
    state = {"PULUMI_BACKEND_URL": f"file://{directory / 'state'}"}
    place = Place(directory, {**cloud.pulumi_environment(engine.bin), **cloud.zenml_environment(), **state})
    yield place
    for stack in place.stacks():
        place.mlstack("deregister", "--stack", stack)
        change(place, stack, protect=False, artifactStoreForceDestroy=True, containerRegistryForceDelete=True)
        place.run("pulumi", "up", "--yes", "--skip-preview", "--stack", stack)
        place.run("pulumi", "destroy", "--yes", "--skip-preview", "--stack", stack)


@pytest.fixture(scope="module")
def server(cloud: Cloud) -> Server:
    return Server.of(cloud)


def granted(cloud: Cloud, original: Original) -> dict[str, Any]:
    """Who may do what, which the deployment is to narrow."""
    iam = cloud.aws_client("iam")
    return {
        role: (
            sorted(iam.list_role_policies(RoleName=role)["PolicyNames"]),
            [each["PolicyName"] for each in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]],
        )
        for role in original.roles
    }


@dataclass(frozen=True)
class Case:
    original: Original
    zenml_stack: str
    environment: str
    """That it becomes."""
    origin: tuple[str, ...]
    """Arguments of `mlstack adopt`."""


def adopt_and_deploy(place: Place, cloud: Cloud, server: Server, case: Case) -> None:
    """In one order, as people do it."""
    original, zenml_stack, stack = case.original, case.zenml_stack, case.environment
    fill(cloud, original)
    before, ids, rights = remains(cloud, original), ids_in_zenml(server, zenml_stack), granted(cloud, original)
    arguments = ("adopt", *case.origin, "--stack", stack)

    shown = place.json(*arguments)
    assert not shown["adopted"]
    assert set(shown["counts"]) <= {"create", "update"}, "something would be replaced or deleted"
    reasons = [(each["name"], reason) for each in shown["changes"] for reason in each["reasons"]]
    assert [name for name, reason in reasons if reason["why"] == UNEXPLAINED.why] == [], "a change that nobody explains"
    assert stack not in place.stacks()
    assert (remains(cloud, original), granted(cloud, original)) == (before, rights), "a dry run changed something"

    if original.project:  # once is enough
        refuses_to_replace(place, stack, *arguments)

    began = time.monotonic()
    done = place.json(*arguments, "--yes")
    assert done["adopted"]
    assert time.monotonic() - began < LIMIT
    assert (remains(cloud, original), granted(cloud, original)) == (before, rights), "an import changed something"
    assert original.secret not in json.dumps([shown, done])

    deployed = place.json("deploy", "--stack", stack, "--adopt", "--yes")
    assert deployed["data_lost"] == []
    assert not {"delete", "replace"} & deployed["resources"].keys()
    assert remains(cloud, original) == before
    after = ids_in_zenml(server, zenml_stack)
    same = {what: id_ for what, id_ in ids.items() if id_ == after.get(what)}
    # A `local` image builder is ZenML's own default, which no stack of ours names.
    expected = {what for what in ids if what != "image_builder" or original.project}
    moved = {"connector of artifact_store", "connector of container_registry"} if original.project else set()
    assert same.keys() == expected - moved, "what runs and artifacts hang on is another object"
    for role, (inline, attached) in granted(cloud, original).items():
        assert (len(inline), attached) == (1, []), f"{role} kept what it was given more than it needs"

    assert place.run("pulumi", "preview", "--expect-no-changes", "--stack", stack).returncode == 0
    assert place.mlstack("status", "--stack", stack).returncode == 0
    rotated = place.json("rotate-key", "--stack", stack, "--yes")
    assert (rotated["old"], rotated["new"]) == (1, 2)
    keys = cloud.aws_client("iam").list_access_keys(UserName=original.user)["AccessKeyMetadata"]
    assert [each["AccessKeyId"] for each in keys] == [rotated["access_key_id"]] != [original.key_id]

    again = place.mlstack(*arguments, "--yes")
    assert again.returncode == 2
    assert "managed already, by environment" in again.stderr


def change(place: Place, stack: str, **changes: Any) -> None:
    """Settings, without their namespace, in the file that was written."""
    file = place.directory / f"Pulumi.{stack}.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["config"].update({f"mlstack:{key}": value for key, value in changes.items()})
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def refuses_to_replace(place: Place, stack: str, *arguments: str) -> None:
    """With settings that would replace what holds images; they are put back."""
    file = place.directory / f"Pulumi.{stack}.yaml"
    as_written = file.read_text(encoding="utf-8")
    change(place, stack, keep=[], encryption={"mode": "kms"})
    refused = place.mlstack(*arguments, "--yes")
    assert refused.returncode == 1
    assert "replace Repository zenml-registry-repository because of encryptionConfigurations" in refused.stderr
    assert "nothing was imported" in refused.stderr
    assert stack not in place.stacks()
    file.write_text(as_written, encoding="utf-8")


def test_every_hardening_can_be_switched_off_and_what_is_left_is_needed(place: Place, cloud: Cloud) -> None:
    originals.by_cloudformation(cloud, "zenml-dc0001")
    arguments = ("adopt", "--from", "discover", "zenml-dc0001", "--stack", "kept", "--zenml-stack", "elsewhere")
    hardened = place.json(*arguments)["changes"]
    assert {reason["off"].partition(":")[0] for each in hardened for reason in each["reasons"]} == {"mlstack", NEEDED}
    change(
        place,
        "kept",
        keep=list(get_args(Kept)),
        accessLogs={"mode": "off"},
        roles={"exclusive": False},
        orchestrator="local",
    )
    left = place.json(*arguments)["changes"]
    offs = {reason["off"] for each in left for reason in each["reasons"]} - {NEEDED}
    # Build logs have an end in any case, and ZenML has to be given a key whose secret is known.
    assert {off.partition(" {")[0] for off in offs} == {"mlstack:logRetentionDays: 3653", "mlstack:connector:"}
    assert "kept" not in place.stacks()


def test_a_stack_of_cloudformation_becomes_ours_with_all_that_is_in_it(
    place: Place, cloud: Cloud, server: Server
) -> None:
    original = originals.by_cloudformation(cloud, "zenml-cf0001")
    originals.register_one_click(server, original, "zenml-cf0001")
    origin = ("--from", "cloudformation", "zenml-cf0001")
    adopt_and_deploy(place, cloud, server, Case(original, "zenml-cf0001", "formed", origin))

    kept = remains(cloud, original)
    cloud.aws_client("cloudformation").delete_stack(StackName="zenml-cf0001")
    assert remains(cloud, original) == kept, "CloudFormation took away what is ours"


def test_a_stack_of_terraform_becomes_ours_with_all_that_is_in_it(place: Place, cloud: Cloud, server: Server) -> None:
    original = originals.by_terraform(cloud)
    originals.register_module(server, original, "adopted-terraform")
    origin = ("--from", "terraform", str(originals.STATE))
    adopt_and_deploy(place, cloud, server, Case(original, "adopted-terraform", "formerly-tf", origin))
    for file in place.directory.rglob("*"):
        if file.is_file():
            assert b"planted-secret-that-nobody-may-see" not in file.read_bytes(), f"{file} holds the state's secret"
