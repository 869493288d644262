"""The settings of teams: what one may have otherwise, and what all have in common."""

from typing import Annotated, Literal

from pydantic import Field

from components.limits import (
    InstanceType,
    KeyGeneration,
    NamePart,
    PrincipalArn,
    TagKey,
    TagValue,
)
from components.sections import (
    ArtifactStoreSettings,
    BuildProjectSettings,
    RepositorySettings,
    RoleSource,
    Section,
)


class SharingSettings(Section):
    """What the teams of an environment have in common, instead of one each."""

    key: bool = False
    """One KMS key, whose policy lets each team use it for its own bucket only. false: a key each, about 1 USD a
    month."""
    network: bool = False
    """One VPC with one set of endpoints, with network.mode isolated. false: one each."""


class TeamConnectorSettings(Section):
    """Whom a team's access role trusts, where that is not the same for all."""

    principal: Annotated[PrincipalArn | None, Field(examples=["arn:aws:iam::123456789012:role/zenml-server"])] = None
    """With connector.auth implicit: the identity that the team's ZenML server runs as."""
    keys: Annotated[list[KeyGeneration], Field(max_length=2, examples=[[1]])] = Field(default_factory=list)
    """With connector.auth iam-role: generations of the access key of the team's user. `mlstack rotate-key --team`
    counts them up."""


class TeamRoleSettings(Section):
    """Roles of a team that are there already."""

    access: RoleSource = Field(default_factory=RoleSource)
    """The role that ZenML assumes for this team."""
    execution: RoleSource = Field(default_factory=RoleSource)
    """The role that the team's pipelines and jobs run as on SageMaker."""
    scheduler: RoleSource = Field(default_factory=RoleSource)
    """The role that EventBridge Scheduler starts the team's scheduled pipelines with."""
    build: RoleSource = Field(default_factory=RoleSource)
    """The role that CodeBuild builds the team's images as."""


class TeamSettings(Section):
    """A team: a stack of its own, which differs from the others in these settings only; what it does not
    say is as the environment has it.

    What an organisation or an auditor asks of an environment (encryption, network, logs, retention, role paths) is the
    same for all its teams and cannot be set here.
    """

    name: Annotated[NamePart, Field(examples=["vision"])]
    """Part of every name, as is the environment."""
    stack_name: Annotated[str, Field(max_length=200)] = ""
    """Name of the ZenML stack. Empty: `<name>-<team>-<environment>`."""
    connector: TeamConnectorSettings = Field(default_factory=TeamConnectorSettings)
    """Whom the access role trusts, where that is not the same for all."""
    orchestrator: Literal["sagemaker", "local"] | None = None
    """Where pipelines run."""
    step_operator: bool | None = None
    """Lets single steps run as SageMaker training jobs."""
    image_builder: bool | None = None
    """A CodeBuild project that builds pipeline images."""
    instance_type: InstanceType | None = None
    """Default SageMaker instance of steps."""
    artifact_store: ArtifactStoreSettings | None = None
    """The bucket of this team. An existing one writes no access logs of ours and is never emptied."""
    repository: RepositorySettings | None = None
    """The ECR repository of this team. An existing one is scanned as its owner has it, and never emptied."""
    build_project: BuildProjectSettings | None = None
    """The CodeBuild project of this team."""
    roles: TeamRoleSettings = Field(default_factory=TeamRoleSettings)
    """Roles of this team that are there already."""
    protect: bool | None = None
    """Refuse to delete what holds the team's data until this is false: what has to be said before a team can go."""
    artifact_store_force_destroy: bool | None = None
    """Delete the team's artifacts together with its bucket. NOT recoverable."""
    container_registry_force_delete: bool | None = None
    """Delete the team's images together with its repository. NOT recoverable."""
    tags: dict[TagKey, TagValue] = Field(default_factory=dict, max_length=40)
    """AWS tags on everything of the team, beside the environment's."""
