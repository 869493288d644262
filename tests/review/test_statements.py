"""What people have to acknowledge of a preview: statement by statement, nothing hidden and nothing made up."""

import json
from io import StringIO
from typing import Any

from rich.console import Console

from mlstack.deployment.shown import show_iam
from mlstack.outcome import Step
from mlstack.review.model import Statement
from mlstack.review.statements import UNKNOWN, iam_changes

ROLE = "urn:pulumi:dev::mlstack::mlstack:index:MLStack$mlstack:index:Role$aws:iam/role:Role::access"
POLICY = "urn:pulumi:dev::mlstack::mlstack:index:MLStack$aws:iam/rolePolicy:RolePolicy::access-policy"
READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::b"}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"role": "access", "policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}


def changes(old: dict[str, Any], new: dict[str, Any], *, urn: str = POLICY, operation: str = "update") -> list[Any]:
    return iam_changes([Step(operation=operation, urn=urn, old=old, new=new)])


def test_a_new_statement_is_shown_whole() -> None:
    found = changes({}, policy({**READ, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}), operation="create")
    assert found == [
        Statement(
            sign="+",
            whose="access",
            kind="policy",
            effect="Allow",
            actions=("s3:GetObject", "s3:ListBucket"),
            resources=("arn:aws:s3:::b",),
            conditions="Bool aws:SecureTransport true",
        )
    ]


def test_another_order_another_sid_and_a_list_of_one_are_no_change() -> None:
    other = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": ["arn:aws:s3:::b"]}
    write = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}
    assert changes(policy(READ, write), policy(write, other)) == []


def test_a_widened_statement_goes_and_comes() -> None:
    found = changes(policy(READ), policy({**READ, "Resource": "*"}))
    assert [(each.sign, each.resources) for each in found] == [("-", ("arn:aws:s3:::b",)), ("+", ("*",))]


def test_what_is_allowed_by_exception_says_so() -> None:
    statement = {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::b", "NotPrincipal": {"AWS": "x"}}
    (found,) = changes({}, policy(statement))
    assert (found.actions, found.resources, found.principals) == (("not iam:*",), ("not arn:aws:s3:::b",), ("not x",))


def test_a_deleted_role_takes_its_trust_and_its_boundary_away() -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    role = {
        "name": "r",
        "assumeRolePolicy": json.dumps({"Statement": trust}),
        "permissionsBoundary": "arn:aws:iam::123456789012:policy/b",
    }
    found = changes(role, {}, urn=ROLE, operation="delete")
    assert [(each.sign, each.kind) for each in found] == [("-", "trust"), ("-", "boundary")]


def test_a_document_that_is_not_known_yet_is_a_change_of_its_own() -> None:
    (found,) = changes({}, {"role": UNKNOWN, "policy": UNKNOWN})
    assert found.effect == "known after apply"
    assert found.whose == "access-policy"


def test_an_attached_policy_is_one_too() -> None:
    urn = "urn:pulumi:dev::mlstack::aws:iam/rolePolicyAttachment:RolePolicyAttachment::admin"
    (found,) = changes({}, {"role": "r", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, urn=urn)
    assert (found.kind, found.resources) == ("attached", ("arn:aws:iam::aws:policy/AdministratorAccess",))


def test_a_user_is_shown_even_before_it_may_do_anything_and_so_is_its_key() -> None:
    user = "urn:pulumi:dev::mlstack::mlstack:index:MLStack$aws:iam/user:User::zenml-user"
    assert [(each.sign, each.kind, each.whose) for each in changes({}, {"name": "zenml"}, urn=user)] == [
        ("+", "user", "zenml")
    ]
    key = "urn:pulumi:dev::mlstack::mlstack:index:MLStack$aws:iam/accessKey:AccessKey::zenml-key"
    assert [each.kind for each in changes({}, {"user": "zenml"}, urn=key)] == ["access key"]


def test_every_action_is_shown_however_many_there_are() -> None:
    actions = [f"s3:Action{number}" for number in range(20)]
    console = Console(file=StringIO(), width=200)
    show_iam(console, changes({}, policy({**READ, "Action": actions}), operation="create"))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert [each for each in actions if each not in shown] == [], "agreed to without having been seen"
