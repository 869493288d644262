"""Policy documents for tests, written short, and random ones for properties."""

import json
from typing import Any

from hypothesis import strategies as st

from mlstack.iam.policy import Caller, Policy, Request

ACCOUNT = "123456789012"
OTHER = "999999999999"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/access"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/access/zenml"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
SESSION = Caller(account=ACCOUNT, arns=(SESSION_ARN, ROLE))

ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "kms:Decrypt")
PATTERNS = ("s3:*", "s3:Get*", "s3:?etObject", "*", *ACTIONS)
RESOURCES = ("arn:aws:s3:::a/x", "arn:aws:s3:::a/y", "arn:aws:s3:::b/x", "arn:aws:kms:::key/k")
RESOURCE_PATTERNS = ("*", "arn:aws:s3:::a/*", "arn:aws:s3:::?/x", "arn:aws:s3:::*", *RESOURCES)
CONDITIONS: tuple[dict[str, Any], ...] = (
    {},
    {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    {"StringLike": {"aws:SourceAccount": "1234*"}},
    {"StringNotEquals": {"aws:SourceAccount": [OTHER]}},
    {"StringNotEquals": {"aws:SourceAccount": [OTHER, "1"]}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"BoolIfExists": {"aws:SecureTransport": "true"}},
    {"Null": {"aws:SourceAccount": "false"}},
)
CONTEXTS: tuple[dict[str, str | tuple[str, ...]], ...] = (
    {},
    {"aws:SourceAccount": ACCOUNT},
    {"aws:SourceAccount": OTHER},
    {"aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"},
    {"aws:SecureTransport": "false"},
)


def allow(*actions: str, on: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Sid": "Allow", "Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def deny(*actions: str, on: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Sid": "Deny", "Effect": "Deny", "Action": list(actions), "Resource": on, **more}


def policy(*statements: dict[str, Any]) -> Policy:
    return Policy.parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def _some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


statements = st.builds(
    lambda effect, actions, resources, conditions: {
        "Sid": effect,
        "Effect": effect,
        "Action": actions,
        "Resource": resources,
        **({"Condition": conditions} if conditions else {}),
    },
    st.sampled_from(("Allow", "Allow", "Allow", "Deny")),
    _some(PATTERNS),
    _some(RESOURCE_PATTERNS),
    st.sampled_from(CONDITIONS),
)
documents = st.lists(statements, min_size=1, max_size=4)

REQUESTS = tuple(
    Request(action=action, resource=resource, caller=SESSION, context=context)
    for action in ACTIONS
    for resource in RESOURCES
    for context in CONTEXTS
)
"""Every request that random documents can tell apart."""
