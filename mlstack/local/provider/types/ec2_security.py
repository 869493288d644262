"""EC2: security groups, their rules, and the group that every VPC starts with."""

from typing import Any

from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, integer, name, string
from mlstack.local.provider.types.aws import given, or_undone, refusal, unless_gone
from mlstack.local.provider.types.ec2 import arn, retag, tagged, tags_of, update_tags, where

_NO_GROUP = "InvalidGroup.NotFound"
_NO_RULE = ("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound", _NO_GROUP)
_ALL_PROTOCOLS = "-1"

# Exactly one of them says whom a rule lets through: as it is authorized (a list and a key in it), and modified.
_PEERS = {
    "cidrIpv4": ("IpRanges", "CidrIp", "CidrIpv4"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId", "ReferencedGroupId"),
    "prefixListId": ("PrefixListIds", "PrefixListId", "PrefixListId"),
}


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
    answer = unless_gone(lambda: call.client.describe_security_groups(GroupIds=[group_id]), _NO_GROUP)
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
    unless_gone(lambda: call.client.delete_security_group(GroupId=group_id), _NO_GROUP)


def _adopt(call: Call, inputs: Values) -> str:
    """The group that came with the VPC: without its rules, since whatever names no group of its own lands in it."""
    wanted = where(vpc_id=inputs["vpcId"], group_name="default")
    found = call.client.describe_security_groups(Filters=wanted)["SecurityGroups"]
    if not found:
        raise refusal("DescribeSecurityGroups", _NO_GROUP, f"{inputs['vpcId']} has no default security group")
    group_id: str = found[0]["GroupId"]
    _revoke_all(call, group_id)
    retag(call, group_id)
    return group_id


def _traffic(inputs: Values) -> dict[str, Any]:
    """With -1 for the ports of a rule for all protocols, as AWS gives them back."""
    missing = [port for port in ("fromPort", "toPort") if inputs.get(port) is None]
    if missing and inputs["ipProtocol"] != _ALL_PROTOCOLS:
        # The emulator would fail at it instead of refusing.
        message = f"Invalid value for portRange. Must specify both from and to ports: {', '.join(missing)} missing"
        raise refusal("AuthorizeSecurityGroup", "InvalidParameterValue", message)
    return {
        "IpProtocol": inputs["ipProtocol"],
        "FromPort": inputs.get("fromPort", -1),
        "ToPort": inputs.get("toPort", -1),
    }


def _peer(inputs: Values) -> tuple[str, str]:
    given_ones = [(each, inputs[each]) for each in _PEERS if inputs.get(each)]
    if len(given_ones) != 1:
        # The emulator would make no rule, or several.
        raise refusal(
            "AuthorizeSecurityGroup", "InvalidParameterCombination", f"exactly one of {', '.join(_PEERS)} is needed"
        )
    return given_ones[0]


def _permission(inputs: Values) -> dict[str, Any]:
    peer, value = _peer(inputs)
    kind, key, _ = _PEERS[peer]
    return {**_traffic(inputs), kind: [{key: value, **given(Description=inputs.get("description"))}]}


def _update_rule(call: Call, rule_id: str, old: Values, new: Values) -> None:
    peer, value = _peer(new)
    rule = {**_traffic(new), _PEERS[peer][2]: value, "Description": new.get("description") or ""}
    call.client.modify_security_group_rules(
        GroupId=new["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": rule_id, "SecurityGroupRule": rule}],
    )
    retag(call, rule_id)


def _read_rule(call: Call, rule_id: str, state: Values) -> Values | None:
    answer = unless_gone(lambda: call.client.describe_security_group_rules(SecurityGroupRuleIds=[rule_id]), *_NO_RULE)
    if answer is None:
        return None
    (found,) = answer["SecurityGroupRules"]
    every_port = found["IpProtocol"] == _ALL_PROTOCOLS
    return {
        "securityGroupId": found["GroupId"],
        "ipProtocol": found["IpProtocol"],
        "fromPort": None if every_port else found["FromPort"],
        "toPort": None if every_port else found["ToPort"],
        "cidrIpv4": found.get("CidrIpv4"),
        "referencedSecurityGroupId": found.get("ReferencedGroupInfo", {}).get("GroupId"),
        "prefixListId": found.get("PrefixListId"),
        "description": found.get("Description") or None,
        "tags": tags_of(found),
        "arn": arn(call, "security-group-rule", rule_id),
        "securityGroupRuleId": rule_id,
    }


def _rule_type(token: str, direction: str) -> ResourceType:
    """Of one direction, which is `ingress` or `egress` in the names of EC2's calls."""

    def create(call: Call, inputs: Values) -> str:
        authorize = getattr(call.client, f"authorize_security_group_{direction}")
        made = authorize(
            GroupId=inputs["securityGroupId"],
            IpPermissions=[_permission(inputs)],
            **tagged(call, "security-group-rule"),
        )
        return str(made["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def delete(call: Call, rule_id: str, state: Values) -> None:
        revoke = getattr(call.client, f"revoke_security_group_{direction}")
        unless_gone(lambda: revoke(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[rule_id]), *_NO_RULE)

    return ResourceType(
        token=token,
        service="ec2",
        properties={
            "securityGroupId": string(required=True, forces_new=True),
            "ipProtocol": string(required=True),
            "fromPort": integer(),
            "toPort": integer(),
            "cidrIpv4": string(),
            # The real plugin replaces only when another kind of peer is named. The emulator changes none but an
            # address range in place, so here another group or list replaces as well.
            "referencedSecurityGroupId": string(forces_new=True),
            "prefixListId": string(forces_new=True),
            "description": string(),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "securityGroupRuleId"),
        name=None,
        create=create,
        read=_read_rule,
        update=_update_rule,
        delete=delete,
    )


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
    _rule_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "ingress"),
    _rule_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "egress"),
)
