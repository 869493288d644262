"""EC2: a VPC's endpoints of AWS services."""

from collections.abc import Iterator

from mlstack.local.provider.schema import (
    REGION,
    TAGS,
    Call,
    ResourceType,
    Values,
    boolean,
    policy,
    string,
    strings,
)
from mlstack.local.provider.types.aws import given, refusal, unless_gone
from mlstack.local.provider.types.ec2 import arn, retag, tagged, tags_of, where

_GONE = ("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound")

# Ours, and as a request has them: whole when it is made, with `Add` or `Remove` before when it changes.
_PLACES = {"routeTableIds": "RouteTableIds", "subnetIds": "SubnetIds", "securityGroupIds": "SecurityGroupIds"}


def _create(call: Call, inputs: Values) -> str:
    made = call.client.create_vpc_endpoint(
        VpcId=inputs["vpcId"],
        ServiceName=inputs["serviceName"],
        VpcEndpointType=inputs.get("vpcEndpointType", "Gateway"),
        # Off unless it is asked for, where AWS's own default for an interface is on.
        PrivateDnsEnabled=bool(inputs.get("privateDnsEnabled")),
        **given(PolicyDocument=inputs.get("policy")),
        **{theirs: inputs[ours] for ours, theirs in _PLACES.items() if inputs.get(ours)},
        **tagged(call, "vpc-endpoint"),
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


def _describe(call: Call, endpoint_id: str) -> Values | None:
    answer = unless_gone(lambda: call.client.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id]), *_GONE)
    found = answer["VpcEndpoints"][0] if answer else None
    # One that was deleted is still listed for a while, and by the emulator for good.
    return None if found is None or found["State"].lower() in ("deleting", "deleted") else dict(found)


def _read(call: Call, endpoint_id: str, state: Values) -> Values | None:
    found = _describe(call, endpoint_id)
    if found is None:
        return None
    kind, service = found["VpcEndpointType"], found["ServiceName"]
    return {
        "vpcId": found["VpcId"],
        "serviceName": service,
        "vpcEndpointType": kind,
        "privateDnsEnabled": bool(found.get("PrivateDnsEnabled")),
        **_places(found),
        "policy": found.get("PolicyDocument"),
        "tags": tags_of(found),
        "arn": arn(call, "vpc-endpoint", endpoint_id),
        "dnsEntries": [
            {"dnsName": each["DnsName"], "hostedZoneId": each.get("HostedZoneId")}
            for each in found.get("DnsEntries") or ()
        ],
        "networkInterfaceIds": found.get("NetworkInterfaceIds") or [],
        "prefixListId": _prefix_list(call, service) if kind == "Gateway" else None,
        "ownerId": found.get("OwnerId") or call.account_id,
        "requesterManaged": bool(found.get("RequesterManaged")),
        "state": found["State"],
    }


def _places(found: Values) -> Values:
    return {
        "routeTableIds": found.get("RouteTableIds") or [],
        "subnetIds": found.get("SubnetIds") or [],
        "securityGroupIds": [each["GroupId"] for each in found.get("Groups") or ()],
    }


def _prefix_list(call: Call, service: str) -> str | None:
    """The list of a service's addresses, which routes and security groups name."""
    lists = call.client.describe_prefix_lists(Filters=where(prefix_list_name=service))["PrefixLists"]
    return next((each["PrefixListId"] for each in lists), None)


def _update(call: Call, endpoint_id: str, old: Values, new: Values) -> None:
    found = _describe(call, endpoint_id)
    if found is None:
        raise refusal("ModifyVpcEndpoint", _GONE[0], f"The VpcEndpoint ID '{endpoint_id}' does not exist")
    call.client.modify_vpc_endpoint(
        VpcEndpointId=endpoint_id, **given(PolicyDocument=new.get("policy")), **dict(_moves(_places(found), new))
    )
    retag(call, endpoint_id)


def _moves(now: Values, new: Values) -> Iterator[tuple[str, object]]:
    for ours, theirs in _PLACES.items():
        before = set(now[ours])
        after = before if new.get(ours) is None else set(new[ours])
        if added := sorted(after - before):
            yield f"Add{theirs}", added
        if removed := sorted(before - after):
            yield f"Remove{theirs}", removed
    if new.get("vpcEndpointType") == "Interface":
        yield "PrivateDnsEnabled", bool(new.get("privateDnsEnabled"))


def _delete(call: Call, endpoint_id: str, state: Values) -> None:
    if tables := state.get("routeTableIds"):
        # First, because the emulator fails at an endpoint with tables that it was added to after it was made.
        unless_gone(
            lambda: call.client.modify_vpc_endpoint(VpcEndpointId=endpoint_id, RemoveRouteTableIds=tables), *_GONE
        )
    for failed in call.client.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id]).get("Unsuccessful", ()):
        error = failed["Error"]
        if error["Code"] not in _GONE:
            raise refusal("DeleteVpcEndpoints", error["Code"], error["Message"])


TYPES = (
    ResourceType(
        token="aws:ec2/vpcEndpoint:VpcEndpoint",
        service="ec2",
        properties={
            "vpcId": string(required=True, forces_new=True),
            "serviceName": string(required=True, forces_new=True),
            "vpcEndpointType": string(default="Gateway", choices=("Gateway", "Interface"), forces_new=True),
            "privateDnsEnabled": boolean(default=False),
            **{name: strings(computed=True, unordered=True) for name in _PLACES},
            "policy": policy(computed=True),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=(
            "arn",
            "dnsEntries",
            "networkInterfaceIds",
            "prefixListId",
            "ownerId",
            "requesterManaged",
            "state",
        ),
        name=None,
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
    ),
)
