"""The hook against a real ZenML server over REST, verified by emulated AWS, as people run it."""

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.registration.conftest import Hook, Server


def _ids(server: Server, hook: Hook) -> dict[str, str]:
    kinds = ("stacks", "components", "service_connectors")
    return {f"{k} {e['name']} {e['body'].get('type')}": e["id"] for k in kinds for e in server.held(k, hook.name)}


def _actions(result: Any) -> dict[str, str]:
    return {f"{c['kind']} {c['slot']}": c["action"] for c in result["changes"] if c["action"] != "same"}


class Recorder(ThreadingHTTPServer):
    """Stands before the server and writes down each request that passes."""

    def __init__(self, url: str) -> None:
        recorder = self
        self.seen: list[str] = []

        class Pass(BaseHTTPRequestHandler):
            def _pass(self) -> None:
                recorder.seen.append(f"{self.command} {self.path.partition('?')[0]}")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                own = ("host", "accept-encoding", "connection")
                headers = {name: value for name, value in self.headers.items() if name.lower() not in own}
                request = urllib.request.Request(
                    url + self.path, data=body or None, headers=headers, method=self.command
                )
                try:
                    answer = urllib.request.urlopen(request)
                except urllib.error.HTTPError as error:
                    answer = error
                content = answer.read()
                self.send_response(answer.status or 500)
                for name, value in answer.headers.items():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Pass)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def writes(self) -> list[str]:
        """Logging in and trying a connector change nothing."""
        reads = ("GET", "POST /api/v1/login", "POST /api/v1/service_connectors/verify")
        return [request for request in self.seen if not request.startswith(reads)]


def test_a_first_run_makes_everything_and_a_second_writes_nothing(hook: Hook, server: Server) -> None:
    first = hook.register()
    assert len(_actions(first)) == 9
    assert set(_actions(first).values()) == {"create"}
    made = _ids(server, hook)
    assert len(made) == 9

    recorder = Recorder(hook.cloud.zenml_environment()["ZENML_STORE_URL"])
    second = hook.json("register", "--outputs", str(hook.settings()), ZENML_STORE_URL=recorder.url)
    recorder.shutdown()
    assert _actions(second) == {}
    assert second["stack_id"] == first["stack_id"]
    assert recorder.writes == []
    assert 0 < len(recorder.seen) <= 25, recorder.seen
    assert _ids(server, hook) == made


def test_a_whole_stack_takes_at_most_25_requests_beside_its_verification(hook: Hook) -> None:
    recorder = Recorder(hook.cloud.zenml_environment()["ZENML_STORE_URL"])
    hook.json("register", "--outputs", str(hook.settings()), ZENML_STORE_URL=recorder.url)
    recorder.shutdown()
    assert len(recorder.writes) == 11, recorder.writes  # nine objects, and the claim taken and given up
    asked = [request for request in recorder.seen if "verify" not in request]
    assert len(asked) <= 25, "\n".join(asked)


def test_the_stack_is_whole_and_each_component_has_its_connector(hook: Hook, server: Server) -> None:
    hook.register()
    stack = server.held("stacks", hook.name)[0]
    composition = stack["metadata"]["components"]
    assert set(composition) == {
        "artifact_store",
        "container_registry",
        "orchestrator",
        "step_operator",
        "image_builder",
    }
    connectors = {e["body"]["type"]: e["metadata"]["connector"]["name"] for e in server.held("components", hook.name)}
    assert set(composition) == set(connectors)
    assert connectors == {
        "artifact_store": f"{hook.name}-dev-s3",
        "container_registry": f"{hook.name}-dev-ecr",
        "orchestrator": f"{hook.name}-dev-aws",
        "step_operator": f"{hook.name}-dev-aws",
        "image_builder": f"{hook.name}-dev-aws",
    }
    orchestrator = next(e for e in server.held("components", hook.name) if e["body"]["type"] == "orchestrator")
    configuration = orchestrator["metadata"]["configuration"]
    assert "keep_alive_period_in_seconds" in configuration
    assert configuration["keep_alive_period_in_seconds"] is None, "ZenML would ask for a warm pool"


