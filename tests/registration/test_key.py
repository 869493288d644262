"""Connectors with an access key: given to ZenML, never shown, seen when it is another one, and put back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlstack.access_key import AccessKey
from mlstack.local.cloud import Cloud
from tests.registration.conftest import Hook, Server
from tests.registration.forked import LOST, REFUSED, Forked
from tests.registration.test_nothing_half_done import Runs, world


@pytest.fixture(scope="module")
def hook(shared_cloud: Cloud, forked: Forked, tmp_path_factory: pytest.TempPathFactory) -> Hook:
    """Nothing of it exists in AWS: no connector is tried here."""
    return Hook(shared_cloud, tmp_path_factory.mktemp("key"), "r-key", forked)


@pytest.fixture(scope="module")
def server(hook: Hook) -> Server:
    environment = hook.cloud.zenml_environment()
    return Server(environment["ZENML_STORE_URL"], environment["ZENML_STORE_API_KEY"])


@pytest.fixture
def runs(hook: Hook, server: Server) -> Iterator[Runs]:
    """Everything that it registers is gone afterwards."""
    runs = Runs(hook, server.token)
    yield runs
    runs("deregister", str(hook.settings()))


def key(generation: int) -> AccessKey:
    """Of nobody: what ZenML keeps of it is what is looked at."""
    return AccessKey.model_validate_json(
        json.dumps(
            {
                "access_key_id": f"AKIAOFTHETEST00000{generation}",
                "secret_access_key": f"SecretOfTheTest/{generation}",
                "generation": generation,
                "generations": [generation],
            }
        )
    )


def outputs(hook: Hook, generation: int, *, shown: bool = True) -> str:
    """As `pulumi stack output --json` writes them, with `--show-secrets` or without."""
    file = hook.settings(connector=json.dumps({"auth": "iam-role", "keys": [generation]}))
    document = json.loads(file.read_text())
    document["connector_key"] = key(generation).as_json() if shown else "[secret]"
    file.write_text(json.dumps(document))
    return str(file)


def kept(server: Server, name: str) -> dict[str, Any]:
    """What ZenML keeps secret of each connector."""
    found = server.held("service_connectors", name)
    whole = [server.call("GET", f"service_connectors/{each['id']}?expand_secrets=true") for each in found]
    return {
        each["name"]: (
            each["metadata"]["configuration"]["aws_access_key_id"],
            each["metadata"]["configuration"]["aws_secret_access_key"],
        )
        for each in whole
    }


def test_another_key_is_an_update_of_the_connectors_and_no_secret_is_shown(
    runs: Runs, hook: Hook, server: Server
) -> None:
    first = runs.register(outputs(hook, 1))
    assert first.code == 0, first.stderr
    assert set(kept(server, hook.name).values()) == {("AKIAOFTHETEST000001", "SecretOfTheTest/1")}
    assert runs("plan", outputs(hook, 1)).code == 0

    planned = runs("plan", outputs(hook, 2), "--json")
    changes = [each for each in json.loads(planned.stdout.splitlines()[-1])["changes"] if each["kind"] == "connector"]
    assert [each["action"] for each in changes] == ["update"] * 3
    assert all(
        each["fields"] == {"labels.mlstack:key": {"old": "AKIAOFTHETEST000001", "new": "AKIAOFTHETEST000002"}}
        for each in changes
    )
    done = runs.register(outputs(hook, 2), how=None)
    assert set(kept(server, hook.name).values()) == {("AKIAOFTHETEST000002", "SecretOfTheTest/2")}
    said = "".join(each.stdout + each.stderr for each in (first, planned, done, runs("status", outputs(hook, 2))))
    assert "SecretOfTheTest" not in said


def test_from_one_way_to_another_the_connectors_are_replaced(runs: Runs, hook: Hook, server: Server) -> None:
    implicit = str(hook.settings())
    assert runs.register(implicit).code == 0
    assert runs.register(outputs(hook, 1)).code == 0
    assert set(kept(server, hook.name).values()) == {("AKIAOFTHETEST000001", "SecretOfTheTest/1")}
    assert runs("status", outputs(hook, 1)).code == 0
    assert runs.register(str(hook.settings())).code == 0
    methods = {each["body"]["auth_method"] for each in server.held("service_connectors", hook.name)}
    assert methods == {"implicit"}


def test_a_rotation_that_fails_at_any_request_leaves_the_old_key_in_place(
    runs: Runs, hook: Hook, server: Server
) -> None:
    assert runs.register(outputs(hook, 1)).code == 0
    before, had = world(server, hook.name), kept(server, hook.name)
    calls = runs.register(outputs(hook, 2)).calls
    assert runs.register(outputs(hook, 1)).code == 0
    writes = [number for number, call in enumerate(calls, 1) if call.startswith("PUT") and "service_connectors" in call]
    assert len(writes) == 3
    for number in writes:
        for how in (REFUSED, LOST):
            failed = runs.register(outputs(hook, 2), call=number, how=how)
            assert failed.code == 1
            assert "ZenML is as it was before this run" in failed.stderr
            assert "SecretOfTheTest" not in failed.stdout + failed.stderr
            assert (world(server, hook.name), kept(server, hook.name)) == (before, had)


def test_a_key_that_is_not_told_is_asked_for_in_one_message(runs: Runs, hook: Hook, server: Server) -> None:
    hidden = outputs(hook, 3, shown=False)
    for command in ("plan", "status", "register"):
        refused = runs(command, hidden)
        assert refused.code == 1
        assert "asks for connectors with access key 3, and does not hold that key" in refused.stderr
        assert "--show-secrets" in refused.stderr
    assert server.held("service_connectors", hook.name) == []

    given = {"MLSTACK_CONNECTOR_KEY_ID": "AKIAOFTHEVARIABLE", "MLSTACK_CONNECTOR_SECRET": "SecretOfTheVariable"}
    done = hook.run("register", "--outputs", hidden, "--no-verify", **given)
    assert done.returncode == 0, done.stderr
    assert set(kept(server, hook.name).values()) == {("AKIAOFTHEVARIABLE", "SecretOfTheVariable")}
    assert "SecretOfTheVariable" not in done.stdout + done.stderr

    half = hook.run("plan", "--outputs", hidden, MLSTACK_CONNECTOR_SECRET="SecretOfTheVariable")
    assert half.returncode == 2
    assert "one of them is not set" in half.stderr
    other = Path(outputs(hook, 3))
    other.write_text(other.read_text().replace('\\"generation\\": 3', '\\"generation\\": 2'))
    assert "asks for access key 3 and holds key 2" in runs("plan", str(other)).stderr
    # Removing needs no key.
    assert runs("deregister", hidden).code == 0
    assert server.held("service_connectors", hook.name) == []


def test_without_connectors_nothing_is_connected_and_nothing_verified(runs: Runs, hook: Hook, server: Server) -> None:
    alone = str(hook.settings(connector='{"auth": "none"}'))
    done = runs("register", alone, "--json")
    assert done.code == 0, done.stderr
    assert not [call for call in done.calls if "verify" in call or call.startswith("POST /api/v1/service_connectors")]
    assert server.held("service_connectors", hook.name) == []
    components = server.held("components", hook.name)
    assert len(components) == 5
    assert not [each["name"] for each in components if each["metadata"]["connector"]]
    assert runs("status", alone).code == 0
