"""Is document A contained in B? A wrong `contained` would call a broadened policy narrowed: it must never happen."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlstack.iam.containment import Containment, contained
from mlstack.iam.policy import Decision, Policy, Request
from tests.iam.documents import ACCOUNT, OTHER, REQUESTS, allow, deny, documents, policy

CONTAINED, NOT_CONTAINED, UNDETERMINED = Containment

BUCKET = ["arn:aws:s3:::a", "arn:aws:s3:::a/*"]
ONLY_OURS = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
PASSED = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


@pytest.mark.parametrize(
    ("narrow", "wide", "expected"),
    [
        ([allow("s3:GetObject")], [allow("s3:GetObject")], CONTAINED),
        ([allow("s3:GetObject")], [allow("s3:GetObject", "s3:PutObject")], CONTAINED),
        ([allow("s3:GetObject", "s3:PutObject")], [allow("s3:GetObject")], NOT_CONTAINED),
        ([allow("s3:GetObject")], [allow("s3:Get*")], CONTAINED),
        ([allow("s3:Get*")], [allow("s3:GetObject")], NOT_CONTAINED),
        ([allow("s3:getobject")], [allow("s3:GetObject")], CONTAINED),
        ([allow("s3:GetObject", on=BUCKET)], [allow("s3:GetObject")], CONTAINED),
        ([allow("s3:GetObject")], [allow("s3:GetObject", on=BUCKET)], NOT_CONTAINED),
        ([allow("s3:GetObject", on="arn:aws:s3:::a/b/*")], [allow("s3:GetObject", on=BUCKET)], CONTAINED),
        ([allow("s3:GetObject", Condition=ONLY_OURS)], [allow("s3:GetObject")], CONTAINED),
        ([allow("s3:GetObject")], [allow("s3:GetObject", Condition=ONLY_OURS)], NOT_CONTAINED),
        ([allow("iam:PassRole", Condition=PASSED)], [allow("iam:PassRole")], CONTAINED),
        (
            [allow("s3:GetObject", Condition={"StringEquals": {"aws:SourceAccount": [ACCOUNT, OTHER]}})],
            [allow("s3:GetObject", Condition=ONLY_OURS)],
            NOT_CONTAINED,
        ),
        ([allow("s3:GetObject", "kms:Decrypt")], [allow("s3:GetObject"), allow("kms:Decrypt")], CONTAINED),
        ([allow("s3:GetObject")], [allow("s3:GetObject"), deny("s3:GetObject")], NOT_CONTAINED),
        ([allow("s3:GetObject")], [allow("s3:GetObject"), deny("kms:*")], CONTAINED),
        ([allow("s3:*"), deny("s3:Put*")], [allow("s3:*"), deny("s3:PutObject")], CONTAINED),
        ([allow("s3:*"), deny("s3:PutObject")], [allow("s3:*")], CONTAINED),
        ([deny("s3:*")], [allow("s3:GetObject")], CONTAINED),
        (
            [allow("s3:*")],
            [allow("s3:*"), deny("s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})],
            NOT_CONTAINED,
        ),
        (
            [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
            [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
            CONTAINED,
        ),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], [allow("s3:*")], UNDETERMINED),
    ],
)
def test_documents_are_compared_by_what_they_allow(
    narrow: list[dict[str, Any]], wide: list[dict[str, Any]], expected: Containment
) -> None:
    assert contained(policy(*narrow), policy(*wide)).verdict is expected


@pytest.mark.parametrize(
    ("narrow", "wide", "expected"),
    [
        ({"AWS": "arn:aws:iam::123456789012:role/a"}, "*", CONTAINED),
        ("*", {"AWS": "arn:aws:iam::123456789012:role/a"}, NOT_CONTAINED),
        ({"AWS": ["arn:aws:iam::123456789012:role/a"]}, {"AWS": ["arn:aws:iam::123456789012:role/b"]}, NOT_CONTAINED),
        (
            {"Service": "sagemaker.amazonaws.com"},
            {"Service": ["sagemaker.amazonaws.com", "b.amazonaws.com"]},
            CONTAINED,
        ),
        ({"AWS": "123456789012"}, {"Service": "sagemaker.amazonaws.com"}, NOT_CONTAINED),
    ],
)
def test_opening_a_trust_to_somebody_else_is_seen(narrow: Any, wide: Any, expected: Containment) -> None:
    def trust(principal: Any) -> Policy:
        return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})

    assert contained(trust(narrow), trust(wide)).verdict is expected


def test_a_document_that_is_not_contained_comes_with_a_request_that_shows_it() -> None:
    narrow, wide = policy(allow("s3:*")), policy(allow("s3:GetObject"))
    witness = contained(narrow, wide).witness
    assert witness is not None
    assert narrow.decide(witness).decision is Decision.ALLOW
    assert wide.decide(witness).decision is not Decision.ALLOW


@settings(max_examples=300)
@given(documents, documents)
def test_what_is_called_contained_allows_no_request_more(
    narrow: list[dict[str, Any]], wide: list[dict[str, Any]]
) -> None:
    a, b = policy(*narrow), policy(*wide)
    compared = contained(a, b)
    more = [each for each in REQUESTS if _allows(a, each) and not _allows(b, each)]
    if compared.verdict is CONTAINED:
        assert not more
    elif compared.verdict is NOT_CONTAINED:
        assert compared.witness is not None
        assert _allows(a, compared.witness)
        assert not _allows(b, compared.witness)


@given(documents, st.data())
def test_a_narrowed_document_is_contained_in_the_wider_one(wide: list[dict[str, Any]], data: st.DataObject) -> None:
    narrow = [dict(each) for each in wide]
    one = data.draw(st.sampled_from(narrow))
    grants = one["Effect"] == "Allow"
    how = data.draw(st.sampled_from(("fewer actions", "fewer resources", "a condition more", "a deny more", "less")))
    if grants and how == "fewer actions":
        one["Action"] = one["Action"][:1]
    elif grants and how == "fewer resources":
        one["Resource"] = one["Resource"][:1]
    elif grants and how == "a condition more":
        one["Condition"] = {**one.get("Condition", {}), "ArnLike": {"aws:SourceArn": "arn:aws:s3:::a"}}
    elif grants and how == "less" and len(narrow) > 1:
        narrow.remove(one)
    elif how == "a deny more":
        narrow.append(deny("s3:*"))
    assert contained(policy(*narrow), policy(*wide)).verdict is CONTAINED


@given(documents)
def test_every_document_is_contained_in_itself(document: list[dict[str, Any]]) -> None:
    assert contained(policy(*document), policy(*document)).verdict is CONTAINED


def _allows(document: Policy, request: Request) -> bool:
    return document.decide(request).decision is Decision.ALLOW
