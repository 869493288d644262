"""Policies that others gave a role or a user are seen, and taken away when the program has them exclusively."""

import uuid
from typing import Any

import pytest

from tests.local.provider.conftest import Engine
from tests.local.provider.samples import POLICY, ROLE, USER, allow, trust


@pytest.fixture
def unique() -> str:
    return f"x{uuid.uuid4().hex[:11]}"


def owner(run: Engine, kind: str, unique: str) -> str:
    if kind == "role":
        return run.create(ROLE, {"name": unique, "assumeRolePolicy": trust("sagemaker.amazonaws.com")})[0]
    return run.create(USER, {"name": unique})[0]


def token(kind: str, what: str) -> str:
    return f"aws:iam/{kind}{what}Exclusive:{kind.capitalize()}{what}Exclusive"


@pytest.mark.parametrize("kind", ["role", "user"])
def test_inline_policies_of_others_go_and_the_named_one_stays(run: Engine, unique: str, kind: str) -> None:
    name, of_policy = owner(run, kind, unique), f"aws:iam/{kind}Policy:{kind.capitalize()}Policy"
    for each in ("ours", "theirs"):
        run.create(of_policy, {"name": each, kind: name, "policy": allow("s3:GetObject")})
    exclusive = token(kind, "Policies")
    seen: Any = run.read(exclusive, name)
    assert seen["policyNames"] == ["ours", "theirs"], "an import has to show what would be taken away"
    run.create(exclusive, {f"{kind}Name": name, "policyNames": ["ours"]})
    assert run.read(of_policy, f"{name}:theirs") is None
    assert run.read(of_policy, f"{name}:ours") is not None


def test_attached_policies_of_others_go_and_those_that_are_missing_come(run: Engine, unique: str) -> None:
    name, exclusive = owner(run, "role", unique), token("role", "PolicyAttachments")
    arns = [run.create(POLICY, {"name": f"{unique}-{n}", "policy": allow("s3:GetObject")})[0] for n in (1, 2)]
    attachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    run.create(attachment, {"role": name, "policyArn": arns[0]})
    id_, _ = run.create(exclusive, {"roleName": name, "policyArns": [arns[1]]})
    assert run.read(attachment, f"{name}/{arns[0]}") is None
    assert run.read(attachment, f"{name}/{arns[1]}") is not None
    run.update(exclusive, id_, {"roleName": name, "policyArns": [arns[1]]}, {"roleName": name, "policyArns": []})
    assert run.read(attachment, f"{name}/{arns[1]}") is None
