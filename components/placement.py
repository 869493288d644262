"""Where jobs and builds run, when not on AWS's own network, and the security group that they get in a VPC of yours."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws.ec2 import SecurityGroup
from pulumi_aws.vpc import SecurityGroupEgressRule

from components.iam import Statement, network_interfaces
from components.names import Names
from components.sections import NetworkSettings


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where jobs and builds run, as inputs of whatever starts them."""

    vpc_id: Output[str]
    subnet_ids: Output[list[str]]
    security_group_ids: Output[list[str]]


@dataclass(frozen=True, kw_only=True)
class JobsGroupArgs:
    names: Names
    vpc_id: str
    """The existing VPC."""
    tags: dict[str, str] = field(default_factory=dict)


class JobsGroup(ComponentResource):
    """Security group of jobs and builds in an existing VPC: HTTPS out, nothing in."""

    security_group_id: Output[str]
    """Where a rule for a ZenML server on another port goes, and what endpoints of the VPC have to let in."""

    def __init__(self, name: str, args: JobsGroupArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:JobsGroup", name, {}, opts)
        mine = ResourceOptions(parent=self)
        tags = {**args.tags, "Name": f"{args.names.base}-jobs"}
        group = SecurityGroup(
            f"{name}-group",
            name=f"{args.names.base}-jobs",
            description="SageMaker jobs and image builds",
            vpc_id=args.vpc_id,
            tags=tags,
            opts=mine,
        )
        out = SecurityGroupEgressRule(
            f"{name}-https",
            security_group_id=group.id,
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description="HTTPS: AWS services, ZenML, packages. How far it leads is up to the subnets",
            tags=tags,
            opts=mine,
        )
        self.security_group_id = out.security_group_id
        self.register_outputs({"security_group_id": self.security_group_id})


def in_existing(
    name: str, names: Names, network: NetworkSettings, tags: dict[str, str], opts: ResourceOptions
) -> Placement | None:
    """In the subnets of `mode: existing`, with its security groups or one that is made; None in any other mode."""
    if network.vpc_id is None:
        return None
    groups = Output.from_input(network.security_group_ids)
    if not network.security_group_ids:
        made = JobsGroup(name, JobsGroupArgs(names=names, vpc_id=network.vpc_id, tags=tags), opts)
        groups = Output.all(made.security_group_id)
    return Placement(
        vpc_id=Output.from_input(network.vpc_id),
        subnet_ids=Output.from_input(network.subnet_ids),
        security_group_ids=groups,
    )


def grant_placement(
    names: Names, network: NetworkSettings, tags: Mapping[str, str], service: str
) -> tuple[Statement, ...]:
    """What a role of `service` needs to put its network interfaces there. `tags`: on what this stack makes."""
    if network.mode == "public":
        return ()
    groups = [names.arn("ec2", f"security-group/{each}") for each in network.security_group_ids]
    subnets = [names.arn("ec2", f"subnet/{each}") for each in network.subnet_ids]
    made = [names.arn("ec2", "security-group/*")] if not groups else []
    made += [names.arn("ec2", "subnet/*")] if not subnets else []
    own = ("mlstack:environment", "mlstack:project", "mlstack:team")
    tagged = {tag: tags[tag] for tag in own if tag in tags}
    return network_interfaces(names, service, existing=(*groups, *subnets), made=made, tagged=tagged)
