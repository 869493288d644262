"""Decides whether a request is allowed, from all the policies that have a say in it.

After https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html and
reference_policies_evaluation-logic-cross-account.html. Service and resource control policies of an organization are
not known here: they can only take away.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mlstack.iam.policy import Decision, Policy, Request, Through, Verdict


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a user or a session of a role carries."""

    account: str
    policies: tuple[Policy, ...] = ()
    """Attached to the user or role; one that allows is enough."""
    boundary: Policy | None = None
    """Permissions boundary: must allow too."""
    session: Policy | None = None
    """Handed over with sts:AssumeRole: must allow too."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """What is asked for, as far as it has a policy of its own."""

    account: str
    policy: Policy | None = None
    """Bucket, key, repository or trust policy."""
    decides_alone: bool = False
    """KMS keys and roles: without an allow in their own policy nothing is allowed, not even to their account."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Allowed or not, and by which statement or for want of which policy."""

    allowed: bool
    why: str
    granted_by: tuple[str, ...] = field(default=())
    """Ids of the statements that allow it, for finding grants that nothing needs."""


def evaluate(request: Request, identity: Identity, resource: Resource | None = None) -> Answer:
    """Whether `identity` may do what `request` says.

    `request.caller` names the same identity. `resource` is left out when it has no policy and is of the same account.
    """
    on = resource or Resource(account=identity.account)
    layers = (*identity.policies, identity.boundary, identity.session, on.policy)
    denied = next((verdict for verdict in _verdicts(request, layers) if verdict.decision is Decision.DENY), None)
    if denied:
        return Answer(allowed=False, why=f"explicitly denied by statement {denied.sid}")

    own = [verdict for verdict in _verdicts(request, identity.policies) if verdict.decision is Decision.ALLOW]
    granted_here = tuple(verdict.sid or "?" for verdict in own)
    by_resource = on.policy.decide(request) if on.policy else Verdict(decision=Decision.SILENT)
    named = by_resource.through if by_resource.decision is Decision.ALLOW else Through.NOBODY
    granted_there = (by_resource.sid or "?",) if named is not Through.NOBODY else ()

    if on.account != identity.account or on.decides_alone:
        if named is Through.NOBODY:
            return Answer(allowed=False, why="the policy of the resource does not allow it")
        # A key or role of the same account that names the caller itself needs nothing beside.
        needs_own = on.account != identity.account or named in (Through.ACCOUNT, Through.EVERYBODY)
    else:
        needs_own = named in (Through.NOBODY, Through.ACCOUNT)

    if needs_own and not own:
        return Answer(allowed=False, why="no policy of the identity allows it")
    # Naming the session or user itself is the one grant that a boundary and a session policy do not limit.
    if needs_own or named is not Through.ITSELF:
        for layer, what in ((identity.boundary, "permissions boundary"), (identity.session, "session policy")):
            if layer is not None and layer.decide(request).decision is not Decision.ALLOW:
                return Answer(allowed=False, why=f"the {what} does not allow it")
    granted_by = (*(granted_here if needs_own or own else ()), *granted_there)
    return Answer(allowed=True, why=f"allowed by {', '.join(granted_by)}", granted_by=granted_by)


def evaluate_service(request: Request, resource: Resource) -> Answer:
    """Whether an AWS service that asks on its own behalf may: only the policy of the resource has a say."""
    verdict = on.decide(request) if (on := resource.policy) else Verdict(decision=Decision.SILENT)
    if verdict.decision is Decision.ALLOW:
        return Answer(allowed=True, why=f"allowed by {verdict.sid}", granted_by=(verdict.sid or "?",))
    return Answer(allowed=False, why=f"{verdict.decision.value} in the policy of the resource")


def _verdicts(request: Request, policies: Iterable[Policy | None]) -> list[Verdict]:
    return [policy.decide(request) for policy in policies if policy is not None]
