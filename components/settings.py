"""What people write into `Pulumi.<environment>.yaml`, typed, and read before any resource is declared."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator
from pydantic.alias_generators import to_camel

from components.limits import (
    AccountId,
    BucketName,
    IamName,
    ImageCount,
    InstanceType,
    KeyArn,
    KeyDeletionDays,
    KeyGeneration,
    LifecycleDays,
    LogRetentionDays,
    NamePart,
    PolicyArn,
    PrincipalArn,
    ProjectName,
    Region,
    RepositoryName,
    RolePath,
    SecurityGroupId,
    SessionSeconds,
    SubnetId,
    TagKey,
    TagValue,
    VpcCidr,
    VpcId,
    Zone,
)
from components.names import ACCESS, BUILD, EXECUTION, FLOW_LOGS, SCHEDULER, Existing, Names
from components.profiles import PROFILES, Profile
from components.sources import ArtifactStoreSettings, BuildProjectSettings, RepositorySettings, RoleSource, Section

NAMESPACE = "mlstack"
"""Of our keys in Pulumi's configuration: the name of the project in Pulumi.yaml."""


class EncryptionSettings(Section):
    """How data at rest is encrypted."""

    mode: Literal["kms", "aws-managed", "existing"] = "kms"
    """kms: a customer-managed key of this stack, rotated yearly, about 1 USD a month.
    aws-managed: keys that S3 and ECR keep themselves, at no cost; nobody can see or limit their use.
    existing: a key of yours; its policy has to let the roles of this stack use it (docs/security.md)."""
    key_arn: Annotated[
        KeyArn | None,
        Field(examples=["arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"]),
    ] = None
    """The existing key, in this region."""
    deletion_window_days: KeyDeletionDays = 30
    """Days in which the key's deletion can be taken back after `pulumi destroy`; afterwards the data is unreadable."""


class AccessLogsSettings(Section):
    """Who read and wrote artifacts, as S3 logs it."""

    mode: Literal["create", "existing", "off"] = "create"
    """create: a log bucket of this stack. existing: a bucket of yours, whose policy lets S3 deliver logs. off: none."""
    bucket: Annotated[BucketName | None, Field(examples=["central-access-logs"])] = None
    """The existing bucket, in this region and account."""
    retention_days: LifecycleDays = 365
    """Days for which the logs are kept in a bucket of this stack."""


Kept = Literal[
    "public-access",
    "versioning",
    "bucket-encryption",
    "bucket-lifecycle",
    "bucket-policy",
    "bucket-events",
    "image-encryption",
    "image-scanning",
    "image-lifecycle",
    "tag-mutability",
    "build-project",
    "trust",
]
"""What an adopted resource may keep as it was found."""


class RoleSettings(Section):
    """What an organisation asks of every IAM role, and the roles that are there already."""

    path: RolePath = "/"
    """Path of all roles, and of the user with `connector.auth: iam-role`, such as /ml/."""
    permissions_boundary: Annotated[PolicyArn | None, Field(examples=["arn:aws:iam::123456789012:policy/boundary"])] = (
        None
    )
    """A policy that limits all roles and the user of this stack, whatever else they are granted."""
    access: RoleSource = Field(default_factory=RoleSource)
    """The role that ZenML assumes."""
    execution: RoleSource = Field(default_factory=RoleSource)
    """The role that pipelines and jobs run as on SageMaker."""
    scheduler: RoleSource = Field(default_factory=RoleSource)
    """The role that EventBridge Scheduler starts scheduled pipelines with."""
    build: RoleSource = Field(default_factory=RoleSource)
    """The role that CodeBuild builds images as."""
    flow_logs: RoleSource = Field(default_factory=RoleSource)
    """The role that the flow logs of an isolated network are written with."""
    exclusive: bool = False
    """Take from the roles and the user whatever policies others gave them, such as AmazonSageMakerFullAccess of an
    adopted role, and show in a preview what that is."""


