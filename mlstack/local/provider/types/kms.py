"""KMS: the key and its alias."""

from mlstack.local.provider.schema import (
    REGION,
    TAGS,
    Call,
    ResourceType,
    Values,
    boolean,
    integer,
    name,
    policy,
    string,
)
from mlstack.local.provider.types.aws import from_pairs, given, or_undone, pairs, unless_gone

_GONE = "NotFoundException"
_TAGS = {"key": "TagKey", "value": "TagValue"}


def _create_key(call: Call, inputs: Values) -> str:
    made = call.client.create_key(
        Tags=pairs(call.tags, **_TAGS),
        **given(
            Description=inputs.get("description"), Policy=inputs.get("policy"), MultiRegion=inputs.get("multiRegion")
        ),
    )
    key_id: str = made["KeyMetadata"]["KeyId"]
    with or_undone(lambda: call.client.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)):
        _rotate(call, key_id, inputs)
    return key_id


def _rotate(call: Call, key_id: str, inputs: Values) -> None:
    if inputs.get("enableKeyRotation"):
        call.client.enable_key_rotation(KeyId=key_id, **given(RotationPeriodInDays=inputs.get("rotationPeriodInDays")))
    else:
        call.client.disable_key_rotation(KeyId=key_id)


def _read_key(call: Call, key_id: str, state: Values) -> Values | None:
    found = unless_gone(lambda: call.client.describe_key(KeyId=key_id), _GONE)
    if found is None or found["KeyMetadata"]["KeyState"] == "PendingDeletion":
        return None
    metadata = found["KeyMetadata"]
    return {
        "description": metadata.get("Description") or None,
        "multiRegion": bool(metadata.get("MultiRegion")),
        "enableKeyRotation": bool(call.client.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]),
        "policy": call.client.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"],
        "tags": from_pairs(call.client.list_resource_tags(KeyId=key_id)["Tags"], **_TAGS),
        "arn": metadata["Arn"],
        "keyId": key_id,
    }


def _update_key(call: Call, key_id: str, old: Values, new: Values) -> None:
    kms = call.client
    kms.update_key_description(KeyId=key_id, Description=new.get("description", ""))
    if new.get("policy"):
        kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=new["policy"])
    _rotate(call, key_id, new)
    before = from_pairs(kms.list_resource_tags(KeyId=key_id)["Tags"], **_TAGS)
    if dropped := sorted(set(before) - set(call.tags)):
        kms.untag_resource(KeyId=key_id, TagKeys=dropped)
    kms.tag_resource(KeyId=key_id, Tags=pairs(call.tags, **_TAGS))


def _delete_key(call: Call, key_id: str, state: Values) -> None:
    days = state.get("deletionWindowInDays", 30)
    unless_gone(
        lambda: call.client.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=days),
        _GONE,
        "KMSInvalidStateException",
    )


def _create_alias(call: Call, inputs: Values) -> str:
    call.client.create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return str(inputs["name"])


def _read_alias(call: Call, name: str, state: Values) -> Values | None:
    for page in call.client.get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if alias["AliasName"] == name:
                key = call.client.describe_key(KeyId=alias["TargetKeyId"])["KeyMetadata"]
                return {
                    "name": name,
                    "targetKeyId": alias["TargetKeyId"],
                    "arn": alias["AliasArn"],
                    "targetKeyArn": key["Arn"],
                }
    return None


TYPES = (
    ResourceType(
        token="aws:kms/key:Key",
        service="kms",
        properties={
            "description": string(),
            "enableKeyRotation": boolean(default=False),
            "rotationPeriodInDays": integer(computed=True),
            "deletionWindowInDays": integer(default=30),
            "multiRegion": boolean(default=False, forces_new=True),
            "policy": policy(computed=True),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "keyId"),
        name=None,
        create=_create_key,
        read=_read_key,
        update=_update_key,
        delete=_delete_key,
        # The window counts only when the key is deleted.
        not_returned=("deletionWindowInDays",),
    ),
    ResourceType(
        token="aws:kms/alias:Alias",
        service="kms",
        properties={
            "name": name(),
            "targetKeyId": string(required=True),
            "region": REGION,
        },
        outputs=("arn", "targetKeyArn"),
        name="name",
        create=_create_alias,
        read=_read_alias,
        update=lambda call, name, old, new: call.client.update_alias(AliasName=name, TargetKeyId=new["targetKeyId"]),
        delete=lambda call, name, state: unless_gone(lambda: call.client.delete_alias(AliasName=name), _GONE),
    ),
)
