"""IAM: that a role or a user has these policies and no others. Making or changing one takes the others away."""

from typing import Any

from mlstack.local.provider.schema import Call, ResourceType, Values, string, strings
from mlstack.local.provider.types.aws import unless_gone

_GONE = "NoSuchEntity"


def _exclusive(whose: str, what: str, listing: str, take_away: str) -> ResourceType:
    """`whose`: Role or User. `what`: Policies or PolicyAttachments. The two calls: boto3's, that list and remove."""
    attached = what == "PolicyAttachments"
    owner, names = f"{whose.lower()}Name", "policyArns" if attached else "policyNames"
    parameter = "PolicyArn" if attached else "PolicyName"

    def holds(call: Call, name: str) -> list[str] | None:
        found: Any = unless_gone(lambda: getattr(call.client, listing)(**{f"{whose}Name": name}), _GONE)
        if found is None:
            return None
        return [each["PolicyArn"] for each in found["AttachedPolicies"]] if attached else list(found["PolicyNames"])

    def put(call: Call, inputs: Values) -> str:
        name = str(inputs[owner])
        has = set(holds(call, name) or ())
        for policy in sorted(has - set(inputs[names])):
            getattr(call.client, take_away)(**{f"{whose}Name": name, parameter: policy})
        if attached:
            for policy in sorted(set(inputs[names]) - has):
                getattr(call.client, f"attach_{whose.lower()}_policy")(**{f"{whose}Name": name, parameter: policy})
        return name

    def read(call: Call, id_: str, state: Values) -> Values | None:
        has = holds(call, id_)
        return None if has is None else {owner: id_, names: sorted(has)}

    token = f"{whose}{what}Exclusive"
    return ResourceType(
        token=f"aws:iam/{token[0].lower()}{token[1:]}:{token}",
        service="iam",
        regional=False,
        properties={
            owner: string(required=True, forces_new=True),
            names: strings(required=True, unordered=True),
        },
        outputs=(),
        # It names what it is about, and has no name of its own.
        name=None,
        create=put,
        read=read,
        update=lambda call, id_, old, new: (put(call, new), None)[1],
        # The policies stay: what ends is only that others are taken away.
        delete=lambda call, id_, state: None,
    )


TYPES = tuple(
    _exclusive(whose, what, listing.format(whose.lower()), take_away.format(whose.lower()))
    for whose in ("Role", "User")
    for what, listing, take_away in (
        ("Policies", "list_{}_policies", "delete_{}_policy"),
        ("PolicyAttachments", "list_attached_{}_policies", "detach_{}_policy"),
    )
)