class NetworkSettings(Section):
    """Where SageMaker jobs and image builds run."""

    mode: Literal["public", "existing", "isolated"] = "public"
    """public: on AWS's own network with a way to the internet, at no cost.
    existing: in subnets of yours, at the cost of what they have.
    isolated: in a VPC of this stack without a way to the internet, about 15 USD a month for each of its 5 endpoints
    (two zones) beside flow logs; your ZenML server has to be reachable from it (docs/security.md)."""
    vpc_id: Annotated[VpcId | None, Field(examples=["vpc-0123456789abcdef0"])] = None
    """The existing VPC."""
    subnet_ids: Annotated[list[SubnetId], Field(max_length=16, examples=[["subnet-0123456789abcdef0"]])] = Field(
        default_factory=list
    )
    """Its subnets, at least two, in different zones."""
    security_group_ids: Annotated[list[SecurityGroupId], Field(max_length=5, examples=[["sg-0123456789abcdef0"]])] = (
        Field(default_factory=list)
    )
    """Existing security groups of the jobs. Empty: one is made in the VPC, with a way out by HTTPS and none in."""
    cidr: VpcCidr = "10.42.0.0/16"
    """Address range of an isolated VPC; differs from what it is to be connected with."""
    zones: Annotated[list[Zone], Field(max_length=4, examples=[["eu-west-1a"]])] = Field(default_factory=list)
    """Availability zones of an isolated VPC, at least two. Empty: a and b of the region."""


class ConnectorSettings(Section):
    """How ZenML gets AWS credentials."""

    auth: Literal["implicit", "iam-role", "none"] = "implicit"
    """implicit: ZenML's server runs in AWS and assumes the access role with its own identity; no key exists.
    iam-role: it runs elsewhere and assumes the role with the access key of a user that may do nothing else.
    none: no service connectors; whoever runs a pipeline brings AWS credentials."""
    principal: Annotated[PrincipalArn | None, Field(examples=["arn:aws:iam::123456789012:role/zenml-server"])] = None
    """With implicit: the identity that ZenML's server runs as, the only one that may assume the access role."""
    keys: Annotated[list[KeyGeneration], Field(max_length=2, examples=[[1]])] = Field(default_factory=list)
    """With iam-role: generations of the user's access key that exist; ZenML is given the last. Empty: 1.
    `mlstack rotate-key` counts them up."""
    session_seconds: SessionSeconds = 3600
    """Lifetime of the credentials that a step gets, and the access role's longest session.
    Longer than the longest step."""

    @property
    def has_role(self) -> bool:
        """Whether there is an access role, and connectors that hand it out."""
        return self.auth != "none"

    @property
    def key_generations(self) -> tuple[int, ...]:
        """None unless the access role is assumed with a key."""
        return tuple(self.keys or (1,)) if self.auth == "iam-role" else ()


class NamesSettings(Section):
    """Names that resources have already, which `mlstack adopt` writes. Without one it is computed, as all others are.
    Changing one later replaces the resource."""

    bucket: Annotated[BucketName | None, Field(examples=["zenml-123456789012-0a1b2c3d4e5f"])] = None
    """The artifact store's bucket."""
    repository: Annotated[RepositoryName | None, Field(examples=["zenml-0a1b2c3d4e5f"])] = None
    """The container registry's repository."""
    access_role: Annotated[IamName | None, Field(examples=["zenml-0a1b2c3d4e5f"])] = None
    """The role that ZenML's server assumes."""
    execution_role: Annotated[IamName | None, Field(examples=["zenml-0a1b2c3d4e5f-sagemaker"])] = None
    """The role of SageMaker pipelines and jobs."""
    build_role: Annotated[IamName | None, Field(examples=["zenml-0a1b2c-codebuild"])] = None
    """The role of image builds."""
    build_project: Annotated[ProjectName | None, Field(examples=["zenml-0a1b2c"])] = None
    """The image builder's CodeBuild project. Its log group is named after it."""
    user: Annotated[IamName | None, Field(examples=["zenml-0a1b2c3d4e5f"])] = None
    """The user of `connector.auth: iam-role`."""

    @property
    def given(self) -> dict[str, str]:
        """By the words that Names uses: those of roles are their purposes."""
        names = {
            "bucket": self.bucket,
            "repository": self.repository,
            "access": self.access_role,
            "sagemaker": self.execution_role,
            "codebuild": self.build_role,
            "build_project": self.build_project,
            "user": self.user,
        }
        return {what: name for what, name in names.items() if name}


