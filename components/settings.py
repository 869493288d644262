"""What people write into `Pulumi.<environment>.yaml`, typed, and read before any resource is declared."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from components.limits import (
    AccountId,
    ImageCount,
    InstanceType,
    KeyDeletionDays,
    LifecycleDays,
    LogRetentionDays,
    NamePart,
    PrincipalArn,
    Region,
    SessionSeconds,
    TagKey,
    TagValue,
)

NAMESPACE = "mlstack"
"""Of our keys in Pulumi's configuration: the name of the project in Pulumi.yaml."""


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )


class EncryptionSettings(_Settings):
    """How data at rest is encrypted."""

    mode: Literal["kms", "aws-managed"] = "kms"
    """kms: a customer-managed key of this stack, rotated yearly, about 1 USD a month.
    aws-managed: keys that S3 and ECR keep themselves, at no cost; nobody can see or limit their use."""
    deletion_window_days: KeyDeletionDays = 30
    """Days in which the key's deletion can be taken back after `pulumi destroy`; afterwards the data is unreadable."""


class ConnectorSettings(_Settings):
    """How ZenML gets AWS credentials."""

    auth: Literal["implicit", "none"] = "implicit"
    """implicit: ZenML's server assumes the access role with its own identity; no key exists.
    none: no service connectors; whoever runs a pipeline brings AWS credentials."""
    principal: Annotated[PrincipalArn | None, Field(examples=["arn:aws:iam::123456789012:role/zenml-server"])] = None
    """The identity that ZenML's server runs as: the only one that may assume the access role."""
    session_seconds: SessionSeconds = 3600
    """Lifetime of the credentials that a step gets, and the access role's longest session.
    Longer than the longest step."""


class AwsSettings(_Settings):
    """The keys of the `aws` namespace that the program reads; the aws plugin checks all others."""

    region: Annotated[Region, Field(examples=["eu-west-1"])]
    """Where everything is created."""
    allowed_account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=1, examples=[["123456789012"]])]
    """The one account of this environment. Names are computed from it, and the aws plugin refuses any other."""


class StackSettings(_Settings):
    """The keys of the `mlstack` namespace."""

    name: NamePart = "mlstack"
    """First part of every name, with the environment as the second."""
    stack_name: Annotated[str, Field(max_length=200)] = ""
    """Name of the ZenML stack. Empty: `<name>-<environment>`."""

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

    connector: ConnectorSettings = Field(default_factory=ConnectorSettings)
    """How ZenML gets AWS credentials."""
    encryption: EncryptionSettings = Field(default_factory=EncryptionSettings)
    """How data at rest is encrypted."""

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
    protect: bool = False
    """Refuse to delete or replace what holds data (bucket, repository, key) until this is false again."""
    tags: dict[TagKey, TagValue] = Field(default_factory=dict, max_length=40)
    """AWS tags on everything, beside `mlstack:project` and `mlstack:environment`. AWS allows 50 on a resource."""


class Settings(_Settings):
    """All that the program is told: what the environment is called, AWS's settings and its own."""

    project: str
    environment: NamePart
    aws: AwsSettings
    stack: StackSettings

    @property
    def account_id(self) -> str:
        return self.aws.allowed_account_ids[0]

    @property
    def zenml_stack_name(self) -> str:
        return self.stack.stack_name or f"{self.stack.name}-{self.environment}"
