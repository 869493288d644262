"""The evaluator on its own. Expected results are AWS's documented ones; nothing here was compared with AWS itself."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack.iam.conditions import PolicyError
from mlstack.iam.policy import Caller, Decision, Policy, Request

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/access"
SESSION = Caller(account=ACCOUNT, arns=(f"arn:aws:sts::{ACCOUNT}:assumed-role/access/zenml", ROLE))
STRANGER = Caller(account="999999999999", arns=("arn:aws:iam::999999999999:user/eve",))
OBJECT = "arn:aws:s3:::artifacts/a/b.json"


def statement(**changes: Any) -> dict[str, Any]:
    allow_all = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    return {key: value for key, value in (allow_all | changes).items() if value is not None}


def decide(
    *statements: dict[str, Any],
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    caller: Caller = SESSION,
    context: dict[str, str | tuple[str, ...]] | None = None,
) -> Decision:
    policy = Policy.parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    return policy.decide(Request(action=action, resource=resource, caller=caller, context=context or {})).decision


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Decision.ALLOW),
        ({"Effect": "Deny"}, Decision.DENY),
        ({"Action": "s3:getobject"}, Decision.ALLOW),
        ({"Action": "s3:Get*"}, Decision.ALLOW),
        ({"Action": "s3:Get?bject"}, Decision.ALLOW),
        ({"Action": "*"}, Decision.ALLOW),
        ({"Action": ["s3:PutObject", "s3:GetObject"]}, Decision.ALLOW),
        ({"Action": "s3:GetObjectTagging"}, Decision.SILENT),
        ({"Action": "s3:GetObjec"}, Decision.SILENT),
        ({"Action": None, "NotAction": "s3:DeleteObject"}, Decision.ALLOW),
        ({"Action": None, "NotAction": "s3:*"}, Decision.SILENT),
        ({"Resource": "arn:aws:s3:::artifacts/*"}, Decision.ALLOW),
        ({"Resource": "arn:aws:s3:::artifacts"}, Decision.SILENT),
        ({"Resource": "arn:aws:s3:::ARTIFACTS/*"}, Decision.SILENT),
        ({"Resource": ["arn:aws:s3:::other/*", OBJECT]}, Decision.ALLOW),
        ({"Resource": None, "NotResource": "arn:aws:s3:::artifacts/*"}, Decision.SILENT),
        ({"Resource": None, "NotResource": "arn:aws:s3:::other/*"}, Decision.ALLOW),
        ({"Principal": {"AWS": "*"}}, Decision.ALLOW),
        ({"Principal": {"AWS": ROLE}}, Decision.ALLOW),
        ({"Principal": {"AWS": ["arn:aws:iam::999999999999:root", ROLE]}}, Decision.ALLOW),
        ({"Principal": {"AWS": ACCOUNT}}, Decision.ALLOW),
        ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, Decision.ALLOW),
        ({"Principal": {"AWS": "arn:aws:iam::999999999999:root"}}, Decision.SILENT),
        ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}}, Decision.SILENT),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, Decision.SILENT),
        ({"Principal": None, "NotPrincipal": {"AWS": ROLE}, "Effect": "Deny"}, Decision.SILENT),
        ({"Principal": None, "NotPrincipal": {"AWS": ACCOUNT + "9"}, "Effect": "Deny"}, Decision.DENY),
    ],
)
def test_a_statement_applies_to_what_it_names(changes: dict[str, Any], expected: Decision) -> None:
    assert decide(statement(**changes)) is expected


def test_a_service_is_not_among_aws_principals() -> None:
    sagemaker = Caller(account=ACCOUNT, service="sagemaker.amazonaws.com")
    assert decide(statement(Principal={"Service": "sagemaker.amazonaws.com"}), caller=sagemaker) is Decision.ALLOW
    assert decide(statement(Principal={"AWS": ACCOUNT}), caller=sagemaker) is Decision.SILENT


def test_an_anonymous_caller_is_only_everybody() -> None:
    assert decide(statement(), caller=Caller()) is Decision.ALLOW
    assert decide(statement(Principal={"AWS": ACCOUNT}), caller=Caller()) is Decision.SILENT


def test_a_deny_of_others_leaves_ours_alone() -> None:
    only_ours = statement(Effect="Deny", Condition={"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}})
    assert decide(only_ours, context={"aws:PrincipalAccount": ACCOUNT}) is Decision.SILENT
    assert decide(only_ours, caller=STRANGER, context={"aws:PrincipalAccount": "999999999999"}) is Decision.DENY


@given(st.permutations([statement(Sid="yes"), statement(Sid="no", Effect="Deny"), statement(Action="s3:PutObject")]))
def test_an_explicit_deny_wins_wherever_it_stands(statements: list[dict[str, Any]]) -> None:
    policy = Policy.parse(json.dumps({"Statement": statements}))
    verdict = policy.decide(Request(action="s3:GetObject", resource=OBJECT, caller=SESSION))
    assert (verdict.decision, verdict.sid) == (Decision.DENY, "no")


@given(st.text(max_size=30))
def test_wildcards_are_the_only_special_characters(text: str) -> None:
    literal = text.replace("*", "").replace("?", "").replace("${", "")
    assert decide(statement(Resource=f"arn:{literal}"), resource=f"arn:{literal}") is Decision.ALLOW
    assert decide(statement(Resource=f"arn:{literal}"), resource=f"arn:{literal}x") is Decision.SILENT
    assert decide(statement(Resource="arn:*"), resource=f"arn:{text}") is Decision.ALLOW


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("no json", "not JSON"),
        ("[]", "no Statement"),
        ('{"Statement": []}', "no Statement"),
        ('{"Statement": "Allow"}', "no Statement"),
        ('{"Statements": [], "Statement": [{}]}', "unknown elements: Statements"),
        ({"Effect": "Maybe"}, "Effect 'Maybe'"),
        ({"Actions": "s3:*"}, "unknown elements: Actions"),
        ({"Action": None}, "no Action"),
        ({"NotAction": "s3:*"}, "both Action and NotAction"),
        ({"Principal": "everyone"}, "Principal 'everyone'"),
        ({"Principal": {"CanonicalUser": "79a5"}}, "CanonicalUser"),
        ({"Resource": "arn:aws:s3:::b/${aws:username}/*"}, "policy variables"),
        ({"Resource": {"Fn::Sub": "x"}}, "where text is expected"),
        ({"Condition": {"StringEqual": {"aws:PrincipalAccount": "1"}}}, "StringEqual"),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01"}}}, "DateLessThan"),
        ({"Condition": {"ForSomeValues:StringEquals": {"k": "v"}}}, "ForSomeValues:StringEquals"),
        ({"Condition": {"Bool": "aws:SecureTransport"}}, "not an object"),
        ({"Condition": ["Bool"]}, "not an object"),
    ],
)
def test_what_is_not_understood_is_refused_as_a_whole(document: str | dict[str, Any], complaint: str) -> None:
    text = document if isinstance(document, str) else json.dumps({"Statement": [statement(**document)]})
    with pytest.raises(PolicyError, match=complaint):
        Policy.parse(text)
