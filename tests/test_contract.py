"""The one document that both sides know: what it accepts, and that ZenML accepts what it says."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlstack.contract import MLStackOutputs, together
from mlstack.errors import MLStackError
from tests.components.stacks import CASES, program
from tests.recording import record


def _exported(changes: dict[str, str] | None = None) -> str:
    text: str = record(program(changes)).of("MLStack").outputs[0]["contract"]
    return text


def _changed(**changes: Any) -> str:
    return json.dumps({**json.loads(_exported()), **changes})


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_zenml_accepts_every_configuration_and_knows_every_key(changes: dict[str, str]) -> None:
    flavors = _flavors()
    for kind, component in MLStackOutputs.parse(_exported(changes), origin="the program").components.items():
        config_class = flavors[kind, component.flavor]
        config_class(**component.configuration)
        # ZenML takes an unknown key in silence (zenml/stack/utils.py looks for them in the CLI only).
        unknown = set(component.configuration) - set(config_class.model_fields)
        assert not unknown, f"ZenML's {component.flavor} {kind} would ignore {unknown}"


def _flavors() -> dict[tuple[str, str], Any]:
    from zenml.integrations.aws import flavors as aws
    from zenml.integrations.s3.flavors import S3ArtifactStoreFlavor
    from zenml.orchestrators import LocalOrchestratorFlavor

    known = (
        S3ArtifactStoreFlavor(),
        LocalOrchestratorFlavor(),
        aws.AWSContainerRegistryFlavor(),
        aws.SagemakerOrchestratorFlavor(),
        aws.SagemakerStepOperatorFlavor(),
        aws.AWSImageBuilderFlavor(),
    )
    return {(flavor.type.value, flavor.name): flavor.config_class for flavor in known}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_zenml_accepts_every_connector(changes: dict[str, str]) -> None:
    from zenml.integrations.aws.service_connectors.aws_service_connector import AWSImplicitConfig

    for connector in MLStackOutputs.parse(_exported(changes), origin="the program").connectors.values():
        assert set(connector.configuration) <= set(AWSImplicitConfig.model_fields)
        if changes.get("aws:region", "").startswith("us-gov"):
            continue  # ZenML 0.98 knows ARNs of the partition aws only: said in the README
        AWSImplicitConfig(**connector.configuration)


def test_the_committed_schema_is_the_one_of_the_code() -> None:
    from tools.contract_schema import FILE, render

    assert FILE.read_text(encoding="utf-8") == render(), "run: python -m tools.contract_schema"


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_what_the_program_exports_satisfies_the_committed_schema(changes: dict[str, str]) -> None:
    schema = json.loads(Path("mlstack/contract.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(_exported(changes)), schema)


def test_it_is_read_from_a_stack_output_from_all_outputs_and_as_text() -> None:
    text = _exported()
    whole = json.dumps({"bucket": "b", "mlstack": text})
    nested = {"mlstack": json.loads(text)}
    expected = MLStackOutputs.parse(text, origin="text")
    assert MLStackOutputs.parse(json.dumps(text), origin="quoted") == expected
    assert MLStackOutputs.parse(whole, origin="outputs") == expected
    assert MLStackOutputs.parse(nested, origin="object") == expected
    assert MLStackOutputs.parse(expected.as_json(), origin="again") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "outputs.json is not JSON"),
        ("[]", "outputs.json is not a JSON object"),
        ('{"bucket": "b"}', "outputs.json holds no `mlstack` output"),
        ('{"schema_version": 3}', "schema_version 3; this mlstack reads up to 2"),
        ('{"schema_version": "1"}', "schema_version '1'"),
        ('{"schema_version": 1}', "project: Field required"),
    ],
)
def test_what_is_no_contract_is_refused_with_the_way_out(text: str, message: str) -> None:
    with pytest.raises(MLStackError) as refused:
        MLStackOutputs.parse(text, origin="outputs.json")
    assert message in str(refused.value)
    assert refused.value.hint


def test_a_stack_without_artifact_store_is_refused() -> None:
    components = json.loads(_exported())["components"]
    del components["artifact_store"]
    with pytest.raises(MLStackError, match="needs artifact_store"):
        MLStackOutputs.parse(_changed(components=components), origin="x")


def test_a_component_cannot_name_a_connector_that_is_not_there() -> None:
    with pytest.raises(MLStackError, match="not among the connectors"):
        MLStackOutputs.parse(_changed(connectors={}), origin="x")


def test_nothing_in_it_is_a_secret() -> None:
    for word in ("secret", "password", "token", "AKIA", "access_key"):
        assert word not in _exported().replace("GetAuthorizationToken", "")


def _of_team(team: str) -> str:
    return json.dumps({**json.loads(_exported({})), "schema_version": 2, "team": team})


def test_contracts_of_teams_are_read_one_by_one_and_know_where_they_belong() -> None:
    text = together({"vision": _of_team("vision"), "speech": _of_team("speech")})
    jsonschema.validate(json.loads(text), json.loads(Path("mlstack/contract.schema.json").read_text(encoding="utf-8")))
    for value in (text, json.dumps(text), {"mlstack": text, "bucket": {}}):
        contracts = MLStackOutputs.parse_all(value, origin="the stack")
        assert [each.place for each in contracts] == ["dev/speech", "dev/vision"]
    with pytest.raises(MLStackError, match="a contract for each team"):
        MLStackOutputs.parse(text, origin="the stack")


def test_a_broken_contract_among_those_of_teams_is_named() -> None:
    text = together({"vision": _of_team("vision"), "speech": json.dumps({"schema_version": 2})})
    with pytest.raises(MLStackError, match="the stack, team speech is not a valid contract"):
        MLStackOutputs.parse_all(text, origin="the stack")
    with pytest.raises(MLStackError, match="no team"):
        MLStackOutputs.parse_all('{"schema_version": 2, "teams": {}}', origin="the stack")


def test_a_cache_of_base_images_is_in_the_contract_alone_where_there_is_one() -> None:
    cached = {"pull_through_cache": {"public.ecr.aws": "mlstack-dev.ecr-public"}}
    contract = MLStackOutputs.parse(_changed(schema_version=2, **cached), origin="the stack")
    jsonschema.validate(json.loads(contract.as_json()), json.loads(Path("mlstack/contract.schema.json").read_text()))
    assert contract.pull_through_cache == cached["pull_through_cache"]
    assert contract.place == "dev"
    assert "pull_through_cache" not in _exported({})
    with pytest.raises(MLStackError, match="exclude each other"):
        MLStackOutputs.parse(_changed(**cached), origin="the stack")


def test_the_contract_of_one_stack_says_nothing_of_teams() -> None:
    [contract] = MLStackOutputs.parse_all(_exported({}), origin="the stack")
    assert (contract.schema_version, contract.place) == (1, "dev")
    assert "team" not in json.loads(contract.as_json())
    with pytest.raises(MLStackError, match="exclude each other"):
        MLStackOutputs.parse(_changed(team="vision"), origin="the stack")