class AwsSettings(Section):
    """The keys of the `aws` namespace that the program reads; the aws plugin checks all others."""

    region: Annotated[Region, Field(examples=["eu-west-1"])]
    """Where everything is created."""
    allowed_account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=1, examples=[["123456789012"]])]
    """The one account of this environment. Names are computed from it, and the aws plugin refuses any other."""
    profile: str | None = None
    """Of the AWS configuration. Existing resources are read with the credentials that the plugin works with."""


class StackSettings(Section):
    """The keys of the `mlstack` namespace."""

    profile: Profile = "production"
    """Which defaults the settings below have. development: for trying things out. production: for what must last."""
    name: NamePart = "mlstack"
    """First part of every name, with the environment as the second."""
    stack_name: Annotated[str, Field(max_length=200)] = ""
    """Name of the ZenML stack. Empty: `<name>-<environment>`."""

    registration: Annotated[Literal["manual", "automatic"], Field(alias="register")] = "manual"
    """manual: `mlstack register` or `mlstack deploy`. automatic: each `pulumi up` registers too, and fails when ZenML
    refuses; `pulumi destroy --run-program` deregisters first (docs/deployment.md)."""
    orchestrator: Literal["sagemaker", "local"] = "sagemaker"
    """Where pipelines run: SageMaker Pipelines, or the machine that starts them (artifacts are in S3 all the same)."""
    container_registry: bool = True
    """An ECR repository for pipeline images. SageMaker and the image builder need it."""
    step_operator: bool = True
    """Lets single steps run as SageMaker training jobs."""
    image_builder: bool = True
    """A CodeBuild project that builds pipeline images, so that nobody needs Docker."""

    instance_type: InstanceType = "ml.m5.xlarge"
    """Default SageMaker instance of steps; a step's own settings override it."""

    artifact_store_config: dict[str, JsonValue] = Field(default_factory=dict)
    """More keys of ZenML's s3 artifact store."""
    container_registry_config: dict[str, JsonValue] = Field(default_factory=dict)
    """More keys of ZenML's aws container registry."""
    orchestrator_config: dict[str, JsonValue] = Field(default_factory=dict)
    """More keys of ZenML's sagemaker orchestrator."""
    step_operator_config: dict[str, JsonValue] = Field(default_factory=dict)
    """More keys of ZenML's sagemaker step operator."""
    image_builder_config: dict[str, JsonValue] = Field(default_factory=dict)
    """More keys of ZenML's aws image builder."""

    names: NamesSettings = Field(default_factory=NamesSettings)
    """Names that adopted resources have already (docs/adoption.md)."""
    keep: Annotated[list[Kept], Field(examples=[["image-encryption"]])] = Field(default_factory=list)
    """What adopted resources keep as it was found, instead of what this program gives new ones (docs/adoption.md)."""
    connector: ConnectorSettings = Field(default_factory=ConnectorSettings)
    """How ZenML gets AWS credentials."""
    artifact_store: ArtifactStoreSettings = Field(default_factory=ArtifactStoreSettings)
    """The S3 bucket that artifacts, code and logs are kept in."""
    repository: RepositorySettings = Field(default_factory=RepositorySettings)
    """The ECR repository that pipeline images are kept in."""
    build_project: BuildProjectSettings = Field(default_factory=BuildProjectSettings)
    """The CodeBuild project that builds pipeline images."""
    existing_lacks: Literal["stop", "warn"] = "stop"
    """What to do when an existing resource lacks something that the stack needs of it. stop: say what its owner has to
    change, before anything is declared. warn: say it, and go on."""
    encryption: EncryptionSettings = Field(default_factory=EncryptionSettings)
    """How data at rest is encrypted."""

    access_logs: AccessLogsSettings = Field(default_factory=AccessLogsSettings)
    """Who read and wrote artifacts, as S3 logs it."""
    roles: RoleSettings = Field(default_factory=RoleSettings)
    """What an organisation asks of every IAM role, and the roles that are there already."""
    network: NetworkSettings = Field(default_factory=NetworkSettings)
    """Where SageMaker jobs and image builds run."""
    enhanced_scanning: bool = False
    """Amazon Inspector scans images of this repository continuously. Sets the scanning of the account's whole registry
    in this region; about 0.09 USD for each image pushed."""

    noncurrent_version_days: LifecycleDays = 90
    """Days for which overwritten and deleted artifacts can still be brought back."""
    untagged_image_days: LifecycleDays = 14
    """Days after which images without a tag are deleted."""
    tagged_image_count: ImageCount = 500
    """How many tagged images are kept, newest first."""
    log_retention_days: LogRetentionDays = 365
    """Days for which build logs are kept."""

    artifact_store_force_destroy: bool = False
    """Delete all artifacts together with the bucket on `pulumi destroy`. NOT recoverable."""
    container_registry_force_delete: bool = False
    """Delete all images together with the repository on `pulumi destroy`. NOT recoverable."""
    protect: bool = True
    """Refuse to delete or replace what holds data (bucket, repository, key) until this is false again."""
    tags: dict[TagKey, TagValue] = Field(default_factory=dict, max_length=40)
    """AWS tags on everything, beside `mlstack:project` and `mlstack:environment`. AWS allows 50 on a resource."""

    @model_validator(mode="before")
    @classmethod
    def _fill_from_profile(cls, given: dict[str, object]) -> dict[str, object]:
        profile = given.get("profile", "production")
        # A profile that is none is reported as such; until then anything may be assumed.
        defaults = PROFILES[profile] if profile == "development" else PROFILES["production"]
        store = given.get("artifactStore")
        if isinstance(store, dict) and store.get("mode") == "existing":
            # Switching them on would change the bucket.
            defaults = {**defaults, "access_logs": {"mode": "off"}}
        return {**{to_camel(name): value for name, value in defaults.items()}, **given}


