"""A state of Terraform is read as it is, and refused with one message when it is none that can be taken over."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlstack.adoption import terraform
from mlstack.errors import UsageError
from tests.adoption.originals import STATE

State = dict[str, Any]


def of(state: State, type_: str, name: str) -> Any:
    return next(each for each in state["resources"] if (each["type"], each["name"]) == (type_, name))


def without(state: State, *types: str) -> State:
    return {**state, "resources": [each for each in state["resources"] if each["type"] not in types]}


def written(state: Any, directory: Path) -> Path:
    file = directory / "zenml.tfstate"
    file.write_text(state if isinstance(state, str) else json.dumps(state), encoding="utf-8")
    return file


@pytest.fixture
def state() -> State:
    read: State = json.loads(STATE.read_text(encoding="utf-8"))
    return read


def test_all_parts_of_the_module_are_found() -> None:
    found = terraform.find(STATE)
    assert (found.account_id, found.region) == ("123456789012", "eu-west-1")
    assert found.bucket == "zenml-123456789012-0a1b2c3d4e5f"
    assert found.repository == found.access_role == found.user == "zenml-0a1b2c3d4e5f"
    assert found.execution_role == "zenml-0a1b2c3d4e5f-sagemaker"
    assert (found.build_project, found.orchestrator) == (None, "sagemaker")
    assert found.zenml_stack == "adopted-terraform"
    assert found.leave[0].endswith("terraform state rm module.zenml_stack")


def test_a_module_that_is_used_as_the_root_is_forgotten_resource_by_resource(state: State, tmp_path: Path) -> None:
    for each in state["resources"]:
        each.pop("module")
    found = terraform.find(written(state, tmp_path))
    assert " aws_s3_bucket.artifact_store " in found.leave[0]
    assert " data." not in found.leave[0]


def test_the_stack_that_older_releases_posted_is_found(state: State, tmp_path: Path) -> None:
    of(state, "zenml_stack", "stack").update(
        type="restapi_object",
        name="zenml_stack",
        instances=[{"attributes": {"data": json.dumps({"name": "posted"})}}],
    )
    assert terraform.find(written(state, tmp_path)).zenml_stack == "posted"


def test_zenml_pro_has_no_user_and_another_orchestrator_no_pipelines(state: State, tmp_path: Path) -> None:
    state = without(state, "aws_iam_user", "aws_iam_user_policy", "aws_iam_access_key")
    state["resources"].remove(of(state, "aws_iam_role_policy", "sagemaker_pipelines_policy"))
    found = terraform.find(written(state, tmp_path))
    assert (found.user, found.orchestrator) == (None, "local")


def tainted(state: State) -> State:
    of(state, "aws_s3_bucket", "artifact_store")["instances"][0]["status"] = "tainted"
    return state


def deposed(state: State) -> State:
    of(state, "aws_ecr_repository", "container_registry")["instances"][0]["deposed"] = "00000001"
    return state


def twice(state: State) -> State:
    second = [{**each, "module": "module.other"} for each in state["resources"]]
    return {**state, "resources": [*state["resources"], *second]}


def with_skypilot(state: State) -> State:
    policy = {**of(state, "aws_iam_role_policy", "s3_policy"), "name": "skypilot_policy"}
    return {**state, "resources": [*state["resources"], policy]}


@pytest.mark.parametrize(
    ("broken", "said", "way_out"),
    [
        (lambda state: {**state, "version": 3}, "format 3; mlstack reads format 4", "terraform state pull"),
        (lambda state: {**state, "version": 5}, "format 5", "terraform state pull"),
        (lambda _: "{", "is not a Terraform state", "terraform state pull > FILE"),
        (lambda _: "[]", "is not a Terraform state", "terraform state pull > FILE"),
        (lambda _: {"format_version": "1.0"}, "`terraform show -json` prints", "terraform state pull > FILE"),
        (lambda state: {**state, "resources": []}, "holds nothing of ZenML's module", "--from discover"),
        (tainted, "module.zenml_stack.aws_s3_bucket.artifact_store is tainted", "terraform untaint"),
        (deposed, "has a former object", "terraform apply"),
        (lambda state: without(state, "aws_s3_bucket"), "has no aws_s3_bucket.artifact_store", "terraform apply"),
        (lambda state: without(state, "aws_ecr_repository"), "has no aws_ecr_repository.", "terraform apply"),
        (twice, "2 ZenML stacks: there are module.other, module.zenml_stack", "--module module.other"),
        (with_skypilot, "runs pipelines with SkyPilot", "change its orchestrator"),
    ],
)
def test_what_cannot_be_taken_over_is_said_with_the_way_out(
    state: State, tmp_path: Path, broken: Callable[[State], Any], said: str, way_out: str
) -> None:
    with pytest.raises(UsageError) as refused:
        terraform.find(written(broken(state), tmp_path))
    assert said in refused.value.message
    assert way_out in str(refused.value.hint)
    assert "planted" not in str(refused.value)


def test_one_of_several_is_chosen_by_its_module(state: State, tmp_path: Path) -> None:
    file = written(twice(state), tmp_path)
    assert terraform.find(file, "module.other").leave[0].endswith("terraform state rm module.other")
    with pytest.raises(UsageError, match=r"no ZenML stack in module\.none"):
        terraform.find(file, "module.none")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no .*zenml\.tfstate"):
        terraform.find(tmp_path / "zenml.tfstate")
