"""Each request of a run goes wrong in turn, on the real server; and a run is killed after each.

What is compared is what the server holds, by its REST interface. That the network fails in other ways than these three
is not shown.
"""

import json
import subprocess
from typing import Any

import pytest

from tests.registration.conftest import Hook, Server
from tests.registration.forked import ANSWERS, KILLED, LOST, REFUSED, SLOW, Ended


class Runs:
    """Runs of `mlstack` that need not log in each time."""

    def __init__(self, hook: Hook, token: str) -> None:
        self._forked = hook.forked
        self._environment = {**hook.environment(), "ZENML_STORE_API_TOKEN": token, "MLSTACK_CLAIM_SECONDS": "1"}
        del self._environment["ZENML_STORE_API_KEY"]

    def __call__(
        self, command: str, outputs: str, *more: str, call: int | None = None, how: str | None = None
    ) -> Ended:
        asked = (command, "--outputs", outputs, *more)
        return self._forked.run(*asked, environment=self._environment, call=call, how=how)

    def register(self, outputs: str, *, call: int | None = None, how: str | None = None) -> Ended:
        # What is verified is not written; it is tested elsewhere.
        return self("register", outputs, "--no-verify", call=call, how=how)


@pytest.fixture
def runs(hook: Hook, server: Server) -> Runs:
    return Runs(hook, server.token)


def world(server: Server, name: str) -> dict[str, Any]:
    """What the server holds under the name, with names for ids: an object that was made again has another."""
    stacks, components = server.held("stacks", name), server.held("components", name)
    connectors = server.held("service_connectors", name)
    names = {each["id"]: each["name"] for each in (*stacks, *components, *connectors)}
    told = {
        f"stack {each['name']}": {
            "labels": each["metadata"]["labels"],
            "description": each["metadata"]["description"],
            "components": {
                kind: [(names[part["id"]], part["body"]["flavor_name"]) for part in parts]
                for kind, parts in each["metadata"]["components"].items()
            },
        }
        for each in stacks
    }
    told |= {
        f"{each['body']['type']} {each['name']}": {
            "flavor": each["body"]["flavor_name"],
            "labels": each["metadata"]["labels"],
            "configuration": each["metadata"]["configuration"],
            "connector": (each["metadata"]["connector"] or {}).get("name"),
        }
        for each in components
    }
    told |= {
        f"connector {each['name']}": {
            "labels": each["metadata"]["labels"],
            "configuration": each["metadata"]["configuration"],
            "about": (each["body"]["resource_types"], each["body"]["resource_id"], each["body"]["auth_method"]),
        }
        for each in connectors
    }
    assert len(told) == len(stacks) + len(components) + len(connectors), "two of one name"
    return told


def claims(server: Server, name: str) -> list[Any]:
    return [each for each in server.call("GET", "tags?size=1000")["items"] if name in each["name"]]


def another(hook: Hook) -> str:
    """A contract from which everything differs: updates, a removal, another flavor and another bucket."""
    file = hook.settings(orchestrator="local", imageBuilder="false", tags='{"team": "vision"}')
    contract = json.loads(json.loads(file.read_text())["mlstack"])
    contract["connectors"]["s3"]["resource_id"] = f"s3://{hook.name}-another"
    contract["components"]["artifact_store"]["configuration"]["path"] = f"s3://{hook.name}-another"
    other = hook.directory / "another.json"
    other.write_text(json.dumps({"mlstack": contract}))
    return str(other)


def is_a_write(call: str) -> bool:
    return not call.startswith("GET") and "login" not in call


@pytest.mark.parametrize("how", [REFUSED, LOST])
def test_a_first_run_that_fails_at_any_call_leaves_nothing(hook: Hook, server: Server, runs: Runs, how: str) -> None:
    outputs = str(hook.settings())
    calls = runs.register(outputs).calls
    assert sum(map(is_a_write, calls)) == 11
    whole = world(server, hook.name)
    runs("deregister", outputs)
    for number, call in enumerate(calls, start=1):
        if how == LOST and not is_a_write(call):
            continue  # an answer that is lost changes nothing where nothing is changed
        ended = runs.register(outputs, call=number, how=how)
        where = f"call {number}, {call}: {ended.stderr}"
        assert "Traceback" not in ended.stderr, where
        if ended.code == 0:
            # What ZenML's client asks beside, and giving up the claim, which ends by itself.
            assert not is_a_write(call) or number == len(calls), where
            assert world(server, hook.name) == whole, where
            runs("deregister", outputs)
        else:
            assert ended.code == 1, where
            assert world(server, hook.name) == {}, where


