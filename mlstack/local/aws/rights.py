"""Whether whoever calls may do something by IAM, for the services whose emulation decides it: registry and builds.

The operator's own key is the account's root and may everything. Session policies are not known to moto.
"""

import json

from moto.iam.models import iam_backends

from mlstack.iam.evaluate import Identity, evaluate
from mlstack.iam.policy import Caller, Policy, Request


def refusal(caller: Caller, action: str, resource: str, account: str) -> str | None:
    """What AWS says when it refuses; None when it allows."""
    if f"arn:aws:iam::{account}:root" in caller.arns:
        return None
    identity = Identity(account=account, policies=tuple(_policies(caller.arns[-1], account)) if caller.arns else ())
    if evaluate(Request(action=action, resource=resource, caller=caller, context={}), identity).allowed:
        return None
    who = caller.arns[0] if caller.arns else "anonymous"
    return (
        f"User: {who} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )


def of_role(role_arn: str, session: str) -> Caller:
    """A session of a role, as a service has it."""
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    return Caller(account=account, arns=(f"arn:aws:sts::{account}:assumed-role/{name}/{session}", role_arn))


def _policies(arn: str, account: str) -> list[Policy]:
    backend = iam_backends[account]["aws"]
    holder = backend.get_role_by_arn(arn) if ":role/" in arn else backend.get_user(arn.rpartition("/")[2])
    inline = holder.policies
    texts = list(inline.values()) if isinstance(inline, dict) else [each["policy_document"] for each in inline]
    texts += [each.document for each in holder.managed_policies.values()]
    return [Policy.parse(text if isinstance(text, str) else json.dumps(text)) for text in texts]
