"""What is said of a policy document that changes."""

import json
from typing import Any

import pytest

from mlstack.review.access import documents
from mlstack.review.contract import contract_changes
from mlstack.review.guards import Subject, findings
from mlstack.review.model import Change, Document

ACCOUNT = "123456789012"
READ = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/r"},
    "Action": "s3:GetObject",
    "Resource": "*",
}
EVERYONE = {**READ, "Principal": "*"}


def bucket_policy(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Change:
    def inputs(statements: list[dict[str, Any]]) -> dict[str, Any]:
        return {"bucket": "b", "policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}

    return Change(
        operation="update",
        urn="u::p::aws:s3/bucketPolicy:BucketPolicy::policy",
        type="aws:s3/bucketPolicy:BucketPolicy",
        name="policy",
        component="ArtifactStore",
        old=inputs(old),
        new=inputs(new),
    )


def judged(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Document | None:
    return next(iter(documents([bucket_policy(old, new)], ACCOUNT)), None)


@pytest.mark.parametrize(
    ("new", "verdict", "witness"),
    [
        (EVERYONE, "opened", "to everyone"),
        (
            {**READ, "Principal": {"AWS": "arn:aws:iam::210987654321:root"}},
            "opened",
            "to arn:aws:iam::210987654321:root",
        ),
        ({**READ, "Principal": {"AWS": "210987654321"}}, "opened", "to 210987654321"),
        ({**EVERYONE, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, "opened", "to everyone"),
        ({**READ, "Action": ["s3:GetObject", "s3:PutObject"]}, "broadened", "s3:PutObject"),
        ({**READ, "Resource": "arn:aws:s3:::b/one/*"}, "narrowed", ""),
    ],
)
def test_a_changed_statement(new: dict[str, Any], verdict: str, witness: str) -> None:
    found = judged([READ], [new])
    assert found is not None
    assert found.verdict == verdict
    assert witness in found.witness


def test_everyone_of_the_own_organisation_is_not_everyone() -> None:
    of_us = {**EVERYONE, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}
    found = judged([READ], [READ, of_us])
    assert found is None or found.verdict != "opened"


def test_a_denial_for_everyone_opens_nothing() -> None:
    found = judged([READ], [READ, {**EVERYONE, "Effect": "Deny", "Resource": "arn:aws:s3:::b/secret/*"}])
    assert found is not None
    assert found.verdict == "narrowed"


def test_what_was_open_before_is_not_opened() -> None:
    assert judged([EVERYONE], [EVERYONE]) is None


def test_a_bucket_that_no_longer_blocks_public_access_is_exposed() -> None:
    block = Change(
        operation="update",
        urn="u::p::t::block",
        type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        name="block",
        component="ArtifactStore",
        old={"bucket": "b", "blockPublicAcls": True, "blockPublicPolicy": True},
        new={"bucket": "b", "blockPublicAcls": True, "blockPublicPolicy": False},
    )
    (finding,) = findings(Subject((block,), (), (), ()), {})
    assert (finding.guard, finding.level) == ("public-exposure", "fail")
    assert "blockPublicPolicy" in finding.said
    gone = block.model_copy(update={"operation": "delete", "new": {}})
    assert [each.guard for each in findings(Subject((gone,), (), (), ()), {})] == ["public-exposure"]


def test_a_team_that_moves_to_another_region_is_another_stack_too() -> None:
    contract = contract_changes({"teams": {"vision": {"region": "a"}}}, {"teams": {"vision": {"region": "b"}}})
    (finding,) = findings(Subject((), (), contract, ()), {})
    assert finding.guard == "contract-identity"
    assert finding.said.startswith("teams.vision.region of the contract changes")
