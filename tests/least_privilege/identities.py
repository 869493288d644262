"""Who a call comes from, with all the policies that this one carries."""

from mlstack.iam.evaluate import Identity
from mlstack.iam.policy import Caller, Policy
from tests.least_privilege.granted import Granted

OTHER_ACCOUNT = "999999999999"
_ANYTHING = Policy.parse('{"Statement": {"Sid": "Anything", "Effect": "Allow", "Action": "*", "Resource": "*"}}')
"""Of identities that are not this stack's: whatever an identity can be granted by itself, they are."""


def identity_of(who: str, granted: Granted) -> tuple[Caller, Identity | None]:
    """`access/s3`: the access role in a session of that connector. `sagemaker`: that role. None: a service alone."""
    names = granted.names
    account = names.account_id
    if "." in who:
        return Caller(account=account, service=who), None
    if who == "server":
        if granted.user is None:
            return _outsider(account, granted.principal)
        return Caller(account=account, arns=(granted.principal,)), Identity(account=account, policies=(granted.user,))
    if who == "administrator":
        return _outsider(account, f"arn:{names.partition}:iam::{account}:role/administrator")
    if who == "another account":
        return _outsider(OTHER_ACCOUNT, f"arn:{names.partition}:iam::{OTHER_ACCOUNT}:role/zenml-server")
    role, _, connector = who.partition("/")
    if role == "access" and "connectors" not in granted.parts:
        # Whoever runs a pipeline works with credentials of their own, with rights that are not ours to give.
        return _outsider(account, f"arn:{names.partition}:iam::{account}:user/data-scientist")
    session = f"arn:{names.partition}:sts::{account}:assumed-role/{names.role(role)}/{connector or 'aws'}"
    identity = Identity(
        account=account,
        policies=(granted.roles[role],),
        session=granted.sessions[connector] if connector else None,
    )
    return Caller(account=account, arns=(session, names.role_arn(role))), identity


def _outsider(account: str, arn: str) -> tuple[Caller, Identity]:
    return Caller(account=account, arns=(arn,)), Identity(account=account, policies=(_ANYTHING,))
