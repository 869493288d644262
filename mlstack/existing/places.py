"""An existing CodeBuild project, and an existing VPC with its subnets and security groups."""

from typing import Any

from mlstack.existing.asked import NetworkAsked, ProjectAsked
from mlstack.existing.lack import Lack
from mlstack.existing.reading import Aws, RefusedError


def of_project(aws: Aws, asked: ProjectAsked) -> list[Lack]:
    resource = f"project {asked.name}"

    def wrong(problem: str, way_out: str) -> Lack:
        return Lack(weight="wrong", setting=asked.setting, resource=resource, problem=problem, way_out=way_out)

    try:
        answer = aws.ask("codebuild", "batch_get_projects", names=[asked.name]) or {}
    except RefusedError as error:
        return [_unreadable(asked.setting, resource, error)]
    if not answer.get("projects"):
        return [wrong("does not exist", "name one that does, or set mode: create")]
    role = answer["projects"][0]["serviceRole"]
    if role != asked.role_arn:
        return [wrong(f"runs as {role}, not as {asked.role_arn}", f"set {asked.role_setting}: {role}")]
    return []


def of_network(aws: Aws, asked: NetworkAsked) -> list[Lack]:
    """Each part on its own: EC2 names only the first of several that it does not know."""
    found: list[Lack] = []
    try:
        if _only(aws, "vpcs", VpcIds=[asked.vpc_id]) is None:
            return [_wrong("vpcId", f"VPC {asked.vpc_id}", "does not exist", "name one of this account and region")]
        subnets = {each: _only(aws, "subnets", SubnetIds=[each]) for each in asked.subnet_ids}
        groups = {each: _only(aws, "security_groups", GroupIds=[each]) for each in asked.security_group_ids}
    except RefusedError as error:
        return [_unreadable("mlstack:network", f"VPC {asked.vpc_id}", error)]
    for key, what, parts in (("subnetIds", "subnet", subnets), ("securityGroupIds", "security group", groups)):
        for id_, part in parts.items():
            if part is None:
                found.append(_wrong(key, f"{what} {id_}", "does not exist", "name one of this account and region"))
            elif part["VpcId"] != asked.vpc_id:
                problem = f"is in {part['VpcId']}, not in {asked.vpc_id}"
                found.append(_wrong(key, f"{what} {id_}", problem, "name parts of one VPC"))
    zones = {part["AvailabilityZone"] for part in subnets.values() if part}
    if all(subnets.values()) and len(zones) < 2:
        problem = f"has all named subnets in {', '.join(sorted(zones))}"
        found.append(_wrong("subnetIds", f"VPC {asked.vpc_id}", problem, "name subnets in two zones"))
    return found


def _only(aws: Aws, what: str, **ids: list[str]) -> dict[str, Any] | None:
    answer = aws.ask("ec2", f"describe_{what}", **ids)
    items = answer["".join(part.capitalize() for part in what.split("_"))] if answer else []
    return items[0] if items else None


def _wrong(key: str, resource: str, problem: str, way_out: str) -> Lack:
    return Lack(weight="wrong", setting=f"mlstack:network.{key}", resource=resource, problem=problem, way_out=way_out)


def _unreadable(setting: str, resource: str, error: RefusedError) -> Lack:
    problem = f"cannot be checked: these credentials have no right to {error.operation}"
    way_out = "let them, or set mlstack:existingLacks: warn"
    return Lack(weight="lacks", setting=setting, resource=resource, problem=problem, way_out=way_out)
