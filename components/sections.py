"""The sections of the settings: each a mapping in `Pulumi.<environment>.yaml` with keys of its own."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.limits import (
    BucketName,
    CacheCredentialArn,
    CachePrefix,
    IamName,
    KeyArn,
    KeyDeletionDays,
    KeyGeneration,
    LifecycleDays,
    ObjectPrefix,
    PolicyArn,
    PrincipalArn,
    ProjectName,
    RepositoryName,
    RoleArn,
    RolePath,
    SecurityGroupId,
    SessionSeconds,
    SubnetId,
    VpcCidr,
    VpcId,
    Zone,
)


class Section(BaseModel):
    """Settings that belong together. Keys in camel case; one that is unknown is an error."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )


class ArtifactStoreSettings(Section):
    """The S3 bucket that artifacts, code and logs are kept in."""

    mode: Literal["create", "existing"] = "create"
    """create: a bucket of this stack. existing: one of yours, which is read and never changed (docs/existing.md)."""
    bucket: Annotated[BucketName | None, Field(examples=["company-ml-artifacts"])] = None
    """The existing bucket, in this region and account."""
    prefix: Annotated[ObjectPrefix, Field(examples=["teams/vision"])] = ""
    """Everything is kept below it, and no right reaches further. Empty: the whole bucket."""


class RepositorySettings(Section):
    """The ECR repository that pipeline images are kept in."""

    mode: Literal["create", "existing"] = "create"
    """create: a repository of this stack. existing: one of yours, which is read and never changed."""
    name: Annotated[RepositoryName | None, Field(examples=["company/pipelines"])] = None
    """The existing repository, in this region and account."""


class UpstreamSettings(Section):
    """A registry whose images come through ECR."""

    registry: Annotated[
        Literal["public.ecr.aws", "quay.io", "ghcr.io", "registry-1.docker.io"], Field(examples=["public.ecr.aws"])
    ]
    """public.ecr.aws has Docker Hub's official images too, below docker/library. ghcr.io and registry-1.docker.io
    (Docker Hub) want credentials."""
    credential_arn: Annotated[
        CacheCredentialArn | None,
        Field(examples=["arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/docker-hub-a1b2c3"]),
    ] = None
    """With ghcr.io and registry-1.docker.io: the secret that ECR logs in there with, in this region and account."""


class PullThroughCacheSettings(Section):
    """Base images from other registries, kept in ECR with the first pull."""

    upstreams: Annotated[list[UpstreamSettings], Field(max_length=4, examples=[[{"registry": "public.ecr.aws"}]])] = (
        Field(default_factory=list)
    )
    """The registries that are cached. Empty: none, and base images come from where they are."""
    prefix: Annotated[CachePrefix | None, Field(examples=["mirrors/ml"])] = None
    """What the names of the copies' repositories begin with. Without one: `<name>-<environment>`."""


class BuildProjectSettings(Section):
    """The CodeBuild project that builds pipeline images."""

    mode: Literal["create", "existing"] = "create"
    """create: a project of this stack. existing: one of yours, which is read and never changed; the role that it runs
    as stands in roles.build."""
    name: Annotated[ProjectName | None, Field(examples=["company-image-builder"])] = None
    """The existing project, in this region and account."""


class RoleSource(Section):
    """Where one role comes from."""

    mode: Literal["create", "existing"] = "create"
    """create: a role of this stack. existing: one of yours, which is read and never changed."""
    arn: Annotated[RoleArn | None, Field(examples=["arn:aws:iam::123456789012:role/ml/training"])] = None
    """The existing role, in this account."""


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
