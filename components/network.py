"""A network of the stack's own, in which SageMaker jobs and image builds run."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from math import ceil, log2

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws.cloudwatch import LogGroup
from pulumi_aws.ec2 import (
    DefaultSecurityGroup,
    FlowLog,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    Subnet,
    Vpc,
    VpcEndpoint,
)
from pulumi_aws.vpc import SecurityGroupEgressRule, SecurityGroupIngressRule

from components.encryption_key import EncryptionKey
from components.iam import ENDPOINT_POLICY_LIMIT, Statement, document, service_trust
from components.names import FLOW_LOGS, Names
from components.placement import Placement
from components.role import Role, RoleArgs

_REGISTRY = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
_PULL_THROUGH = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository")
ENDPOINTS = {
    "sagemaker.api": (
        "sagemaker:AddTags",
        "sagemaker:CreateTrainingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:ListDomains",
        "sagemaker:StopTrainingJob",
    ),
    "ecr.api": _REGISTRY,
    "ecr.dkr": _REGISTRY,
    "logs": ("logs:CreateLogStream", "logs:PutLogEvents"),
    # ZenML asks who it is before it uses a connector, and waits for minutes when nobody answers.
    "sts": ("sts:GetCallerIdentity",),
}
"""What steps and builds call from inside, beside S3: service, and the actions that its endpoint lets through."""

_STORAGE = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetBucketVersioning",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutObject",
)

_ENDPOINT_POLICIES = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"
_FLOW_LOGS = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    names: Names
    cidr: str
    """Address range of the VPC, /16 to /26."""
    zones: tuple[str, ...]
    """Availability zones, one subnet each."""
    key: EncryptionKey | None = None
    """Encrypts the flow logs."""
    pulls_through: bool = False
    """Base images come through ECR's cache."""
    log_retention_days: int = 365
    permissions_boundary: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