@pytest.mark.parametrize("how", [REFUSED, LOST])
def test_a_change_that_fails_at_any_write_is_put_back(hook: Hook, server: Server, runs: Runs, how: str) -> None:
    before, after = str(hook.settings()), another(hook)
    hook.settings()
    assert runs.register(before).code == 0
    first = world(server, hook.name)
    calls = runs.register(after).calls
    last = world(server, hook.name)
    assert first.keys() - last.keys() == {f"image_builder {hook.name}-dev"}
    assert last[f"orchestrator {hook.name}-dev"]["flavor"] == "local"
    assert runs.register(before).code == 0
    assert world(server, hook.name) == first
    writes = [number for number, call in enumerate(calls, start=1) if is_a_write(call)]
    assert len(writes) >= 12
    for number in writes[:-1]:
        for claim in claims(server, hook.name):
            server.call("DELETE", f"tags/{claim['id']}")  # of a run that never heard that it has it
        ended = runs.register(after, call=number, how=how)
        where = f"call {number}, {calls[number - 1]}: {ended.stderr}"
        assert ended.code == 1, where
        assert world(server, hook.name) == first, where
        assert number == writes[0] or "ZenML is as it was before this run" in ended.stderr, where


def test_a_run_that_is_killed_at_any_write_is_finished_by_the_next(hook: Hook, server: Server, runs: Runs) -> None:
    before, after = str(hook.settings()), another(hook)
    hook.settings()
    runs.register(before)
    first = world(server, hook.name)
    calls = runs.register(after).calls
    last = world(server, hook.name)
    for number in [number for number, call in enumerate(calls, start=1) if is_a_write(call)]:
        runs.register(before)
        assert world(server, hook.name) == first
        killed = runs.register(after, call=number, how=KILLED)
        assert killed.code == -9
        ended = runs.register(after)
        assert ended.code == 0, f"killed at {calls[number - 1]}: {ended.stderr}"
        assert world(server, hook.name) == last, f"killed at {calls[number - 1]}"
        assert claims(server, hook.name) == []


SAYS = {
    "401": ("refuses the credentials", "check ZENML_STORE_API_KEY"),
    "403": ("does not allow to", "the account needs create, update and delete"),
    "404": ("does not know that", "run the same command again"),
    "409": ("exists already", "run the same command again"),
    "422": ("refuses what ZenML's client sent", "use a client of that version"),
    "500": ("it failed with RuntimeError", "the server's log says more"),
    "501": ("the server lacks what that needs", "install ZenML's aws integration on it"),
    "html": ("a page instead of JSON", "check ZENML_STORE_URL"),
    "503 in html": ("a page instead of JSON", "check ZENML_STORE_URL"),
    SLOW: ("did not answer in time", "ZENML_STORE_HTTP_TIMEOUT"),
}


def test_every_bad_answer_is_one_message_with_server_object_and_way_out(hook: Hook, server: Server, runs: Runs) -> None:
    assert SAYS.keys() == {*ANSWERS, SLOW}
    outputs = str(hook.settings())
    calls = runs.register(outputs).calls
    runs("deregister", outputs)
    objects = {
        "GET /api/v1/components": "could not list what it holds",
        "POST /api/v1/components": f"artifact store {hook.name}-dev",
    }
    for request, said_of_it in objects.items():
        number = calls.index(request) + 1
        for how, (what, way_out) in SAYS.items():
            ended = runs.register(outputs, call=number, how=how)
            where = f"{how} at {request}: {ended.stderr}"
            assert ended.code == 1, where
            message = ended.stderr[ended.stderr.index("error: ") :]
            assert hook.cloud.zenml_environment()["ZENML_STORE_URL"] in message, where
            assert what in message, where
            assert way_out in message, where
            assert said_of_it.removeprefix("could not ") in message, where
            assert "Traceback" not in ended.stderr, where
            assert server.token not in ended.stderr, where
            assert world(server, hook.name) == {}, where


def test_of_two_runs_at_once_one_wins_and_the_other_says_so(hook: Hook, server: Server) -> None:
    outputs = str(hook.settings())
    started = [
        subprocess.Popen(
            hook.command("register", "--outputs", outputs),
            env=hook.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[1] for process in started]
    assert 0 in [process.returncode for process in started], said
    for process, stderr in zip(started, said, strict=True):
        lost = "another mlstack works on this environment" in stderr
        # Who comes when the winner has ended finds nothing to do.
        assert process.returncode == (1 if lost else 0), stderr
        assert "Traceback" not in stderr
    held = world(server, hook.name)
    assert len(held) == 9
    assert claims(server, hook.name) == []
    assert not hook.json("plan", "--outputs", outputs)["changed"]
