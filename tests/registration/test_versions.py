"""Servers of other releases: what they do not know is left out or refused, and that they differ is said."""

import json

import pytest

from mlstack.contract import MLStackOutputs
from mlstack.registration.server import Server, ServerError
from mlstack.registration.versions import difference, known_to, refuse_unreadable
from tests.components.stacks import program
from tests.recording import record

SERVER = Server(url="https://zenml.example.com", version="0.95.1")


@pytest.fixture(scope="module")
def contract() -> MLStackOutputs:
    return MLStackOutputs.parse(record(program({})).of("MLStack").outputs[0]["contract"], origin="the program")


def _flavors(contract: MLStackOutputs, *without: str) -> set[tuple[str, str]]:
    return {(kind, part.flavor) for kind, part in contract.components.items() if kind not in without}


def test_a_server_that_knows_everything_gets_the_whole_contract(contract: MLStackOutputs) -> None:
    assert known_to(contract, _flavors(contract), SERVER) == (contract, ())


def test_an_optional_component_that_the_server_does_not_know_is_left_out_with_a_warning(
    contract: MLStackOutputs,
) -> None:
    kept, warnings = known_to(contract, _flavors(contract, "step_operator", "image_builder"), SERVER)
    assert contract.components.keys() - kept.components.keys() == {"step_operator", "image_builder"}
    said = {warning.split(";")[0]: warning for warning in warnings}
    server = "left out: https://zenml.example.com (ZenML 0.95.1)"
    builder = f"{server} does not know the image builder flavor 'aws'"
    assert said.keys() == {builder, f"{server} does not know the step operator flavor 'sagemaker'"}
    assert "mlstack:imageBuilder false" in said[builder], "nobody may push while the builder is in the contract"
    json.loads(kept.as_json())


def test_a_component_that_the_stack_needs_is_an_error_that_names_it(contract: MLStackOutputs) -> None:
    with pytest.raises(ServerError) as refused:
        known_to(contract, _flavors(contract, "orchestrator", "container_registry"), SERVER)
    said = str(refused.value)
    assert "does not know the container registry flavor 'aws' and the orchestrator flavor 'sagemaker'" in said
    assert "nothing was changed" in said
    assert "upgrade the server" in said


@pytest.mark.parametrize(
    ("server", "client", "said"),
    [
        ("0.98.0", "0.98.0", None),
        ("0.98.2", "0.98.0", None),
        ("0.97.0", "0.98.0", "ZenML asks for the same release to run pipelines"),
        ("0.99.0", "0.98.0", "newer than what MLStack is tested with"),
        ("1.0.0", "0.98.0", "newer than what MLStack is tested with"),
        ("0.80.0", "0.91.2", "older than 0.91.2"),
        ("main-abc", "0.98.0", "of an unknown release, 'main-abc'"),
    ],
)
def test_that_server_and_client_differ_is_said_from_another_minor_release_on(
    server: str, client: str, said: str | None
) -> None:
    warnings = difference(Server(url="https://z", version=server), client)
    if said is None:
        assert warnings == ()
    else:
        assert said in warnings[0]
        assert "https://z" in warnings[0]


@pytest.mark.parametrize(
    ("server", "client", "refused"),
    [("0.91.2", "0.98.0", True), ("0.92.0", "0.98.0", False), ("0.91.2", "0.91.2", False), ("dev", "0.98.0", False)],
)
def test_a_server_whose_answers_the_client_cannot_read_is_refused(server: str, client: str, refused: bool) -> None:
    asked = Server(url="https://z", version=server)
    if not refused:
        refuse_unreadable(asked, client)
        return
    with pytest.raises(ServerError, match=r"pip install zenml==0\.91\.2"):
        refuse_unreadable(asked, client)
