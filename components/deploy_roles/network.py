"""What a deployment changes in the network: EC2 knows ids only, so the environment's tags say what is its own."""

from components.deploy_roles.sources import EC2
from components.iam import Statement
from components.managed import Managed


def manages_network(managed: Managed) -> tuple[Statement, ...]:
    """The network of `mode: isolated`: what is made carries the environment's tags, what is changed carries them."""
    kinds = ("route-table", "security-group", "subnet", "vpc", "vpc-endpoint", "vpc-flow-log")
    every = tuple(managed.names.arn("ec2", f"{kind}/*") for kind in kinds)
    rules = managed.names.arn("ec2", "security-group-rule/*")
    creating = (
        "ec2:CreateFlowLogs",
        "ec2:CreateRouteTable",
        "ec2:CreateSecurityGroup",
        "ec2:CreateSubnet",
        "ec2:CreateVpc",
        "ec2:CreateVpcEndpoint",
    )
    return (
        Statement(
            sid="NetworkMake",
            actions=creating,
            resources=every,
            conditions={"StringEquals": managed.requested},
            why="each part of the network is made with the environment's tags",
            source=EC2,
        ),
        Statement(
            sid="NetworkTag",
            actions=("ec2:CreateTags",),
            resources=(*every, rules),
            conditions={
                "StringEquals": {
                    **managed.requested,
                    "ec2:CreateAction": (
                        "AuthorizeSecurityGroupEgress",
                        "AuthorizeSecurityGroupIngress",
                        *(action.partition(":")[2] for action in creating),
                    ),
                }
            },
            why="tags are written in the call that makes the part",
            source=EC2,
        ),
        Statement(
            sid="NetworkAdopt",
            actions=("ec2:CreateTags",),
            resources=(managed.names.arn("ec2", "security-group/*"),),
            conditions={"StringEquals": managed.requested, "Null": {"aws:ResourceTag/mlstack:project": "true"}},
            why="the default security group comes with the network, untagged, and is emptied of its rules",
            source=EC2,
        ),
        Statement(
            sid="Network",
            actions=(
                "ec2:AssociateRouteTable",
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:CreateFlowLogs",
                "ec2:CreateRouteTable",
                "ec2:CreateSecurityGroup",
                "ec2:CreateSubnet",
                "ec2:CreateTags",
                "ec2:CreateVpcEndpoint",
                "ec2:DeleteFlowLogs",
                "ec2:DeleteRouteTable",
                "ec2:DeleteSecurityGroup",
                "ec2:DeleteSubnet",
                "ec2:DeleteTags",
                "ec2:DeleteVpc",
                "ec2:DeleteVpcEndpoints",
                "ec2:DisassociateRouteTable",
                "ec2:ModifySecurityGroupRules",
                "ec2:ModifySubnetAttribute",
                "ec2:ModifyVpcAttribute",
                "ec2:ModifyVpcEndpoint",
                "ec2:RevokeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupIngress",
            ),
            resources=(*every, rules),
            conditions=managed.tagged,
            why="only what carries the environment's tags is changed, or gets anything put into it",
            source=EC2,
        ),
        Statement(
            sid="NetworkRules",
            actions=("ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress"),
            resources=(rules,),
            conditions={"StringEquals": managed.requested},
            why="a rule is made with the tags; the group that gets it is limited above",
            source=EC2,
        ),
    )


def manages_jobs_group(managed: Managed, vpc_id: str) -> tuple[Statement, ...]:
    """The one security group that is made in an existing VPC. Nothing else of the network is changed."""
    groups = managed.names.arn("ec2", "security-group/*")
    rules = managed.names.arn("ec2", "security-group-rule/*")
    return (
        Statement(
            sid="GroupMake",
            actions=("ec2:CreateSecurityGroup",),
            resources=(groups,),
            conditions={"StringEquals": managed.requested},
            why="the group is made with the environment's tags",
            source=EC2,
        ),
        Statement(
            sid="GroupWhere",
            actions=("ec2:CreateSecurityGroup",),
            resources=(managed.names.arn("ec2", f"vpc/{vpc_id}"),),
            why="EC2 asks for the right on the VPC as well as on the group",
            source=EC2,
        ),
        Statement(
            sid="GroupTag",
            actions=("ec2:CreateTags",),
            resources=(groups, rules),
            conditions={
                "StringEquals": {
                    **managed.requested,
                    "ec2:CreateAction": ("AuthorizeSecurityGroupEgress", "CreateSecurityGroup"),
                }
            },
            why="tags are written in the call that makes the part",
            source=EC2,
        ),
        Statement(
            sid="Group",
            actions=(
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:CreateTags",
                "ec2:DeleteSecurityGroup",
                "ec2:DeleteTags",
                "ec2:ModifySecurityGroupRules",
                "ec2:RevokeSecurityGroupEgress",
            ),
            resources=(groups, rules),
            conditions=managed.tagged,
            why="only what carries the environment's tags is changed",
            source=EC2,
        ),
        Statement(
            sid="GroupRules",
            actions=("ec2:AuthorizeSecurityGroupEgress",),
            resources=(rules,),
            conditions={"StringEquals": managed.requested},
            why="a rule is made with the tags; the group that gets it is limited above",
            source=EC2,
        ),
    )