def test_a_changed_setting_is_updated_in_place(hook: Hook, server: Server) -> None:
    hook.register()
    made = _ids(server, hook)
    result = hook.register(instanceType="ml.m5.2xlarge")
    assert _actions(result) == {
        "component orchestrator": "update",
        "component step_operator": "update",
        "stack stack": "update",
    }
    assert _ids(server, hook) == made
    assert _actions(hook.register(instanceType="ml.m5.2xlarge")) == {}


def test_a_component_that_is_switched_off_is_removed_and_the_stack_stays(hook: Hook, server: Server) -> None:
    stack = hook.register()["stack_id"]
    result = hook.register(imageBuilder="false")
    assert _actions(result)["component image_builder"] == "remove"
    assert result["stack_id"] == stack
    assert "image_builder" not in server.held("stacks", hook.name)[0]["metadata"]["components"]
    assert not [e for e in server.held("components", hook.name) if e["body"]["type"] == "image_builder"]


def test_another_flavor_takes_over_without_a_stack_that_lacks_one(hook: Hook, server: Server) -> None:
    stack = hook.register()["stack_id"]
    result = hook.register(orchestrator="local")
    assert _actions(result)["component orchestrator"] == "replace"
    assert result["stack_id"] == stack
    orchestrators = [e for e in server.held("components", hook.name) if e["body"]["type"] == "orchestrator"]
    assert [(e["name"], e["body"]["flavor_name"]) for e in orchestrators] == [(f"{hook.name}-dev", "local")]
    assert _actions(hook.register(orchestrator="local")) == {}


def test_somebody_elses_object_of_the_same_name_is_refused_and_untouched(hook: Hook, server: Server) -> None:
    theirs = {"name": f"{hook.name}-dev", "type": "orchestrator", "flavor": "local", "configuration": {}}
    made = server.call("POST", "components", theirs)
    refused = hook.run("register", "--outputs", str(hook.settings()))
    assert refused.returncode == 1
    assert "which this environment did not make; nothing was changed" in refused.stderr
    assert [e["id"] for e in server.held("components", hook.name)] == [made["id"]]
    assert server.held("service_connectors", hook.name) == []
    server.call("DELETE", f"components/{made['id']}")


def test_somebody_elses_object_is_taken_over_when_asked(hook: Hook, server: Server) -> None:
    theirs = {"name": f"{hook.name}-dev", "type": "orchestrator", "flavor": "sagemaker", "configuration": {}}
    theirs["configuration"] = {"execution_role": "arn:aws:iam::123456789012:role/by-hand", "region": "us-east-1"}
    made = server.call("POST", "components", theirs)
    result = hook.register("--adopt")
    assert _actions(result)["component orchestrator"] == "update"
    orchestrator = next(e for e in server.held("components", hook.name) if e["id"] == made["id"])
    assert orchestrator["metadata"]["configuration"]["region"] == "eu-west-1"
    assert not hook.json("plan", "--outputs", str(hook.settings()))["changed"]
    assert len(_ids(server, hook)) == 9


def test_plan_and_status_end_with_7_when_there_is_something_to_do(hook: Hook, server: Server) -> None:
    outputs = str(hook.settings())
    planned = hook.run("plan", "--outputs", outputs)
    assert planned.returncode == 7, planned.stderr
    assert "+ create" in planned.stdout
    assert _ids(server, hook) == {}
    hook.register()
    assert hook.run("plan", "--outputs", outputs).returncode == 0
    assert hook.run("status", "--outputs", outputs).returncode == 0

    # Somebody changes a component in the dashboard.
    orchestrator = next(e for e in server.held("components", hook.name) if e["body"]["type"] == "orchestrator")
    by_hand = {**orchestrator["metadata"]["configuration"], "max_runtime_in_seconds": 60}
    server.call("PUT", f"components/{orchestrator['id']}", {"configuration": by_hand})
    status = hook.run("status", "--outputs", outputs)
    assert status.returncode == 7
    assert "changed in ZenML by hand" in status.stdout
    assert "8 of 9 as the contract says" in status.stdout
    planned = hook.run("plan", "--outputs", outputs, "--json")
    change = next(c for c in json.loads(planned.stdout)["changes"] if c["action"] != "same")
    assert change["by_hand"]
    assert change["fields"]["configuration.max_runtime_in_seconds"] == {"old": 60, "new": None}
    hook.register()
    assert hook.run("status", "--outputs", outputs).returncode == 0


