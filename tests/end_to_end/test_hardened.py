"""With everything on that a security review asks for, through the real engine. AWS itself was not asked."""

import json

import pytest

from mlstack.local.aws.inventory import inventory
from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import Deployment

pytestmark = pytest.mark.engine

BOUNDARY = "arn:aws:iam::123456789012:policy/hardened-boundary"


@pytest.fixture(scope="module", autouse=True)
def deployed(deployment: Deployment) -> dict[str, int]:
    deployment.configure(
        profile="production",
        protect=False,
        network={"mode": "isolated"},
        roles={"path": "/ml/", "permissionsBoundary": BOUNDARY},
        enhancedScanning=True,
        pullThroughCache={"upstreams": [{"registry": "public.ecr.aws"}]},
    )
    return deployment.up()


def test_all_of_it_is_created_at_once_and_stays_unchanged(deployed: dict[str, int], deployment: Deployment) -> None:
    assert set(deployed) == {"create"}
    assert set(deployment.up()) == {"same"}


def test_what_is_really_there_is_what_was_declared(deployment: Deployment) -> None:
    done = deployment.pulumi("refresh", "--preview-only", "--expect-no-changes", "--diff", check=False)
    assert done.returncode == 0, f"a refresh finds drift that nobody made:\n{done.stdout[-4000:]}"


def test_every_role_has_the_path_and_the_boundary(deployment: Deployment, cloud: Cloud) -> None:
    iam = cloud.aws_client("iam")
    names = [each["RoleName"] for each in iam.list_roles(PathPrefix="/ml/")["Roles"]]
    ours = [name for name in names if name.startswith(f"{deployment.name}-local")]
    assert {name.rpartition("-")[2] for name in ours} >= {"access", "sagemaker", "scheduler", "codebuild", "logs"}
    for name in ours:
        assert iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY


def test_jobs_and_builds_are_told_to_run_in_subnets_that_are_there(deployment: Deployment, cloud: Cloud) -> None:
    subnets = {each["SubnetId"]: each for each in cloud.aws_client("ec2").describe_subnets()["Subnets"]}
    contract = json.loads(deployment.output("mlstack"))
    for component in ("orchestrator", "step_operator"):
        arguments = contract["components"][component]["configuration"]["estimator_args"]
        used = [subnets[id_] for id_ in arguments["subnets"]]
        assert len({each["AvailabilityZone"] for each in used}) >= 2
        assert not any(each["MapPublicIpOnLaunch"] for each in used)
        assert arguments["output_kms_key"] == arguments["volume_kms_key"]
    project = cloud.aws_client("codebuild").batch_get_projects(names=[deployment.output("build_project")])["projects"][
        0
    ]
    assert set(project["vpcConfig"]["subnets"]) == {each["SubnetId"] for each in used}


def test_nothing_in_the_network_leads_to_the_internet(deployment: Deployment, cloud: Cloud) -> None:
    ec2 = cloud.aws_client("ec2")
    filters = [{"Name": "tag:mlstack:environment", "Values": ["local"]}]
    [vpc] = [each["VpcId"] for each in ec2.describe_vpcs(Filters=filters)["Vpcs"]]
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    routes = [route for table in ec2.describe_route_tables(Filters=inside)["RouteTables"] for route in table["Routes"]]
    assert not [route for route in routes if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
    assert ec2.describe_nat_gateways(Filter=inside)["NatGateways"] == []
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    assert ec2.describe_internet_gateways(Filters=attached)["InternetGateways"] == []
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    groups = {each["GroupId"] for each in ec2.describe_security_groups(Filters=inside)["SecurityGroups"]}
    assert not [each for each in rules if each["GroupId"] in groups and each.get("CidrIpv4") == "0.0.0.0/0"]


def test_base_images_come_through_a_rule_with_a_template_for_their_repositories(
    deployment: Deployment, cloud: Cloud
) -> None:
    [(upstream, prefix)] = json.loads(deployment.output("mlstack"))["pull_through_cache"].items()
    ecr = cloud.aws_client("ecr")
    [rule] = ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[prefix])["pullThroughCacheRules"]
    assert (rule["upstreamRegistryUrl"], upstream) == ("public.ecr.aws", "public.ecr.aws")
    [template] = ecr.describe_repository_creation_templates(prefixes=[prefix])["repositoryCreationTemplates"]
    assert template["appliedFor"] == ["PULL_THROUGH_CACHE"]
    assert "imageCountMoreThan" in template["lifecyclePolicy"]


def test_destroy_leaves_nothing(deployment: Deployment, cloud: Cloud) -> None:
    [prefix] = json.loads(deployment.output("mlstack"))["pull_through_cache"].values()
    deployment.configure(artifactStoreForceDestroy=True)
    deployment.up()
    deployment.pulumi("destroy", "--yes", "--skip-preview")
    state = cloud.state()
    assert state is not None
    assert [found for found in inventory(state.aws_endpoint) if f"{deployment.name}-local" in str(found)] == []
    assert prefix not in {found.name for found in inventory(state.aws_endpoint)}
    assert not cloud.aws_client("ec2").describe_vpcs(
        Filters=[{"Name": "tag:mlstack:environment", "Values": ["local"]}]
    )["Vpcs"]
