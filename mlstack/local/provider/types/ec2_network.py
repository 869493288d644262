"""EC2: a VPC, its subnets and its route tables."""

from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, boolean, string
from mlstack.local.provider.types.aws import given, or_undone, refusal, unless_gone
from mlstack.local.provider.types.ec2 import arn, retag, tagged, tags_of, update_tags, where

_NO_VPC = "InvalidVpcID.NotFound"
_NO_SUBNET = "InvalidSubnetID.NotFound"
_NO_TABLE = "InvalidRouteTableID.NotFound"
_NO_ASSOCIATION = "InvalidAssociationID.NotFound"

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
        # Set even to False: the emulator's first subnet of a zone gives out public addresses.
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


def _create_table(call: Call, inputs: Values) -> str:
    made = call.client.create_route_table(VpcId=inputs["vpcId"], **tagged(call, "route-table"))
    return str(made["RouteTable"]["RouteTableId"])


def _describe_table(call: Call, table_id: str) -> Values | None:
    answer = unless_gone(lambda: call.client.describe_route_tables(RouteTableIds=[table_id]), _NO_TABLE)
    return answer["RouteTables"][0] if answer else None


def _read_table(call: Call, table_id: str, state: Values) -> Values | None:
    found = _describe_table(call, table_id)
    return found and {
        "vpcId": found["VpcId"],
        "tags": tags_of(found),
        "arn": arn(call, "route-table", table_id),
        "ownerId": found["OwnerId"],
    }


def _delete_table(call: Call, table_id: str, state: Values) -> None:
    # The real plugin as well lets go of the subnets first.
    for each in (_describe_table(call, table_id) or {}).get("Associations", ()):
        _disassociate(call, each["RouteTableAssociationId"])
    unless_gone(lambda: call.client.delete_route_table(RouteTableId=table_id), _NO_TABLE)


def _find_association(call: Call, id_: str | None, subnet_id: str | None) -> Values | None:
    """By its id, or, because moving it to another table gives it a new id that Pulumi cannot learn, by its subnet."""
    for key, name, value in (
        ("RouteTableAssociationId", "association.route-table-association-id", id_),
        ("SubnetId", "association.subnet-id", subnet_id),
    ):
        if value:
            tables = call.client.describe_route_tables(Filters=where(**{name: value}))["RouteTables"]
            for each in (association for table in tables for association in table["Associations"]):
                if each.get(key) == value:
                    return dict(each)
    return None


def _associate(call: Call, inputs: Values) -> str:
    subnet, table = inputs["subnetId"], inputs["routeTableId"]
    if _find_association(call, None, subnet):
        # The emulator would answer with the id of the association that is there.
        message = f"The specified association for route table {table} conflicts with an existing association"
        raise refusal("AssociateRouteTable", "Resource.AlreadyAssociated", message)
    return str(call.client.associate_route_table(SubnetId=subnet, RouteTableId=table)["AssociationId"])


def _read_association(call: Call, id_: str, state: Values) -> Values | None:
    found = _find_association(call, id_, state.get("subnetId"))
    return found and {"subnetId": found["SubnetId"], "routeTableId": found["RouteTableId"]}


def _move_association(call: Call, id_: str, old: Values, new: Values) -> None:
    found = _find_association(call, id_, new["subnetId"])
    if found is None:
        raise refusal("ReplaceRouteTableAssociation", _NO_ASSOCIATION, f"The association ID '{id_}' does not exist")
    call.client.replace_route_table_association(
        AssociationId=found["RouteTableAssociationId"], RouteTableId=new["routeTableId"]
    )


def _disassociate(call: Call, id_: str) -> None:
    unless_gone(lambda: call.client.disassociate_route_table(AssociationId=id_), _NO_ASSOCIATION)


def _delete_association(call: Call, id_: str, state: Values) -> None:
    if found := _find_association(call, id_, state.get("subnetId")):
        _disassociate(call, found["RouteTableAssociationId"])


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
    ResourceType(
        token="aws:ec2/routeTable:RouteTable",
        service="ec2",
        properties={"vpcId": string(required=True, forces_new=True), "tags": TAGS, "region": REGION},
        outputs=("arn", "ownerId"),
        name=None,
        create=_create_table,
        read=_read_table,
        update=update_tags,
        delete=_delete_table,
    ),
    ResourceType(
        token="aws:ec2/routeTableAssociation:RouteTableAssociation",
        service="ec2",
        properties={
            # Not here: a gateway in its place.
            "subnetId": string(required=True, forces_new=True),
            "routeTableId": string(required=True),
            "region": REGION,
        },
        outputs=(),
        name=None,
        create=_associate,
        read=_read_association,
        update=_move_association,
        delete=_delete_association,
    ),
)
