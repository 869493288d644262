"""A choice of `connector.auth` that the server does not go along with, and workspaces of ZenML Pro."""

import json
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from mlstack.contract import MLStackOutputs
from mlstack.local.cloud import REGION, Cloud
from mlstack.local.processes import end
from mlstack.local.servers import zenml_server
from mlstack.registration.identity import is_lasting, note, pro_principal, way_out
from mlstack.registration.objects import wanted
from mlstack.registration.server import Server, connection
from tests.components.stacks import PRINCIPAL, program
from tests.recording import record
from tests.registration.conftest import Hook
from tests.registration.conftest import Server as Rest
from tests.registration.forked import Forked
from tests.registration.test_server import answering

WORKSPACE = "123e4567-e89b-12d3-a456-426614174000"
PRO_ROLE = f"arn:aws:iam::715803424590:role/zenml-{WORKSPACE}"
OURS = Server(url="https://zenml.example.com", version="0.98.0")
PRO = replace(OURS, workspace_id=WORKSPACE)


@pytest.fixture(scope="module")
def strict_server(shared_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real server that lends its identity to nobody, as ZenML is when nothing is set.

    A copy of the one of the session, so that it need not make a database and accounts; started in five seconds.
    """
    root = tmp_path_factory.mktemp("strict")
    running = Path(shared_cloud.zenml_environment()["ZENML_CONFIG_PATH"]).parents[1]
    shutil.copytree(running / "zenml", root / "zenml")
    for folder in ("run", "logs", "home"):
        (root / folder).mkdir()
    server = zenml_server(root, shared_cloud.aws_environment()["AWS_ENDPOINT_URL"], REGION)
    environment = {name: value for name, value in server.environment.items() if "IMPLICIT" not in name}
    server = replace(server, environment=environment)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        server.start(listening)
        port: int = listening.getsockname()[1]
    deadline = time.monotonic() + 60
    while not (server.place.port() and server.ready(port)):
        assert server.alive(), server.place.log.read_text()[-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    end(server.place.running())


def test_a_server_that_lends_its_identity_to_nobody_is_told_from_one_without_rights(
    strict_server: str, shared_cloud: Cloud, forked: Forked, tmp_path: Path
) -> None:
    hook = Hook(shared_cloud, tmp_path, "r-strict", forked)
    begun = time.monotonic()
    refused = hook.run("register", "--outputs", str(hook.settings()), ZENML_STORE_URL=strict_server)
    assert refused.returncode == 1
    assert "set ZENML_ENABLE_IMPLICIT_AUTH_METHODS=true on the server if it runs in AWS" in refused.stderr
    assert "set mlstack:connector.auth to iam-role if it runs elsewhere" in refused.stderr
    assert "trying for" not in refused.stderr, "it will not pass by itself"
    assert time.monotonic() - begun < 45
    server = Rest(strict_server, shared_cloud.zenml_environment()["ZENML_STORE_API_KEY"])
    assert [server.held(kind, "r-strict") for kind in ("service_connectors", "components", "stacks")] == [[], [], []]


def contract(connector: dict[str, str]) -> MLStackOutputs:
    text = record(program({"mlstack:connector": json.dumps(connector)})).of("MLStack").outputs[0]["contract"]
    return MLStackOutputs.parse(text, origin="the test")


def test_a_workspace_of_zenml_pro_is_recognised_by_what_it_says_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from zenml.enums import AuthScheme
    from zenml.models import ServerDeploymentType, ServerModel

    said = ServerModel(
        version="0.98.0",
        auth_scheme=AuthScheme.EXTERNAL,
        deployment_type=ServerDeploymentType.CLOUD,
        pro_workspace_id=UUID(WORKSPACE),
    )
    own = said.model_copy(update={"deployment_type": ServerDeploymentType.KUBERNETES})
    monkeypatch.setenv("ZENML_STORE_API_KEY", "ZENKEY_of-the-test")
    for each, principal in ((said, PRO_ROLE), (own, None)):
        with answering(200, each.model_dump_json()) as url:
            monkeypatch.setenv("ZENML_STORE_URL", url)
            with connection() as server:
                assert pro_principal(server) == principal


def test_the_role_of_a_workspace_is_suggested_where_another_is_trusted() -> None:
    other = contract({"principal": PRINCIPAL})
    said = note(PRO, other)
    assert said is not None
    assert PRO_ROLE in said
    assert PRINCIPAL in said
    assert note(OURS, other) is None
    assert note(PRO, contract({"principal": PRO_ROLE})) is None
    assert note(PRO, contract({"auth": "iam-role"})) is None
    assert note(PRO, contract({"auth": "none"})) is None


REFUSED = "Failed to assume IAM role r using the {} AWS credentials: An error occurred ({}) when calling AssumeRole"


@pytest.mark.parametrize(
    ("auth", "server", "said", "way"),
    [
        ("implicit", OURS, REFUSED.format("implicit", "AccessDenied"), "must be the identity that the server runs as"),
        ("implicit", PRO, REFUSED.format("implicit", "AccessDenied"), PRO_ROLE),
        ("implicit", OURS, "Unable to locate credentials", "set mlstack:connector.auth to iam-role"),
        ("iam-role", OURS, REFUSED.format("configured", "InvalidClientTokenId"), "mlstack rotate-key"),
        ("iam-role", OURS, "HeadBucket: Not Found", "run `pulumi up`"),
    ],
)
def test_each_refusal_has_a_way_out_of_its_own(auth: str, server: Server, said: str, way: str) -> None:
    told = contract({"principal": PRINCIPAL} if auth == "implicit" else {"auth": auth})
    assert way in way_out(server, wanted(told)[0], said)
    assert is_lasting(said) == ("locate" in said), "a new identity is refused at first; a server without one stays so"
