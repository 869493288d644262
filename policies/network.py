"""The network that jobs and builds run in."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import Severity

from policies.rule import Case, rule

DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
GROUP_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
SUBNET = "aws:ec2/subnet:Subnet"
VPC = "aws:ec2/vpc:Vpc"

_EVERYWHERE = {"0.0.0.0/0", "::/0"}
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html"


@rule(
    name="network-default-group-open",
    refuses="Whatever is started in a VPC without a security group of its own gets the default one",
    severity=Severity.HIGH,
    remedy="Declare a DefaultSecurityGroup of the VPC with no rule in it",
    url=f"{_HUB}#ec2-2",
    control="EC2.2",
    types=(VPC,),
    whole_stack=True,
)
def default_group_open(case: Case) -> Iterator[str]:
    groups = case.attached(DEFAULT_GROUP, "vpcId", by="id")
    if not groups:
        yield "the default security group keeps the rules it is born with"
    if any(group.props.get(side) for group in groups for side in ("ingress", "egress")):
        yield "the default security group has rules"


@rule(
    name="network-without-flow-logs",
    refuses="Without flow logs nobody can say where data went",
    severity=Severity.MEDIUM,
    remedy="Add a FlowLog of the VPC",
    url=f"{_HUB}#ec2-6",
    control="EC2.6",
    types=(VPC,),
    whole_stack=True,
)
def without_flow_logs(case: Case) -> Iterator[str]:
    if not case.attached(FLOW_LOG, "vpcId", by="id"):
        yield "no flow log"


@rule(
    name="network-public-addresses",
    refuses="A subnet that hands out public addresses puts jobs on the internet",
    severity=Severity.MEDIUM,
    remedy="Set mapPublicIpOnLaunch to false",
    url=f"{_HUB}#ec2-15",
    control="EC2.15",
    types=(SUBNET,),
)
def public_addresses(case: Case) -> Iterator[str]:
    if case.value("mapPublicIpOnLaunch") is True:
        yield "addresses are public"


@rule(
    name="network-open-to-the-world",
    refuses="A port that is open to every address is found within minutes",
    severity=Severity.HIGH,
    remedy="Name the security group or the addresses that may connect",
    url=f"{_HUB}#ec2-18",
    control="EC2.13, EC2.14, EC2.18, EC2.19",
    types=(GROUP, GROUP_RULE, INGRESS),
    options={
        "ports": {
            "type": "array",
            "items": {"type": "number"},
            "default": [80, 443],
            "description": "Ports that may be open to the world.",
        }
    },
)
def open_to_the_world(case: Case) -> Iterator[str]:
    allowed = {int(port) for port in case.config.get("ports", (80, 443))}
    for opening in _openings(case):
        first, last = opening.get("fromPort"), opening.get("toPort")
        if _from_everywhere(opening) and not (first is not None and first == last and int(first) in allowed):
            ports = "all ports" if first is None or int(first) < 0 else f"ports {int(first)}-{int(last or first)}"
            yield f"{ports} are open to the world"


def _openings(case: Case) -> Iterator[Mapping[str, Any]]:
    """What is let in, in each of the three ways of writing it."""
    if case.resource.resource_type == GROUP:
        yield from case.value("ingress") or ()
    elif case.resource.resource_type == INGRESS or case.value("type") == "ingress":
        yield case.resource.props


def _from_everywhere(opening: Mapping[str, Any]) -> bool:
    named = {opening.get("cidrIpv4"), opening.get("cidrIpv6")}
    named.update(opening.get("cidrBlocks") or (), opening.get("ipv6CidrBlocks") or ())
    return bool(named & _EVERYWHERE)


RULES = (default_group_open, without_flow_logs, public_addresses, open_to_the_world)