class Network(ComponentResource):
    """A VPC without a way to the internet: private subnets, endpoints for what a step calls, flow logs."""

    vpc_id: Output[str]
    """`vpc-...`, for peering or a PrivateLink endpoint of your ZenML server."""
    subnet_ids: Output[list[str]]
    """The private subnets, one a zone."""
    route_table_id: Output[str]
    """Of all subnets: where a route to your ZenML server goes."""
    security_group_id: Output[str]
    """Of jobs and builds: where the rule that lets them reach your ZenML server goes."""

    def __init__(self, name: str, args: NetworkArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:Network", name, {}, opts)
        self._name = name
        self._args = args
        self._mine = ResourceOptions(parent=self)
        self._vpc = Vpc(
            f"{name}-vpc",
            cidr_block=args.cidr,
            enable_dns_support=True,
            # Interface endpoints answer under the services' own names.
            enable_dns_hostnames=True,
            tags=self._tags("vpc"),
            opts=self._mine,
        )
        DefaultSecurityGroup(f"{name}-default", vpc_id=self._vpc.id, tags=self._tags("closed"), opts=self._mine)
        self._routes = RouteTable(f"{name}-routes", vpc_id=self._vpc.id, tags=self._tags("private"), opts=self._mine)
        self._subnets = self._make_subnets()
        self._jobs = self._make_group("jobs", "SageMaker jobs and image builds")
        self._make_endpoints()
        self._make_flow_logs()

        self.vpc_id = self._vpc.id
        self.subnet_ids = Output.all(*(subnet.id for subnet in self._subnets))
        self.route_table_id = self._routes.id
        self.security_group_id = self._jobs.id
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "subnet_ids": self.subnet_ids,
                "route_table_id": self.route_table_id,
                "security_group_id": self.security_group_id,
            }
        )

    @property
    def placement(self) -> Placement:
        return Placement(
            vpc_id=self.vpc_id,
            subnet_ids=self.subnet_ids,
            security_group_ids=Output.all(self.security_group_id),
        )

    def _tags(self, part: str) -> dict[str, str]:
        return {**self._args.tags, "Name": f"{self._args.names.base}-{part}"}

    def _make_subnets(self) -> list[Subnet]:
        zones = self._args.zones
        ranges = IPv4Network(self._args.cidr).subnets(prefixlen_diff=ceil(log2(len(zones))))
        subnets = []
        for zone, addresses in zip(zones, ranges, strict=False):
            letter = zone[-1]
            subnet = Subnet(
                f"{self._name}-private-{letter}",
                vpc_id=self._vpc.id,
                cidr_block=str(addresses),
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags=self._tags(f"private-{letter}"),
                opts=self._mine,
            )
            RouteTableAssociation(
                f"{self._name}-routes-{letter}",
                subnet_id=subnet.id,
                route_table_id=self._routes.id,
                opts=self._mine,
            )
            subnets.append(subnet)
        return subnets

    def _make_group(self, part: str, description: str) -> SecurityGroup:
        return SecurityGroup(
            f"{self._name}-{part}",
            name=f"{self._args.names.base}-{part}",
            description=description,
            vpc_id=self._vpc.id,
            tags=self._tags(part),
            opts=self._mine,
        )

    def _make_endpoints(self) -> None:
        storage = VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self._vpc.id,
            service_name=self._service("s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=[self._routes.id],
            policy=self._endpoint_policy("s3", _STORAGE, self._image_layers()),
            tags=self._tags("s3"),
            opts=self._mine,
        )
        doors = self._make_group("endpoints", "Interface endpoints of AWS services")
        for service, called in ENDPOINTS.items():
            cached = _PULL_THROUGH if self._args.pulls_through and called is _REGISTRY else ()
            actions = tuple(sorted((*called, *cached)))
            VpcEndpoint(
                f"{self._name}-{service.replace('.', '-')}",
                vpc_id=self._vpc.id,
                service_name=self._service(service),
                vpc_endpoint_type="Interface",
                subnet_ids=[subnet.id for subnet in self._subnets],
                security_group_ids=[doors.id],
                private_dns_enabled=True,
                policy=self._endpoint_policy(service, actions),
                tags=self._tags(service),
                opts=self._mine,
            )
        self._let_through(doors, storage)

    def _let_through(self, doors: SecurityGroup, storage: VpcEndpoint) -> None:
        """HTTPS from jobs to the endpoints and to S3, and nothing else in either direction."""
        https = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
        SecurityGroupIngressRule(
            f"{self._name}-endpoints-from-jobs",
            security_group_id=doors.id,
            referenced_security_group_id=self._jobs.id,
            description="HTTPS from jobs and builds",
            tags=self._tags("endpoints-from-jobs"),
            opts=self._mine,
            **https,
        )
        SecurityGroupEgressRule(
            f"{self._name}-jobs-to-endpoints",
            security_group_id=self._jobs.id,
            referenced_security_group_id=doors.id,
            description="HTTPS to AWS services",
            tags=self._tags("jobs-to-endpoints"),
            opts=self._mine,
            **https,
        )
        SecurityGroupEgressRule(
            f"{self._name}-jobs-to-s3",
            security_group_id=self._jobs.id,
            prefix_list_id=storage.prefix_list_id,
            description="HTTPS to S3",
            tags=self._tags("jobs-to-s3"),
            opts=self._mine,
            **https,
        )

    def _service(self, service: str) -> str:
        return self._args.names.endpoint_service(service)

    def _endpoint_policy(self, service: str, actions: tuple[str, ...], *more: Statement) -> str:
        account = self._args.names.account_id
        own = Statement(
            sid="OwnAccount",
            actions=actions,
            resources=("*",),
            principals="*",
            conditions={"StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}},
            why=f"steps and builds call {service} as roles of this account on what belongs to it; credentials of "
            "another account, with which data could be carried out, are refused",
            source=_ENDPOINT_POLICIES,
        )
        return document((own, *more), limit=ENDPOINT_POLICY_LIMIT, what=f"the policy of endpoint {service}")

    def _image_layers(self) -> Statement:
        names = self._args.names
        return Statement(
            sid="ImageLayers",
            actions=("s3:GetObject",),
            resources=(f"arn:{names.partition}:s3:::prod-{names.region}-starport-layer-bucket/*",),
            principals="*",
            why="ECR keeps image layers in a bucket of its own account",
            source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
        )

    def _make_flow_logs(self) -> None:
        args, names = self._args, self._args.names
        group = LogGroup(
            f"{self._name}-flow-logs",
            name=names.flow_log_group,
            retention_in_days=args.log_retention_days,
            kms_key_id=args.key.arn if args.key else None,
            tags=args.tags,
            opts=self._mine,
        )
        role = Role(
            f"{self._name}-flow-logs-writer",
            RoleArgs(
                names=names,
                purpose=FLOW_LOGS,
                description="Writes the VPC's flow logs",
                trust=flow_log_trust(names),
                permissions=flow_log_permissions(names),
                permissions_boundary=args.permissions_boundary,
                tags=args.tags,
            ),
            opts=self._mine,
        )
        FlowLog(
            f"{self._name}-flow-log",
            vpc_id=self._vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags=self._tags("flow-log"),
            opts=self._mine,
        )


def flow_log_trust(names: Names) -> Statement:
    return service_trust("vpc-flow-logs.amazonaws.com", names.account_id, _FLOW_LOGS)


def flow_log_permissions(names: Names) -> tuple[Statement, ...]:
    return (
        Statement(
            sid="FlowLogs",
            actions=("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
            resources=(f"{names.flow_log_group_arn}:*",),
            why="which addresses jobs talked to; the group exists already",
            source=_FLOW_LOGS,
        ),
        Statement(
            sid="FlowLogGroup",
            actions=("logs:DescribeLogGroups",),
            resources=(f"{names.arn('logs', 'log-group')}:*",),
            why="EC2 looks for the group by listing",
            source=_FLOW_LOGS,
        ),
    )
