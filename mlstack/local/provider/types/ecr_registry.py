"""ECR: how the account's whole registry is scanned."""

from mlstack.local.provider.schema import REGION, Call, ResourceType, Values, objects, string

_FILTERS = {
    "filter": string(required=True),
    "filterType": string(required=True, choices=("WILDCARD",)),
}
_RULES = {
    "scanFrequency": string(required=True, choices=("SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL")),
    "repositoryFilters": objects(_FILTERS, required=True, unordered=True),
}


def _put(call: Call, inputs: Values) -> str:
    made = call.client.put_registry_scanning_configuration(scanType=inputs["scanType"], rules=inputs.get("rules") or [])
    assert made["registryScanningConfiguration"]["scanType"] == inputs["scanType"]
    return call.account_id


def _update(call: Call, registry: str, old: Values, new: Values) -> None:
    _put(call, new)


def _read(call: Call, registry: str, state: Values) -> Values | None:
    found = call.client.get_registry_scanning_configuration()["scanningConfiguration"]
    rules = [{name: rule[name] for name in _RULES if name in rule} for rule in found.get("rules", ())]
    # Every registry has one: the one that nobody has set is none.
    if found["scanType"] == "BASIC" and not rules:
        return None
    return {"scanType": found["scanType"], "rules": rules or None, "registryId": registry}


def _reset(call: Call, registry: str, state: Values) -> None:
    call.client.put_registry_scanning_configuration(scanType="BASIC", rules=[])


TYPES = (
    ResourceType(
        token="aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
        service="ecr",
        properties={
            "scanType": string(required=True, choices=("BASIC", "ENHANCED")),
            "rules": objects(_RULES, unordered=True),
            "region": REGION,
        },
        outputs=("registryId",),
        name=None,
        create=_put,
        read=_read,
        update=_update,
        delete=_reset,
    ),
)
