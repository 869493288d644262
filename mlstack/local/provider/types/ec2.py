"""EC2: what its resources have in common."""

from typing import Any

from mlstack.local.provider.schema import Call, Values
from mlstack.local.provider.types.aws import from_pairs, pairs


def tagged(call: Call, kind: str) -> dict[str, Any]:
    """The argument that tags a new `kind`. EC2 refuses one without tags."""
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs(call.tags)}]} if call.tags else {}


def retag(call: Call, id_: str) -> None:
    found = call.client.describe_tags(Filters=where(resource_id=id_))["Tags"]
    if dropped := sorted(set(from_pairs(found)) - set(call.tags)):
        call.client.delete_tags(Resources=[id_], Tags=[{"Key": key} for key in dropped])
    if call.tags:
        call.client.create_tags(Resources=[id_], Tags=pairs(call.tags))


def update_tags(call: Call, id_: str, old: Values, new: Values) -> None:
    """The update of a resource of which only the tags can change."""
    retag(call, id_)


def tags_of(found: Values) -> dict[str, str]:
    return from_pairs(found.get("Tags") or ())


def where(**values: str) -> list[dict[str, Any]]:
    """Filters of a call, with `_` for `-`; an exact name of AWS's that has a `.` goes in through `**`."""
    return [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in values.items()]


def arn(call: Call, kind: str, id_: str) -> str:
    return f"arn:{call.client.meta.partition}:ec2:{call.region}:{call.account_id}:{kind}/{id_}"
