"""EC2's resources together, as a private network has them: what a sample of one type alone does not show."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import RunningEmulator
from tests.local.provider.conftest import Engine, RefusedError
from tests.local.provider.samples import GROUP, HTTPS, RANGE, SUBNET, TABLE_OF_ROUTES, VPC, allow

ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


@pytest.fixture(scope="module")
def ec2(emulator: RunningEmulator) -> Any:
    return emulator.client("ec2")


@pytest.fixture
def vpc(run: Engine) -> tuple[str, dict[str, Any]]:
    return run.create(VPC, {"cidrBlock": RANGE})


@pytest.fixture
def vpc_id(vpc: tuple[str, dict[str, Any]]) -> str:
    return vpc[0]


def make_group(run: Engine, vpc_id: str, name: str = "jobs") -> str:
    return run.create(GROUP, {"name": f"{name}-{uuid.uuid4().hex[:8]}", "vpcId": vpc_id})[0]


def make_subnet(run: Engine, vpc_id: str, third: int = 0) -> str:
    return run.create(SUBNET, {"vpcId": vpc_id, "cidrBlock": f"10.7.{third}.0/24"})[0]


def rules(ec2: Any, group_id: str) -> Iterator[dict[str, Any]]:
    wanted = [{"Name": "group-id", "Values": [group_id]}]
    yield from ec2.describe_security_group_rules(Filters=wanted)["SecurityGroupRules"]


def test_a_vpc_says_what_came_with_it(run: Engine, ec2: Any, vpc: tuple[str, dict[str, Any]]) -> None:
    vpc_id, state = vpc
    assert state["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:vpc/{vpc_id}"
    assert state["ownerId"] == "123456789012"
    (group,) = ec2.describe_security_groups(GroupIds=[state["defaultSecurityGroupId"]])["SecurityGroups"]
    assert (group["VpcId"], group["GroupName"]) == (vpc_id, "default")
    (table,) = ec2.describe_route_tables(RouteTableIds=[state["mainRouteTableId"]])["RouteTables"]
    assert (table["VpcId"], table["Associations"][0]["Main"]) == (vpc_id, True)


def test_a_vpc_has_dns_names_only_when_asked(run: Engine, vpc: tuple[str, dict[str, Any]]) -> None:
    assert vpc[1]["enableDnsSupport"] is True
    assert vpc[1]["enableDnsHostnames"] is False


def test_a_subnet_gives_out_public_addresses_only_when_asked(run: Engine, ec2: Any, vpc_id: str) -> None:
    inputs = {"vpcId": vpc_id, "cidrBlock": "10.7.0.0/24", "availabilityZone": "eu-west-1c"}
    private = run.create(SUBNET, inputs)[0]
    public = run.create(SUBNET, {**inputs, "cidrBlock": "10.7.1.0/24", "mapPublicIpOnLaunch": True})[0]
    found = {each["SubnetId"]: each for each in ec2.describe_subnets(SubnetIds=[private, public])["Subnets"]}
    assert {each: found[each]["MapPublicIpOnLaunch"] for each in found} == {private: False, public: True}


def test_a_subnet_outside_the_vpcs_range_is_refused(run: Engine, vpc_id: str) -> None:
    with pytest.raises(RefusedError, match=r"InvalidSubnet\.Range"):
        run.create(SUBNET, {"vpcId": vpc_id, "cidrBlock": "10.8.0.0/24"})


def test_a_subnet_moves_to_another_route_table_and_keeps_its_id_in_the_state(
    run: Engine, ec2: Any, vpc_id: str
) -> None:
    subnet = make_subnet(run, vpc_id)
    first, second = (run.create(TABLE_OF_ROUTES, {"vpcId": vpc_id})[0] for _ in range(2))
    old = {"subnetId": subnet, "routeTableId": first}
    new = {"subnetId": subnet, "routeTableId": second}
    id_, state = run.create(ASSOCIATION, old)

    assert not run.diff(ASSOCIATION, id_, old, new, state).replaces
    moved = run.update(ASSOCIATION, id_, old, new, state)

    assert run.refresh(ASSOCIATION, id_, new, moved)[:2] == (id_, new)
    assert run.refresh(ASSOCIATION, id_, old, state)[1] == new, "and a state that does not know it is told"
    again = run.update(ASSOCIATION, id_, new, old, moved)
    run.delete(ASSOCIATION, id_, again)
    assert run.refresh(ASSOCIATION, id_, old, again)[0] == ""
    (main,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["RouteTables"][0][
        "Associations"
    ]
    assert main["Main"], "the VPC's own table keeps its association"


def test_a_subnet_has_one_route_table(run: Engine, vpc_id: str) -> None:
    subnet = make_subnet(run, vpc_id)
    first, second = (run.create(TABLE_OF_ROUTES, {"vpcId": vpc_id})[0] for _ in range(2))
    run.create(ASSOCIATION, {"subnetId": subnet, "routeTableId": first})
    with pytest.raises(RefusedError, match=r"Resource\.AlreadyAssociated"):
        run.create(ASSOCIATION, {"subnetId": subnet, "routeTableId": second})


def test_a_route_table_goes_although_a_subnet_has_it(run: Engine, vpc_id: str) -> None:
    table, state = run.create(TABLE_OF_ROUTES, {"vpcId": vpc_id})
    run.create(ASSOCIATION, {"subnetId": make_subnet(run, vpc_id), "routeTableId": table})
    run.delete(TABLE_OF_ROUTES, table, state)
    assert run.read(TABLE_OF_ROUTES, table) is None


def test_a_new_security_group_allows_nothing(run: Engine, ec2: Any, vpc_id: str) -> None:
    assert list(rules(ec2, make_group(run, vpc_id))) == []


def test_a_second_security_group_of_a_name_is_refused_in_one_vpc(run: Engine, vpc_id: str) -> None:
    run.create(GROUP, {"name": "jobs", "vpcId": vpc_id})
    with pytest.raises(RefusedError, match=r"InvalidGroup\.Duplicate"):
        run.create(GROUP, {"name": "jobs", "vpcId": vpc_id})
    run.create(GROUP, {"name": "jobs", "vpcId": run.create(VPC, {"cidrBlock": RANGE})[0]})


def test_a_security_group_without_a_vpc_is_in_the_default_one(run: Engine, ec2: Any) -> None:
    (default,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    id_, state = run.create(GROUP, {"name": f"jobs-{uuid.uuid4().hex[:8]}"})
    assert (state["vpcId"], state["description"]) == (default["VpcId"], "Managed by Pulumi")
    run.delete(GROUP, id_, state)


def test_the_default_security_group_is_adopted_without_its_rules(
    run: Engine, ec2: Any, vpc: tuple[str, dict[str, Any]]
) -> None:
    vpc_id, state = vpc
    default = state["defaultSecurityGroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=default,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": default}]},
        ],
    )
    assert {rule["IsEgress"] for rule in rules(ec2, default)} == {True, False}

    adopted, adopted_state = run.create(DEFAULT_GROUP, {"vpcId": vpc_id, "tags": {"Name": "closed"}})

    assert adopted == default
    assert (adopted_state["name"], adopted_state["ownerId"]) == ("default", "123456789012")
    assert list(rules(ec2, default)) == []
    run.delete(DEFAULT_GROUP, adopted, adopted_state)
    assert run.read(DEFAULT_GROUP, adopted) is not None, "it goes with its VPC"
    run.delete(VPC, vpc_id, state)
    assert run.read(DEFAULT_GROUP, adopted) is None


@pytest.mark.parametrize("token", [INGRESS, EGRESS])
@pytest.mark.parametrize("peer", ["cidrIpv4", "referencedSecurityGroupId", "prefixListId"])
def test_a_rule_lets_through_whom_it_names(run: Engine, ec2: Any, vpc_id: str, token: str, peer: str) -> None:
    group = make_group(run, vpc_id)
    endpoint = {"vpcId": vpc_id, "serviceName": "com.amazonaws.eu-west-1.s3"}
    value = {
        "cidrIpv4": RANGE,
        "referencedSecurityGroupId": group,
        "prefixListId": run.create(ENDPOINT, endpoint)[1]["prefixListId"],
    }[peer]
    inputs = {"securityGroupId": group, peer: value, **HTTPS, "description": "HTTPS", "tags": {"Name": "https"}}

    id_, state = run.create(token, inputs)

    assert state["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:security-group-rule/{id_}"
    (rule,) = rules(ec2, group)
    assert (rule["SecurityGroupRuleId"], rule["IsEgress"]) == (id_, token == EGRESS)
    assert run.refresh(token, id_, inputs, state)[1] == inputs
    with pytest.raises(RefusedError, match=r"InvalidPermission\.Duplicate"):
        run.create(token, inputs)
    run.delete(token, id_, state)
    assert list(rules(ec2, group)) == []


def test_a_rule_for_all_protocols_has_no_ports(run: Engine, vpc_id: str) -> None:
    inputs = {"securityGroupId": make_group(run, vpc_id), "cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1"}
    id_, state = run.create(EGRESS, inputs)
    assert run.refresh(EGRESS, id_, inputs, state)[1] == inputs
    changed = {**inputs, "cidrIpv4": RANGE}
    updated = run.update(EGRESS, id_, inputs, changed, state)
    assert run.refresh(EGRESS, id_, changed, updated)[1] == changed


def test_a_rule_names_exactly_one_peer_and_its_ports(run: Engine, vpc_id: str) -> None:
    group = make_group(run, vpc_id)
    for wrong in ({}, {"cidrIpv4": RANGE, "referencedSecurityGroupId": group}):
        with pytest.raises(RefusedError, match="exactly one of cidrIpv4, referencedSecurityGroupId, prefixListId"):
            run.create(INGRESS, {"securityGroupId": group, **HTTPS, **wrong})
    with pytest.raises(RefusedError, match="toPort missing"):
        run.create(INGRESS, {"securityGroupId": group, "ipProtocol": "tcp", "fromPort": 443, "cidrIpv4": RANGE})


def test_a_rule_about_another_kind_of_peer_is_another_rule(run: Engine, vpc_id: str) -> None:
    group = make_group(run, vpc_id)
    old = {"securityGroupId": group, "cidrIpv4": RANGE, **HTTPS}
    new = {"securityGroupId": group, "referencedSecurityGroupId": group, **HTTPS}
    id_, state = run.create(INGRESS, old)
    assert list(run.diff(INGRESS, id_, old, new, state).replaces) == ["referencedSecurityGroupId"]


def test_a_gateway_endpoint_says_which_addresses_it_is_for(run: Engine, ec2: Any, vpc_id: str) -> None:
    tables = [run.create(TABLE_OF_ROUTES, {"vpcId": vpc_id})[0] for _ in range(2)]
    old = {"vpcId": vpc_id, "serviceName": "com.amazonaws.eu-west-1.s3", "routeTableIds": tables[:1]}
    new = {**old, "routeTableIds": tables[1:]}
    id_, state = run.create(ENDPOINT, old)
    (found,) = ec2.describe_prefix_lists(PrefixListIds=[state["prefixListId"]])["PrefixLists"]
    assert found["PrefixListName"] == old["serviceName"]
    assert (state["vpcEndpointType"], state["subnetIds"], state["securityGroupIds"]) == ("Gateway", [], [])

    updated = run.update(ENDPOINT, id_, old, new, state)

    assert run.refresh(ENDPOINT, id_, new, updated)[1] == new
    run.delete(ENDPOINT, id_, updated)
    assert run.read(ENDPOINT, id_) is None
    run.delete(ENDPOINT, id_, updated)


def test_an_interface_endpoint_is_in_subnets_behind_security_groups(run: Engine, ec2: Any, vpc_id: str) -> None:
    subnets = [make_subnet(run, vpc_id, each) for each in range(3)]
    groups = [make_group(run, vpc_id) for _ in range(2)]
    old = {
        "vpcId": vpc_id,
        "serviceName": "com.amazonaws.eu-west-1.sagemaker.api",
        "vpcEndpointType": "Interface",
        "subnetIds": subnets[:2],
        "securityGroupIds": groups[:1],
        "privateDnsEnabled": True,
        "policy": allow("sagemaker:*"),
    }
    id_, state = run.create(ENDPOINT, old)
    assert (len(state["networkInterfaceIds"]), state.get("prefixListId")) == (2, None)
    assert "sagemaker" in state["dnsEntries"][0]["dnsName"]
    reordered = {**old, "subnetIds": subnets[1::-1]}
    assert not run.diff(ENDPOINT, id_, old, reordered, state).detailedDiff, "AWS keeps no order"

    new = {**old, "subnetIds": subnets[1:], "securityGroupIds": groups[1:], "policy": allow("sagemaker:Describe*")}
    updated = run.update(ENDPOINT, id_, old, new, state)

    assert run.refresh(ENDPOINT, id_, new, updated)[1] == new
    (found,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[id_])["VpcEndpoints"]
    assert (sorted(found["SubnetIds"]), found["PrivateDnsEnabled"]) == (sorted(subnets[1:]), True)
    assert [each["GroupId"] for each in found["Groups"]] == groups[1:]
    run.delete(ENDPOINT, id_, updated)
    assert run.read(ENDPOINT, id_) is None


def test_an_interface_endpoint_keeps_the_services_own_name_out_of_the_vpc_unless_asked(
    run: Engine, ec2: Any, vpc_id: str
) -> None:
    """The emulator, like AWS, would take it for asked."""
    inputs = {
        "vpcId": vpc_id,
        "serviceName": "com.amazonaws.eu-west-1.logs",
        "vpcEndpointType": "Interface",
        "subnetIds": [make_subnet(run, vpc_id)],
    }
    id_, state = run.create(ENDPOINT, inputs)
    assert state["privateDnsEnabled"] is False
    assert ec2.describe_vpc_endpoints(VpcEndpointIds=[id_])["VpcEndpoints"][0]["PrivateDnsEnabled"] is False
    assert run.refresh(ENDPOINT, id_, inputs, state)[1] == inputs


def test_a_flow_log_of_a_bucket_that_is_not_there_is_refused(run: Engine, vpc_id: str) -> None:
    inputs = {"vpcId": vpc_id, "trafficType": "ALL", "logDestinationType": "s3", "logDestination": "arn:aws:s3:::none"}
    with pytest.raises(RefusedError, match="none does not exist"):
        run.create(FLOW_LOG, inputs)


def test_a_flow_log_is_deleted_before_the_one_that_replaces_it(run: Engine, vpc_id: str) -> None:
    """The emulator has no room for both."""
    inputs = {
        "vpcId": vpc_id,
        "trafficType": "ALL",
        "logDestination": "arn:aws:logs:eu-west-1:123456789012:log-group:/flows",
        "iamRoleArn": "arn:aws:iam::123456789012:role/flows",
    }
    id_, state = run.create(FLOW_LOG, inputs)
    assert (state["logDestinationType"], state["maxAggregationInterval"]) == ("cloud-watch-logs", 600)
    changed = {**inputs, "trafficType": "REJECT"}
    assert run.diff(FLOW_LOG, id_, inputs, changed, state).deleteBeforeReplace
    run.delete(FLOW_LOG, id_, state)
    assert run.create(FLOW_LOG, changed)[1]["trafficType"] == "REJECT"


def test_a_whole_network_is_torn_down_in_reverse_order(run: Engine, ec2: Any) -> None:
    made: list[tuple[str, str, dict[str, Any]]] = []

    def make(token: str, **inputs: Any) -> str:
        id_, state = run.create(token, inputs)
        made.append((token, id_, state))
        return id_

    vpc_id = make(VPC, cidrBlock=RANGE, enableDnsHostnames=True)
    make(DEFAULT_GROUP, vpcId=vpc_id)
    table = make(TABLE_OF_ROUTES, vpcId=vpc_id)
    subnet = make(SUBNET, vpcId=vpc_id, cidrBlock=RANGE)
    make(ASSOCIATION, subnetId=subnet, routeTableId=table)
    jobs = make(GROUP, name="jobs", vpcId=vpc_id)
    doors = make(GROUP, name="endpoints", vpcId=vpc_id)
    make(ENDPOINT, vpcId=vpc_id, serviceName="com.amazonaws.eu-west-1.s3", routeTableIds=[table])
    prefixes = made[-1][2]["prefixListId"]
    make(
        ENDPOINT,
        vpcId=vpc_id,
        serviceName="com.amazonaws.eu-west-1.ecr.dkr",
        vpcEndpointType="Interface",
        subnetIds=[subnet],
        securityGroupIds=[doors],
    )
    make(INGRESS, securityGroupId=doors, referencedSecurityGroupId=jobs, **HTTPS)
    make(EGRESS, securityGroupId=jobs, referencedSecurityGroupId=doors, **HTTPS)
    make(EGRESS, securityGroupId=jobs, prefixListId=prefixes, **HTTPS)
    make(
        FLOW_LOG,
        vpcId=vpc_id,
        trafficType="ALL",
        logDestination="arn:aws:logs:eu-west-1:123456789012:log-group:/flows",
        iamRoleArn="arn:aws:iam::123456789012:role/flows",
    )
    with pytest.raises(RefusedError, match="DependencyViolation"):
        run.delete(VPC, vpc_id, made[0][2])

    for token, id_, state in reversed(made):
        run.delete(token, id_, state)

    assert [token for token, id_, _ in made if run.read(token, id_) is not None] == []
