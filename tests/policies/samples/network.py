"""The network."""

from typing import Any

from policies import network
from tests.policies.samples.sample import passes, refused
from tests.policies.shown import UNKNOWN, Given

VPC = Given(network.VPC, {"cidrBlock": "10.0.0.0/16"}, name="vpc")
DEFAULT = "network-default-group-open"
FLOW = "network-without-flow-logs"
PUBLIC = "network-public-addresses"
WORLD = "network-open-to-the-world"
ALL = "0.0.0.0/0"


def of_vpc(type_: str, **props: Any) -> Given:
    return Given(type_, {"vpcId": UNKNOWN, **props}, name=type_, computed_from={"vpcId": "vpc"})


def ingress(**props: Any) -> Given:
    return Given(network.INGRESS, {"ipProtocol": "tcp", **props})


SAMPLES = (
    refused(DEFAULT, "left alone", VPC, says="keeps the rules it is born with"),
    refused(DEFAULT, "with a rule", VPC, of_vpc(network.DEFAULT_GROUP, egress=[{"protocol": "-1"}]), says="has rules"),
    passes(DEFAULT, "closed", VPC, of_vpc(network.DEFAULT_GROUP)),
    refused(FLOW, "none", VPC, says="no flow log"),
    passes(FLOW, "one", VPC, of_vpc(network.FLOW_LOG)),
    refused(PUBLIC, "public", Given(network.SUBNET, {"mapPublicIpOnLaunch": True}), says="addresses are public"),
    passes(PUBLIC, "private", Given(network.SUBNET, {"mapPublicIpOnLaunch": False})),
    refused(WORLD, "SSH", ingress(cidrIpv4=ALL, fromPort=22.0, toPort=22.0), says="ports 22-22 are open"),
    refused(WORLD, "everything, by IPv6", ingress(cidrIpv6="::/0"), says="all ports are open"),
    refused(
        WORLD,
        "a range that only begins with HTTPS",
        ingress(cidrIpv4=ALL, fromPort=443.0, toPort=8443.0),
        says="ports 443-8443",
    ),
    refused(
        WORLD,
        "inside the group",
        Given(network.GROUP, {"ingress": [{"cidrBlocks": [ALL], "fromPort": 0.0, "toPort": 65535.0}]}),
        says="ports 0-65535",
    ),
    refused(
        WORLD,
        "in the older kind of rule",
        Given(network.GROUP_RULE, {"type": "ingress", "cidrBlocks": [ALL], "fromPort": 3389.0, "toPort": 3389.0}),
        says="ports 3389-3389",
    ),
    passes(WORLD, "HTTPS", ingress(cidrIpv4=ALL, fromPort=443.0, toPort=443.0)),
    passes(WORLD, "from another group", ingress(referencedSecurityGroupId="sg-1", fromPort=22.0, toPort=22.0)),
    passes(
        WORLD,
        "on the way out",
        Given(network.GROUP_RULE, {"type": "egress", "cidrBlocks": [ALL], "fromPort": 0.0, "toPort": 0.0}),
    ),
    passes(
        WORLD,
        "a port that is allowed",
        ingress(cidrIpv4=ALL, fromPort=8443.0, toPort=8443.0),
        config={"ports": [8443.0]},
    ),
)
