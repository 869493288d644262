"""EC2: security groups, and the one that every VPC starts with."""

from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, name, string
from mlstack.local.provider.types.aws import given, or_undone, refusal, unless_gone
from mlstack.local.provider.types.ec2 import arn, retag, tagged, tags_of, update_tags, where

_GONE = "InvalidGroup.NotFound"


def _create_group(call: Call, inputs: Values) -> str:
    made = call.client.create_security_group(
        GroupName=inputs["name"],
        Description=inputs.get("description") or "Managed by Pulumi",
        **given(VpcId=inputs.get("vpcId")),
        **tagged(call, "security-group"),
    )
    group_id: str = made["GroupId"]
    with or_undone(lambda: call.client.delete_security_group(GroupId=group_id)):
        # AWS lets a new group send anything anywhere. To the real plugin what is not written is not allowed.
        _revoke_all(call, group_id)
    return group_id


def _revoke_all(call: Call, group_id: str) -> None:
    rules = call.client.describe_security_group_rules(Filters=where(group_id=group_id))["SecurityGroupRules"]
    for egress, revoke in (
        (True, call.client.revoke_security_group_egress),
        (False, call.client.revoke_security_group_ingress),
    ):
        if ids := [rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"] is egress]:
            revoke(GroupId=group_id, SecurityGroupRuleIds=ids)


def _read_group(call: Call, group_id: str, state: Values) -> Values | None:
    answer = unless_gone(lambda: call.client.describe_security_groups(GroupIds=[group_id]), _GONE)
    if answer is None:
        return None
    (found,) = answer["SecurityGroups"]
    return {
        "name": found["GroupName"],
        "description": found["Description"],
        "vpcId": found["VpcId"],
        "tags": tags_of(found),
        "arn": arn(call, "security-group", group_id),
        "ownerId": found["OwnerId"],
    }


def _delete_group(call: Call, group_id: str, state: Values) -> None:
    unless_gone(lambda: call.client.delete_security_group(GroupId=group_id), _GONE)


def _adopt(call: Call, inputs: Values) -> str:
    """The group that came with the VPC: without its rules, since whatever names no group of its own lands in it."""
    wanted = where(vpc_id=inputs["vpcId"], group_name="default")
    found = call.client.describe_security_groups(Filters=wanted)["SecurityGroups"]
    if not found:
        raise refusal("DescribeSecurityGroups", _GONE, f"{inputs['vpcId']} has no default security group")
    group_id: str = found[0]["GroupId"]
    _revoke_all(call, group_id)
    retag(call, group_id)
    return group_id


TYPES = (
    ResourceType(
        token="aws:ec2/securityGroup:SecurityGroup",
        service="ec2",
        properties={
            "name": name(),
            "description": string(default="Managed by Pulumi", forces_new=True),
            "vpcId": string(computed=True, forces_new=True),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "ownerId"),
        name="name",
        create=_create_group,
        read=_read_group,
        update=update_tags,
        delete=_delete_group,
    ),
    ResourceType(
        token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        service="ec2",
        properties={"vpcId": string(required=True, forces_new=True), "tags": TAGS, "region": REGION},
        outputs=("arn", "name", "description", "ownerId"),
        name=None,
        create=_adopt,
        read=_read_group,
        update=update_tags,
        # It goes with its VPC.
        delete=lambda call, group_id, state: None,
    ),
)
