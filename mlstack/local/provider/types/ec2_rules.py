"""EC2: the rules of security groups, each a resource of its own."""

from typing import Any

from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, integer, string
from mlstack.local.provider.types.aws import given, refusal, unless_gone
from mlstack.local.provider.types.ec2 import arn, retag, tagged, tags_of

_GONE = ("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound", "InvalidGroup.NotFound")
_ALL_PROTOCOLS = "-1"

# Exactly one of them says whom a rule lets through: as it is authorized (a list and a key in it), and modified.
_PEERS = {
    "cidrIpv4": ("IpRanges", "CidrIp", "CidrIpv4"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId", "ReferencedGroupId"),
    "prefixListId": ("PrefixListIds", "PrefixListId", "PrefixListId"),
}


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


def _update(call: Call, rule_id: str, old: Values, new: Values) -> None:
    peer, value = _peer(new)
    rule = {**_traffic(new), _PEERS[peer][2]: value, "Description": new.get("description") or ""}
    call.client.modify_security_group_rules(
        GroupId=new["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": rule_id, "SecurityGroupRule": rule}],
    )
    retag(call, rule_id)


def _read(call: Call, rule_id: str, state: Values) -> Values | None:
    answer = unless_gone(lambda: call.client.describe_security_group_rules(SecurityGroupRuleIds=[rule_id]), *_GONE)
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


def _type(token: str, direction: str) -> ResourceType:
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
        unless_gone(lambda: revoke(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[rule_id]), *_GONE)

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
        read=_read,
        update=_update,
        delete=delete,
    )


TYPES = (
    _type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "ingress"),
    _type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "egress"),
)
