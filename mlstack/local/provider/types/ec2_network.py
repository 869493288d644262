"""EC2: a VPC and its subnets."""

from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, boolean, string
from mlstack.local.provider.types.aws import given, or_undone, unless_gone
from mlstack.local.provider.types.ec2 import arn, retag, tagged, tags_of, where

_NO_VPC = "InvalidVpcID.NotFound"
_NO_SUBNET = "InvalidSubnetID.NotFound"

# In this order: host names need the resolver.
_DNS = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}


def _create_vpc(call: Call, inputs: Values) -> str:
    vpc_id: str = call.client.create_vpc(CidrBlock=inputs["cidrBlock"], **tagged(call, "vpc"))["Vpc"]["VpcId"]
    with or_undone(lambda: call.client.delete_vpc(VpcId=vpc_id)):
        _set_dns(call, vpc_id, inputs)
    return vpc_id


def _set_dns(call: Call, vpc_id: str, inputs: Values) -> None:
    wanted = {"enableDnsSupport": True, **{name: inputs[name] for name in _DNS if inputs.get(name) is not None}}
    for ours, theirs in _DNS.items():  # AWS takes one attribute a call
        if ours in wanted:
            call.client.modify_vpc_attribute(VpcId=vpc_id, **{theirs: {"Value": wanted[ours]}})


def _read_vpc(call: Call, vpc_id: str, state: Values) -> Values | None:
    answer = unless_gone(lambda: call.client.describe_vpcs(VpcIds=[vpc_id]), _NO_VPC)
    if answer is None:
        return None
    (found,) = answer["Vpcs"]
    dns = {
        ours: call.client.describe_vpc_attribute(VpcId=vpc_id, Attribute=ours)[theirs]["Value"]
        for ours, theirs in _DNS.items()
    }
    groups = call.client.describe_security_groups(Filters=where(vpc_id=vpc_id, group_name="default"))["SecurityGroups"]
    main = where(vpc_id=vpc_id, **{"association.main": "true"})
    tables = call.client.describe_route_tables(Filters=main)["RouteTables"]
    return {
        "cidrBlock": found["CidrBlock"],
        **dns,
        "tags": tags_of(found),
        "arn": arn(call, "vpc", vpc_id),
        "defaultSecurityGroupId": next((each["GroupId"] for each in groups), None),
        "mainRouteTableId": next((each["RouteTableId"] for each in tables), None),
        "ownerId": found["OwnerId"],
    }


def _update_vpc(call: Call, vpc_id: str, old: Values, new: Values) -> None:
    _set_dns(call, vpc_id, new)
    retag(call, vpc_id)


def _create_subnet(call: Call, inputs: Values) -> str:
    made = call.client.create_subnet(
        VpcId=inputs["vpcId"],
        CidrBlock=inputs["cidrBlock"],
        **given(AvailabilityZone=inputs.get("availabilityZone")),
        **tagged(call, "subnet"),
    )
    subnet_id: str = made["Subnet"]["SubnetId"]
    with or_undone(lambda: call.client.delete_subnet(SubnetId=subnet_id)):
        if inputs.get("mapPublicIpOnLaunch"):
            _set_addresses(call, subnet_id, inputs)
    return subnet_id


def _set_addresses(call: Call, subnet_id: str, inputs: Values) -> None:
    public = bool(inputs.get("mapPublicIpOnLaunch"))
    call.client.modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": public})


def _read_subnet(call: Call, subnet_id: str, state: Values) -> Values | None:
    answer = unless_gone(lambda: call.client.describe_subnets(SubnetIds=[subnet_id]), _NO_SUBNET)
    if answer is None:
        return None
    (found,) = answer["Subnets"]
    return {
        "vpcId": found["VpcId"],
        "cidrBlock": found["CidrBlock"],
        "availabilityZone": found["AvailabilityZone"],
        "mapPublicIpOnLaunch": found["MapPublicIpOnLaunch"],
        "tags": tags_of(found),
        "arn": arn(call, "subnet", subnet_id),
        "ownerId": found["OwnerId"],
    }


def _update_subnet(call: Call, subnet_id: str, old: Values, new: Values) -> None:
    _set_addresses(call, subnet_id, new)
    retag(call, subnet_id)


TYPES = (
    ResourceType(
        token="aws:ec2/vpc:Vpc",
        service="ec2",
        properties={
            # Not here: a range that IPAM gives out, which is why this one has to be given.
            "cidrBlock": string(required=True, forces_new=True),
            "enableDnsSupport": boolean(default=True),
            "enableDnsHostnames": boolean(computed=True),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "defaultSecurityGroupId", "mainRouteTableId", "ownerId"),
        name=None,
        create=_create_vpc,
        read=_read_vpc,
        update=_update_vpc,
        delete=lambda call, vpc_id, state: unless_gone(lambda: call.client.delete_vpc(VpcId=vpc_id), _NO_VPC),
    ),
    ResourceType(
        token="aws:ec2/subnet:Subnet",
        service="ec2",
        properties={
            "vpcId": string(required=True, forces_new=True),
            "cidrBlock": string(required=True, forces_new=True),
            "availabilityZone": string(computed=True, forces_new=True),
            "mapPublicIpOnLaunch": boolean(default=False),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "ownerId"),
        name=None,
        create=_create_subnet,
        read=_read_subnet,
        update=_update_subnet,
        delete=lambda call, id_, state: unless_gone(lambda: call.client.delete_subnet(SubnetId=id_), _NO_SUBNET),
    ),
)
