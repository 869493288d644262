"""EventBridge Scheduler: the group that schedules are kept in."""

from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, name
from mlstack.local.provider.types.aws import from_pairs, pairs, refusal, unless_gone

_GONE = "ResourceNotFoundException"


def _create(call: Call, inputs: Values) -> str:
    if unless_gone(lambda: call.client.get_schedule_group(Name=inputs["name"]), _GONE):
        # The emulator would put the new one in its place.
        message = f"Schedule group {inputs['name']} already exists."
        raise refusal("CreateScheduleGroup", "ConflictException", message)
    call.client.create_schedule_group(Name=inputs["name"], Tags=pairs(call.tags))
    return str(inputs["name"])


def _read(call: Call, name: str, state: Values) -> Values | None:
    found = unless_gone(lambda: call.client.get_schedule_group(Name=name), _GONE)
    if found is None:
        return None
    return {
        "name": name,
        "tags": from_pairs(call.client.list_tags_for_resource(ResourceArn=found["Arn"])["Tags"]),
        "arn": found["Arn"],
        "state": found["State"],
        "creationDate": found["CreationDate"].isoformat(),
        "lastModificationDate": found["LastModificationDate"].isoformat(),
    }


def _update(call: Call, name: str, old: Values, new: Values) -> None:
    arn = call.client.get_schedule_group(Name=name)["Arn"]
    before = from_pairs(call.client.list_tags_for_resource(ResourceArn=arn)["Tags"])
    if dropped := sorted(set(before) - set(call.tags)):
        call.client.untag_resource(ResourceArn=arn, TagKeys=dropped)
    if call.tags:
        call.client.tag_resource(ResourceArn=arn, Tags=pairs(call.tags))


def _delete(call: Call, name: str, state: Values) -> None:
    # Asked first because the emulator, unlike AWS, fails at deleting what is gone.
    if unless_gone(lambda: call.client.get_schedule_group(Name=name), _GONE):
        unless_gone(lambda: call.client.delete_schedule_group(Name=name), _GONE)


TYPES = (
    ResourceType(
        token="aws:scheduler/scheduleGroup:ScheduleGroup",
        service="scheduler",
        properties={"name": name(), "tags": TAGS, "region": REGION},
        outputs=("arn", "state", "creationDate", "lastModificationDate"),
        name="name",
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
    ),
)
