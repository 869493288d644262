"""What people write into `Pulumi.<environment>.yaml`, typed, and read before any resource is declared."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator
from pydantic.alias_generators import to_camel

from components.limits import (
    AccountId,
    ImageCount,
    InstanceType,
    LifecycleDays,
    LogRetentionDays,
    NamePart,
    Region,
    TagKey,
    TagValue,
)
from components.names import ACCESS, BUILD, EXECUTION, FLOW_LOGS, SCHEDULER, Existing, Names
from components.profiles import PROFILES, Profile
from components.sections import (
    AccessLogsSettings,
    ArtifactStoreSettings,
    BuildProjectSettings,
    ConnectorSettings,
    EncryptionSettings,
    Kept,
    NamesSettings,
    NetworkSettings,
    PullThroughCacheSettings,
    RepositorySettings,
    RoleSettings,
    Section,
)
from components.team_settings import SharingSettings, TeamSettings

NAMESPACE = "mlstack"
"""Of our keys in Pulumi's configuration: the name of the project in Pulumi.yaml."""


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
    pull_through_cache: PullThroughCacheSettings = Field(default_factory=PullThroughCacheSettings)
    """Base images from other registries, kept in ECR with the first pull (docs/images.md)."""
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

    teams: Annotated[list[TeamSettings], Field(max_length=40, examples=[[{"name": "vision"}]])] = Field(
        default_factory=list
    )
    """A stack for each team instead of one for all, apart from each other in AWS (docs/accounts-and-teams.md)."""
    sharing: SharingSettings = Field(default_factory=SharingSettings)
    """What the teams have in common."""

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

    def of(self, team: TeamSettings) -> Self:
        """As that team has them: what it says itself wins, the rest is common."""
        switches = (
            *("orchestrator", "step_operator", "image_builder", "instance_type"),
            *("artifact_store", "repository", "build_project"),
            *("protect", "artifact_store_force_destroy", "container_registry_force_delete"),
        )
        said = {name: value for name in switches if (value := getattr(team, name)) is not None}
        connector = {name: value for name in ("principal", "keys") if (value := getattr(team.connector, name))}
        roles = {name: getattr(team.roles, name) for name in team.roles.model_fields_set}
        return self.model_copy(
            update={
                **self._not_of_what_exists(team),
                **said,
                "stack_name": team.stack_name,
                "connector": self.connector.model_copy(update=connector),
                "roles": self.roles.model_copy(update=roles),
                "tags": {**self.tags, **team.tags},
                "teams": [],
            }
        )

    def _not_of_what_exists(self, team: TeamSettings) -> dict[str, object]:
        """What is common to all teams and would change what one of them brings along."""
        found: dict[str, object] = {}
        if team.artifact_store and team.artifact_store.mode == "existing":
            logs = self.access_logs.model_copy(update={"mode": "off", "bucket": None})
            found |= {"artifact_store_force_destroy": False, "access_logs": logs}
        if team.repository and team.repository.mode == "existing":
            found |= {"container_registry_force_delete": False, "enhanced_scanning": False}
        return found


class Settings(Section):
    """All that the program is told: what the environment is called, AWS's settings and its own."""

    project: str
    environment: NamePart
    aws: AwsSettings
    stack: StackSettings
    team: str | None = None
    """Whose stack these describe, when there are teams."""

    @property
    def stacks(self) -> "tuple[Settings, ...]":
        """One for each stack: of every team, or of the environment itself."""
        teams = self.stack.teams
        if not teams:
            return (self,)
        return tuple(self.model_copy(update={"stack": self.stack.of(team), "team": team.name}) for team in teams)

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
            team=self.team,
            shares_key=self.team is not None and (stack.sharing.key or stack.encryption.mode == "existing"),
            prefix=stack.artifact_store.prefix,
            cache=stack.pull_through_cache.prefix,
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
        parts = (self.stack.name, self.team, self.environment)
        return self.stack.stack_name or "-".join(part for part in parts if part)