def test_a_dry_run_shows_the_plan_and_writes_nothing(hook: Hook, server: Server) -> None:
    result = hook.register("--dry-run")
    assert len(_actions(result)) == 9
    assert _ids(server, hook) == {}


def test_deregistering_leaves_nothing_of_ours_and_everything_of_others(hook: Hook, server: Server) -> None:
    theirs = server.call(
        "POST",
        "components",
        {"name": f"{hook.name}-theirs", "type": "orchestrator", "flavor": "local", "configuration": {}},
    )
    hook.register()
    result = hook.json("deregister", "--outputs", str(hook.settings()))
    assert len(_actions(result)) == 9
    assert list(_ids(server, hook).values()) == [theirs["id"]]
    assert _actions(hook.json("deregister", "--outputs", str(hook.settings()))) == {}
    server.call("DELETE", f"components/{theirs['id']}")


def test_what_an_earlier_run_left_half_done_is_finished(hook: Hook, server: Server) -> None:
    hook.register()
    stack = server.held("stacks", hook.name)[0]
    server.call("DELETE", f"stacks/{stack['id']}")
    registry = next(e for e in server.held("components", hook.name) if e["body"]["type"] == "container_registry")
    server.call("DELETE", f"components/{registry['id']}")
    result = hook.register()
    assert _actions(result) == {"component container_registry": "create", "stack stack": "create"}
    assert len(_ids(server, hook)) == 9


def test_a_connector_that_aws_refuses_is_named_with_its_role_before_anything_is_written(
    hook: Hook, server: Server
) -> None:
    file = hook.settings()
    outputs = json.loads(file.read_text())
    contract = json.loads(outputs["mlstack"])
    contract["connectors"]["s3"]["resource_id"] = "s3://a-bucket-that-is-not-there"
    file.write_text(json.dumps({"mlstack": contract}))
    refused = hook.run("register", "--outputs", str(file), MLSTACK_VERIFY_SECONDS="2")
    assert refused.returncode == 1
    assert f"connector {hook.name}-dev-s3" in refused.stderr
    assert f"{hook.name}-dev-eu-west-1-access" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert _ids(server, hook) == {}
    assert hook.run("register", "--outputs", str(file), "--no-verify").returncode == 0


def test_no_key_is_shown_or_left_behind(hook: Hook) -> None:
    key = hook.cloud.zenml_environment()["ZENML_STORE_API_KEY"]
    done = hook.run("register", "--outputs", str(hook.settings()))
    assert done.returncode == 0, done.stderr
    assert key not in done.stdout + done.stderr
    assert "eyJ" not in done.stdout + done.stderr, "a token of the server"
    assert [path for path in (hook.directory / "home").rglob("*") if path.is_file()] == []


def test_for_people_it_is_a_table_without_colours_where_there_is_no_terminal(hook: Hook) -> None:
    done = hook.run("register", "--outputs", str(hook.settings()))
    assert "+ create" in done.stdout
    assert f"use it: zenml stack set {hook.name}-dev" in done.stdout
    assert "\x1b[" not in done.stdout + done.stderr
    again = hook.run("register", "--outputs", str(hook.settings()))
    assert "nothing to do, 9 objects are as they should be" in again.stdout


def test_a_wrong_key_is_refused_in_one_message(hook: Hook) -> None:
    refused = hook.run("register", "--outputs", str(hook.settings()), ZENML_STORE_API_KEY="ZENKEY_bm8=")
    assert refused.returncode == 1
    assert "refuses the credentials" in refused.stderr
    assert "ZENML_STORE_API_KEY" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "ZENKEY_bm8=" not in refused.stderr + refused.stdout
