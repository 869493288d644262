"""All policies together. Expected are the results that AWS documents; nothing here was compared with AWS itself."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given

from mlstack.iam.evaluate import Identity, Resource, evaluate, evaluate_service
from mlstack.iam.policy import Caller, Policy, Request
from tests.iam.documents import (
    ACCOUNT,
    OTHER,
    REQUESTS,
    ROLE,
    SESSION,
    SESSION_ARN,
    allow,
    deny,
    documents,
    policy,
    statements,
)

READ = allow("s3:GetObject")
WRITE = allow("s3:PutObject")
TO_ROLE = allow("s3:GetObject", Principal={"AWS": ROLE})
TO_SESSION = allow("s3:GetObject", Principal={"AWS": SESSION_ARN})
TO_ACCOUNT = allow("s3:GetObject", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
TO_EVERYBODY = allow("s3:GetObject", Principal="*")


@dataclass(frozen=True)
class Case:
    says: str
    allowed: bool
    own: list[dict[str, Any]] = field(default_factory=list)
    boundary: dict[str, Any] | None = None
    session: dict[str, Any] | None = None
    resource: dict[str, Any] | None = None
    resource_account: str = ACCOUNT
    decides_alone: bool = False


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
# https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
CASES = [
    Case("nothing said is denied", False),
    Case("an identity policy allows", True, own=[READ]),
    Case("another action is not allowed", False, own=[WRITE]),
    Case("one of several policies is enough", True, own=[WRITE, READ]),
    Case("a deny in one policy wins over an allow in another", False, own=[READ, deny("s3:*")]),
    Case("a deny of the resource wins", False, own=[READ], resource=deny("s3:*", Principal="*")),
    Case("a boundary alone grants nothing", False, boundary=READ),
    Case("identity and boundary both allow", True, own=[READ], boundary=allow("s3:*")),
    Case("the boundary does not speak of it", False, own=[READ], boundary=WRITE),
    Case("the boundary denies", False, own=[READ], boundary=deny("s3:GetObject")),
    Case("a session policy alone grants nothing", False, session=READ),
    Case("identity and session policy both allow", True, own=[READ], session=READ),
    Case("the session policy does not speak of it", False, own=[READ], session=WRITE),
    Case("identity, boundary and session policy all allow", True, own=[READ], boundary=READ, session=READ),
    Case("the boundary allows but the session policy does not", False, own=[READ], boundary=READ, session=WRITE),
    Case("the resource names the role", True, resource=TO_ROLE),
    Case("the resource names the role, its boundary limits that", False, resource=TO_ROLE, boundary=WRITE),
    Case("the resource names the role, the session policy limits that", False, resource=TO_ROLE, session=WRITE),
    Case("the resource names the session, which no boundary limits", True, resource=TO_SESSION, boundary=WRITE),
    Case("the resource names the session, but the boundary denies", False, resource=TO_SESSION, boundary=deny("s3:*")),
    Case("naming the account leaves it to identity policies", False, resource=TO_ACCOUNT),
    Case("the account is named and the identity allows", True, own=[READ], resource=TO_ACCOUNT),
    Case("everybody is named", True, resource=TO_EVERYBODY),
    Case("across accounts the identity alone is not enough", False, own=[READ], resource_account=OTHER),
    Case("across accounts the resource alone is not enough", False, resource=TO_ROLE, resource_account=OTHER),
    Case("across accounts both allow", True, own=[READ], resource=TO_ROLE, resource_account=OTHER),
    Case("across accounts an account is named and the identity allows", True, [READ], None, None, TO_ACCOUNT, OTHER),
    Case(
        "across accounts everybody is named, and the identity says nothing", False, [], None, None, TO_EVERYBODY, OTHER
    ),
    Case("a key's own policy says nothing, whatever the identity says", False, own=[READ], decides_alone=True),
    Case("a key's policy names the role", True, resource=TO_ROLE, decides_alone=True),
    Case(
        "a key's policy leaves it to the account, the identity is silent",
        False,
        [],
        None,
        None,
        TO_ACCOUNT,
        ACCOUNT,
        True,
    ),
    Case(
        "a key's policy leaves it to the account, the identity allows",
        True,
        [READ],
        None,
        None,
        TO_ACCOUNT,
        ACCOUNT,
        True,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.says for case in CASES])
def test_policies_work_together_as_aws_documents(case: Case) -> None:
    answer = evaluate(
        Request(action="s3:GetObject", resource="arn:aws:s3:::a/x", caller=SESSION),
        Identity(
            account=ACCOUNT,
            policies=tuple(policy(each) for each in case.own),
            boundary=_maybe(case.boundary),
            session=_maybe(case.session),
        ),
        Resource(account=case.resource_account, policy=_maybe(case.resource), decides_alone=case.decides_alone),
    )
    assert answer.allowed is case.allowed, answer.why


def test_the_answer_names_the_statements_that_grant() -> None:
    answer = evaluate(
        Request(action="s3:GetObject", resource="arn:aws:s3:::a/x", caller=SESSION),
        Identity(account=ACCOUNT, policies=(policy({**READ, "Sid": "Reading"}),)),
    )
    assert answer.granted_by == ("Reading",)


@pytest.mark.parametrize(("service", "allowed"), [("sagemaker.amazonaws.com", True), ("ec2.amazonaws.com", False)])
def test_a_service_is_let_in_by_the_resource_alone(service: str, *, allowed: bool) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    asked = Request(action="sts:AssumeRole", resource=ROLE, caller=Caller(account=ACCOUNT, service=service))
    assert evaluate_service(asked, Resource(account=ACCOUNT, policy=policy(trust))).allowed is allowed


@given(documents, statements)
def test_adding_a_deny_never_allows_more(document: list[dict[str, Any]], more: dict[str, Any]) -> None:
    before = Identity(account=ACCOUNT, policies=(policy(*document),))
    after = Identity(account=ACCOUNT, policies=(policy(*document, {**more, "Effect": "Deny"}),))
    for request in REQUESTS:
        assert evaluate(request, before).allowed or not evaluate(request, after).allowed


@given(documents, documents, documents)
def test_a_boundary_and_a_session_policy_only_take_away(
    own: list[dict[str, Any]], boundary: list[dict[str, Any]], session: list[dict[str, Any]]
) -> None:
    alone = Identity(account=ACCOUNT, policies=(policy(*own),))
    limited = Identity(account=ACCOUNT, policies=(policy(*own),), boundary=policy(*boundary), session=policy(*session))
    for request in REQUESTS:
        assert evaluate(request, alone).allowed or not evaluate(request, limited).allowed


def _maybe(statement: dict[str, Any] | None) -> Policy | None:
    return None if statement is None else policy(statement)
