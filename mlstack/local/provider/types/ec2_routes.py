"""EC2: route tables, and which subnet takes which."""

from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, string
from mlstack.local.provider.types.aws import refusal, unless_gone
from mlstack.local.provider.types.ec2 import arn, tagged, tags_of, update_tags, where

_NO_TABLE = "InvalidRouteTableID.NotFound"
_NO_ASSOCIATION = "InvalidAssociationID.NotFound"


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
