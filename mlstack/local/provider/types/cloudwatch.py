"""CloudWatch Logs: the log group."""

from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, boolean, integer, name, string
from mlstack.local.provider.types.aws import given, or_undone, unless_gone

_GONE = "ResourceNotFoundException"
# What PutRetentionPolicy takes; 0 is the plugin's word for "for ever".
_DAYS = (0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


def _create(call: Call, inputs: Values) -> str:
    call.client.create_log_group(
        logGroupName=inputs["name"], **given(kmsKeyId=inputs.get("kmsKeyId"), tags=dict(call.tags) or None)
    )
    with or_undone(lambda: call.client.delete_log_group(logGroupName=inputs["name"])):
        _retain(call, inputs["name"], inputs)
    return str(inputs["name"])


def _retain(call: Call, name: str, inputs: Values) -> None:
    if days := inputs.get("retentionInDays"):
        call.client.put_retention_policy(logGroupName=name, retentionInDays=days)
    else:
        unless_gone(lambda: call.client.delete_retention_policy(logGroupName=name), _GONE)


def _read(call: Call, name: str, state: Values) -> Values | None:
    for page in call.client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name):
        for group in page["logGroups"]:
            if group["logGroupName"] == name:
                arn = group["arn"].removesuffix(":*")
                return {
                    "name": name,
                    "retentionInDays": group.get("retentionInDays"),
                    "kmsKeyId": group.get("kmsKeyId"),
                    "tags": call.client.list_tags_log_group(logGroupName=name)["tags"],
                    "arn": arn,
                }
    return None


def _update(call: Call, name: str, old: Values, new: Values) -> None:
    if old.get("kmsKeyId") != new.get("kmsKeyId"):
        # Answered with an error by the emulator, which has neither of the two; on AWS both work.
        if key := new.get("kmsKeyId"):
            call.client.associate_kms_key(logGroupName=name, kmsKeyId=key)
        else:
            call.client.disassociate_kms_key(logGroupName=name)
    _retain(call, name, new)
    before = call.client.list_tags_log_group(logGroupName=name)["tags"]
    if dropped := sorted(set(before) - set(call.tags)):
        call.client.untag_log_group(logGroupName=name, tags=dropped)
    if call.tags:
        call.client.tag_log_group(logGroupName=name, tags=dict(call.tags))


def _delete(call: Call, name: str, state: Values) -> None:
    if not state.get("skipDestroy"):
        unless_gone(lambda: call.client.delete_log_group(logGroupName=name), _GONE)


TYPES = (
    ResourceType(
        token="aws:cloudwatch/logGroup:LogGroup",
        service="logs",
        properties={
            "name": name(),
            "retentionInDays": integer(default=0, choices=_DAYS),
            "kmsKeyId": string(),
            "skipDestroy": boolean(default=False),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn",),
        name="name",
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        not_returned=("skipDestroy",),
    ),
)
