"""The import file, and what stands in the way of it."""

from typing import Any

import pytest

from mlstack.adoption.adopt import _refuse_destruction, _refuse_managed
from mlstack.adoption.explained import NEEDED, UNEXPLAINED, explained
from mlstack.adoption.imports import filled
from mlstack.errors import MLStackError, UsageError
from mlstack.outcome import Outcome, Step

DECLARED: dict[str, Any] = {
    "resources": [
        {"type": "mlstack:index:MLStack", "name": "zenml", "component": True},
        {"type": "mlstack:index:ArtifactStore", "name": "zenml-artifacts", "parent": "zenml", "component": True},
        {"type": "mlstack:index:AccessLogs", "name": "zenml-access-logs", "parent": "zenml", "component": True},
        {"type": "aws:s3/bucket:Bucket", "name": "zenml-artifacts-bucket", "parent": "zenml-artifacts", "id": "?"},
        {"type": "aws:s3/bucket:Bucket", "name": "zenml-access-logs-bucket", "parent": "zenml-access-logs", "id": "?"},
    ]
}


def bucket(id_: str) -> dict[str, Any]:
    return {"type": "aws:s3/bucket:Bucket", "urn": "urn:pulumi:prod::mlstack::x::zenml-artifacts-bucket", "id": id_}


def managing(id_: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {("aws:s3/bucket:Bucket", "zenml-artifacts-bucket"): bucket(id_)}


def test_what_exists_is_in_it_with_the_components_around_it_and_nothing_else() -> None:
    file = filled(DECLARED, {"artifacts-bucket": "theirs", "artifacts-policy": "theirs"}, "zenml")
    assert [each["name"] for each in file["resources"]] == ["zenml", "zenml-artifacts", "zenml-artifacts-bucket"]
    assert file["resources"][-1]["id"] == "theirs"


def test_settings_that_leave_everything_out_are_refused() -> None:
    with pytest.raises(MLStackError, match="declares nothing of what exists"):
        filled(DECLARED, {"registry-repository": "theirs"}, "zenml")


def test_what_the_stack_manages_already_is_refused_and_a_part_of_it_is_gone_on_with() -> None:
    both = filled(DECLARED, {"artifacts-bucket": "theirs", "access-logs-bucket": "logs"}, "zenml")
    _refuse_managed("prod", both, managing("theirs"))
    one = filled(DECLARED, {"artifacts-bucket": "theirs"}, "zenml")
    with pytest.raises(UsageError, match="manages all 1 resources already: there is nothing to adopt"):
        _refuse_managed("prod", one, managing("theirs"))
    with pytest.raises(UsageError, match="manages another as zenml-artifacts-bucket already, and would lose it"):
        _refuse_managed("prod", one, managing("another"))


@pytest.mark.parametrize("operation", ["replace", "delete"])
def test_a_replacement_or_deletion_ends_it_with_its_cause(operation: str, tmp_path: Any) -> None:
    urn = "urn:pulumi:prod::mlstack::mlstack:index:MLStack$aws:ecr/repository:Repository::zenml-registry-repository"
    step = Step(operation=operation, urn=urn, reasons=("name",))
    with pytest.raises(MLStackError, match=f"{operation} Repository zenml-registry-repository because of name"):
        _refuse_destruction(Outcome(steps=[step]), tmp_path / "Pulumi.prod.yaml")


def test_a_change_without_an_explanation_says_so() -> None:
    urn = "urn:pulumi:prod::mlstack::mlstack:index:MLStack$aws:sqs/queue:Queue::zenml-queue"
    assert explained(Step(operation="create", urn=urn)).reasons == (UNEXPLAINED,)
    role = urn.replace("aws:sqs/queue:Queue", "aws:iam/role:Role")
    update = explained(Step(operation="update", urn=role, differing=("assumeRolePolicy", "tags", "tagsAll")))
    assert update.properties == ("assumeRolePolicy", "tags")
    assert [reason.off for reason in update.reasons] == ["mlstack:keep: [trust]", NEEDED]