class Settings(Section):
    """All that the program is told: what the environment is called, AWS's settings and its own."""

    project: str
    environment: NamePart
    aws: AwsSettings
    stack: StackSettings

    @property
    def account_id(self) -> str:
        return self.aws.allowed_account_ids[0]

    @property
    def names(self) -> Names:
        """Of everything in AWS: what is there already by its own name, all else by a computed one."""
        stack = self.stack
        return Names(
            name=stack.name,
            environment=self.environment,
            account_id=self.account_id,
            region=self.aws.region,
            role_path=stack.roles.path,
            given=stack.names.given,
            prefix=stack.artifact_store.prefix,
            existing=Existing(
                bucket=stack.artifact_store.bucket,
                repository=stack.repository.name,
                build_project=stack.build_project.name,
                key_arn=stack.encryption.key_arn,
                role_arns={purpose: arn for purpose, arn in self._role_arns.items() if arn},
            ),
        )

    @property
    def _role_arns(self) -> dict[str, str | None]:
        roles = self.stack.roles
        return {
            ACCESS: roles.access.arn,
            EXECUTION: roles.execution.arn,
            SCHEDULER: roles.scheduler.arn,
            BUILD: roles.build.arn,
            FLOW_LOGS: roles.flow_logs.arn,
        }

    @property
    def uses_nothing_existing(self) -> bool:
        stack = self.stack
        others = (stack.network.vpc_id, stack.access_logs.bucket)
        return self.names.existing == Existing() and not any(others)

    @property
    def zenml_stack_name(self) -> str:
        return self.stack.stack_name or f"{self.stack.name}-{self.environment}"
