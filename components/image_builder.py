"""CodeBuild as ZenML's image builder."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws.cloudwatch import LogGroup
from pulumi_aws.codebuild import Project
from pydantic import JsonValue

from components.after import after
from components.artifact_store import grant_read_build_contexts
from components.container_registry import grant_push
from components.encryption_key import EncryptionKey
from components.flavors import configured
from components.iam import Statement, service_trust
from components.names import BUILD, BUILD_CONTEXTS, Names
from components.placement import Placement
from components.role import Role, RoleArgs
from mlstack.contract import Component

# AWS's own, with docker and the AWS command line in it. ZenML's default is a stranger's image on Docker Hub, which
# would get the right to push into the repository.
BUILD_IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"

# How builds run, of a project that keeps it. Where it builds from, its role and its logs are ours in any case.
_KEPT = ["buildTimeout", "description", "encryptionKey", "environment"]


@dataclass(frozen=True, kw_only=True)
class ImageBuilderArgs:
    names: Names
    permissions: tuple[Statement, ...]
    """What its role may do."""
    key: EncryptionKey | None = None
    """Encrypts the build logs."""
    log_retention_days: int = 365
    placement: Placement | None = None
    """Subnets that builds run in. Without it AWS's own network."""
    permissions_boundary: str | None = None
    exclusive_roles: bool = False
    """Take all other policies away from its role."""
    keep: frozenset[str] = frozenset()
    """What an adopted project and its role keep as they were found (`mlstack:keep`)."""
    configuration: dict[str, JsonValue] = field(default_factory=dict)
    """More keys of ZenML's aws image builder."""
    tags: dict[str, str] = field(default_factory=dict)


class ImageBuilder(ComponentResource):
    """CodeBuild project that builds pipeline images, its role, and its log group with an end to its logs.

    An existing project is used as it is, with all three of its own.
    """

    project_name: Output[str]
    """Name of the project, the `code_build_project` of ZenML's aws image builder."""

    def __init__(self, name: str, args: ImageBuilderArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:ImageBuilder", name, {}, opts)
        self._args = args
        self._mine = ResourceOptions(parent=self)
        made = () if args.names.existing.build_project else (self._make(name).name,)
        self.project_name = after(args.names.build_project, *made)
        self.register_outputs({"project_name": self.project_name})

    def _make(self, name: str) -> Project:
        args = self._args
        logs = LogGroup(
            f"{name}-logs",
            name=args.names.build_log_group,
            retention_in_days=args.log_retention_days,
            kms_key_id=args.key.arn if args.key else None,
            tags=args.tags,
            opts=self._mine,
        )
        return self._project(name, self._role(name), logs)

    def _role(self, name: str) -> Role:
        args = self._args
        return Role(
            f"{name}-build",
            RoleArgs(
                names=args.names,
                purpose=BUILD,
                description="Builds images for ZenML pipelines",
                trust=build_trust(args.names),
                permissions=args.permissions,
                permissions_boundary=args.permissions_boundary,
                exclusive=args.exclusive_roles,
                keeps_trust="trust" in args.keep,
                tags=args.tags,
            ),
            opts=self._mine,
        )

    def _project(self, name: str, role: Role, logs: LogGroup) -> Project:
        args = self._args
        return Project(
            f"{name}-project",
            name=args.names.build_project,
            description="Builds images for ZenML pipelines; ZenML gives context and buildspec with each build",
            service_role=role.arn,
            source={"type": "S3", "location": f"{args.names.artifacts_uri}/{BUILD_CONTEXTS}/".removeprefix("s3://")},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "compute_type": "BUILD_GENERAL1_SMALL",
                "image": self._build_image,
                # CodeBuild pulls its own images as itself, all others (a mirror in ECR) as the project's role.
                "image_pull_credentials_type": "CODEBUILD" if self._build_image.startswith("aws/") else "SERVICE_ROLE",
                "privileged_mode": False,
            },
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": logs.name}},
            vpc_config={
                "vpc_id": args.placement.vpc_id,
                "subnets": args.placement.subnet_ids,
                "security_group_ids": args.placement.security_group_ids,
            }
            if args.placement
            else None,
            encryption_key=args.key.arn if args.key else None,
            build_timeout=30,
            tags=args.tags,
            opts=ResourceOptions(parent=self, ignore_changes=_KEPT if "build-project" in args.keep else None),
        )

    @property
    def _build_image(self) -> str:
        return str(self._args.configuration.get("build_image", BUILD_IMAGE))

    def zenml_component(self, stack_name: str) -> Component:
        """How ZenML is to build images."""
        return Component(
            name=stack_name,
            flavor="aws",
            configuration=configured(
                {"code_build_project": self._args.names.build_project, "build_image": self._build_image},
                self._args.configuration,
            ),
            connector="aws",
        )


_BUILDS = "https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html"


def build_trust(names: Names) -> Statement:
    return service_trust("codebuild.amazonaws.com", names.account_id, _BUILDS)


def build_permissions(
    names: Names, *, encrypted: bool, bases: tuple[Statement, ...], placed: tuple[Statement, ...]
) -> tuple[Statement, ...]:
    """Rights of the build role. `bases`: on cached base images. `placed`: on subnets, where builds run in some."""
    return (
        Statement(
            sid="BuildLogs",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(f"{names.build_log_group_arn}:*",),
            why="the output of every build; the group exists already",
            source=_BUILDS,
        ),
        *grant_read_build_contexts(names, encrypted=encrypted),
        *grant_push(names),
        *bases,
        *placed,
    )


def grant_build(names: Names) -> tuple[Statement, ...]:
    """What ZenML and `mlstack image build` need to start a build, follow it, and stop it."""
    return (
        Statement(
            sid="Builds",
            actions=("codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"),
            resources=(names.build_project_arn,),
            why="the image builder starts a build and asks every ten seconds whether it is done; mlstack image build "
            "stops one that was interrupted",
            source="zenml/integrations/aws/image_builders/aws_image_builder.py, mlstack/images/codebuild.py",
        ),
        Statement(
            sid="BuildLogsRead",
            actions=("logs:GetLogEvents",),
            resources=(f"{names.build_log_group_arn}:log-stream:*",),
            why="the lines of a build are shown while it runs",
            source="mlstack/images/codebuild.py",
        ),
    )
