"""The whole AWS side of one ZenML stack."""

from dataclasses import dataclass
from typing import Self

from pulumi import ComponentResource, Output, ResourceOptions

from components import server_user
from components.access_logs import AccessLogs, AccessLogsArgs
from components.after import after
from components.artifact_store import ArtifactStore, ArtifactStoreArgs
from components.container_registry import ContainerRegistry, ContainerRegistryArgs
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.image_builder import ImageBuilder, ImageBuilderArgs
from components.names import ACCESS, BUILD, EXECUTION, Names
from components.network import Network, NetworkArgs
from components.orchestrator import Orchestrator, OrchestratorArgs
from components.permissions import Permissions
from components.placement import Placement, in_existing
from components.pull_through_cache import PullThroughCache, PullThroughCacheArgs
from components.role import Role, RoleArgs
from components.server_user import ServerUser, ServerUserArgs
from components.settings import Settings, StackSettings
from components.step_operator import StepOperator, StepOperatorArgs
from components.zenml_parts import ZenMLParts


@dataclass(frozen=True, kw_only=True)
class MLStackArgs:
    project: str
    """Pulumi project; with the environment the mark of ownership on everything."""
    names: Names
    stack_name: str
    """Name of the ZenML stack."""
    settings: StackSettings
    key: EncryptionKey | None = None
    """Shared with other teams, instead of one of its own."""
    network: Network | None = None
    """The same for the VPC of an isolated network."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            project=settings.project,
            names=settings.names,
            stack_name=settings.zenml_stack_name,
            settings=settings.stack,
        )

    @property
    def rights(self) -> Permissions:
        """Who may do what. Nothing of AWS is asked for it."""
        connector = self.settings.connector
        user = self.names.user_arn(server_user.PURPOSE) if connector.auth == "iam-role" else None
        return Permissions(
            names=self.names, settings=self.settings, tags=self.tags, principal=user or connector.principal
        )

    @property
    def tags(self) -> dict[str, str]:
        return {
            "mlstack:project": self.project,
            "mlstack:environment": self.names.environment,
            **self.settings.tags,
            **({"mlstack:team": self.names.team} if self.names.team else {}),
        }

    def network_args(self, key: EncryptionKey | None) -> NetworkArgs:
        """Of an isolated network."""
        network, names = self.settings.network, self.names
        return NetworkArgs(
            names=names,
            cidr=network.cidr,
            zones=tuple(network.zones or (f"{names.region}a", f"{names.region}b")),
            key=key,
            pulls_through=bool(self.settings.pull_through_cache.upstreams),
            log_retention_days=self.settings.log_retention_days,
            permissions_boundary=self.settings.roles.permissions_boundary,
            tags=self.tags,
        )

    def cache_args(self) -> PullThroughCacheArgs | None:
        """Of base images; None when they come from where they are."""
        upstreams = tuple(self.settings.pull_through_cache.upstreams)
        if not upstreams:
            return None
        return PullThroughCacheArgs(names=self.names, upstreams=upstreams, image_count=self.settings.tagged_image_count)


class MLStack(ComponentResource):
    """A ZenML stack on AWS: where artifacts and images are kept, pipelines run and images are built, and the roles."""

    contract: Output[str]
    """MLStackOutputs as JSON, all that `mlstack register` reads. Text: the engine drops nulls from structures."""
    bucket: Output[str]
    """Name of the artifact store's bucket."""
    repository_url: Output[str | None]
    """Of the container registry, or nothing when it is switched off."""
    access_role_arn: Output[str | None]
    """The role that ZenML's server assumes, or nothing with `connector.auth: none`."""
    execution_role_arn: Output[str | None]
    """The role of SageMaker pipelines and jobs, or nothing when nothing runs on SageMaker."""
    connector_key: Output[str | None]
    """AccessKey as JSON, secret; nothing unless `connector.auth` is iam-role."""
    build_project: Output[str | None]
    """CodeBuild project of the image builder, or nothing when it is switched off."""

    def __init__(self, name: str, args: MLStackArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:MLStack", name, {}, opts)
        self._name = name
        self._args = args
        self._settings = args.settings
        self._rights = args.rights
        self._roles = self._rights.roles()
        self._keep = frozenset(args.settings.keep)
        self._mine = ResourceOptions(parent=self)
        self._holds_data = ResourceOptions(parent=self, protect=args.settings.protect or None)

        self._key = self._make_key()
        self._network = self._make_network()
        self._placement = self._make_placement()
        self._access_logs = self._make_access_logs()
        self._store = self._make_store()
        self._registry = self._make_registry()
        self._make_cache()
        self._execution_role = self._make_execution_role()
        self._orchestrator = self._make_orchestrator()
        self._step_operator = self._make_step_operator()
        self._image_builder = self._make_image_builder()
        self._server_user = self._make_server_user()
        self._access_role = self._make_access_role()

        self.bucket = after(args.names.bucket, self._store.uri)
        self.repository_url = _or_none(self._registry.repository_url if self._registry else None)
        self.access_role_arn = _or_none(self._access_role.arn if self._access_role else None)
        self.execution_role_arn = _or_none(self._execution_role.arn if self._execution_role else None)
        self.connector_key = _or_none(self._server_user.key if self._server_user else None)
        self.build_project = _or_none(self._image_builder.project_name if self._image_builder else None)
        self.contract = self._contract()
        self.register_outputs(
            {
                "contract": self.contract,
                "bucket": self.bucket,
                "repository_url": self.repository_url,
                "access_role_arn": self.access_role_arn,
                "execution_role_arn": self.execution_role_arn,
                "connector_key": self.connector_key,
                "build_project": self.build_project,
            }
        )

    def _make_key(self) -> EncryptionKey | None:
        if not self._rights.encrypted or self._args.key:
            return self._args.key
        args = EncryptionKeyArgs(
            names=self._args.names,
            policy=self._rights.key,
            deletion_window_days=self._settings.encryption.deletion_window_days,
            tags=self._args.tags,
        )
        return EncryptionKey(f"{self._name}-encryption", args, self._holds_data)

    def _make_network(self) -> Network | None:
        if self._settings.network.mode != "isolated" or self._args.network:
            return self._args.network
        return Network(f"{self._name}-network", self._args.network_args(self._key), self._mine)

    def _make_placement(self) -> Placement | None:
        if self._network:
            return self._network.placement
        args = self._args
        return in_existing(f"{self._name}-jobs", args.names, self._settings.network, args.tags, self._mine)

    def _make_access_logs(self) -> AccessLogs | None:
        logs = self._settings.access_logs
        if logs.mode == "off":
            return None
        args = AccessLogsArgs(
            names=self._args.names,
            bucket=logs.bucket,
            retention_days=logs.retention_days,
            force_destroy=self._settings.artifact_store_force_destroy,
            tags=self._args.tags,
        )
        return AccessLogs(f"{self._name}-access-logs", args, self._holds_data)

    def _make_store(self) -> ArtifactStore:
        args = ArtifactStoreArgs(
            names=self._args.names,
            key=self._key,
            access_logs=self._access_logs,
            noncurrent_version_days=self._settings.noncurrent_version_days,
            force_destroy=self._settings.artifact_store_force_destroy,
            keep=self._keep,
            configuration=self._settings.artifact_store_config,
            tags=self._args.tags,
        )
        return ArtifactStore(f"{self._name}-artifacts", args, self._holds_data)

    def _make_registry(self) -> ContainerRegistry | None:
        if not self._settings.container_registry:
            return None
        args = ContainerRegistryArgs(
            names=self._args.names,
            key=self._key,
            untagged_image_days=self._settings.untagged_image_days,
            tagged_image_count=self._settings.tagged_image_count,
            # Of the account's whole registry: with teams it is declared once for all.
            enhanced_scanning=self._settings.enhanced_scanning and not self._args.names.team,
            force_delete=self._settings.container_registry_force_delete,
            keep=self._keep,
            configuration=self._settings.container_registry_config,
            tags=self._args.tags,
        )
        return ContainerRegistry(f"{self._name}-registry", args, self._holds_data)

    def _make_cache(self) -> None:
        # A rule is of the account's whole registry: with teams it is declared once for all.
        if (args := self._args.cache_args()) and not self._args.names.team:
            PullThroughCache(f"{self._name}-base-images", args, self._mine)

    def _make_execution_role(self) -> Role | None:
        return self._make_role("execution", EXECUTION, "Runs ZenML pipelines and steps on SageMaker", self._mine)

    def _make_role(self, name: str, purpose: str, what: str, opts: ResourceOptions, session: int = 3600) -> Role | None:
        rights = self._roles.get(purpose)
        if rights is None:
            return None
        args = RoleArgs(
            names=self._args.names,
            purpose=purpose,
            description=what,
            trust=rights.trust,
            permissions=rights.permissions,
            max_session_seconds=session,
            permissions_boundary=self._settings.roles.permissions_boundary,
            exclusive=self._settings.roles.exclusive,
            keeps_trust="trust" in self._keep,
            tags=self._args.tags,
        )
        return Role(f"{self._name}-{name}", args, opts)

    def _make_orchestrator(self) -> Orchestrator | None:
        if self._execution_role is None or self._settings.orchestrator != "sagemaker":
            return None
        args = OrchestratorArgs(
            names=self._args.names,
            execution_role_arn=self._execution_role.plain_arn,
            instance_type=self._settings.instance_type,
            configuration=self._settings.orchestrator_config,
            jobs_carry=self._rights.carried,
            permissions_boundary=self._settings.roles.permissions_boundary,
            exclusive_roles=self._settings.roles.exclusive,
            tags=self._args.tags,
        )
        return Orchestrator(f"{self._name}-orchestrator", args, self._mine)

    def _make_step_operator(self) -> StepOperator | None:
        if self._execution_role is None or not self._settings.step_operator:
            return None
        args = StepOperatorArgs(
            names=self._args.names,
            execution_role_arn=self._execution_role.plain_arn,
            instance_type=self._settings.instance_type,
            configuration=self._settings.step_operator_config,
            job_tags=self._rights.carried,
        )
        return StepOperator(f"{self._name}-step-operator", args, self._mine)

    def _make_image_builder(self) -> ImageBuilder | None:
        if self._registry is None or not self._settings.image_builder:
            return None
        args = ImageBuilderArgs(
            names=self._args.names,
            permissions=self._roles[BUILD].permissions,
            key=self._key,
            log_retention_days=self._settings.log_retention_days,
            placement=self._placement,
            permissions_boundary=self._settings.roles.permissions_boundary,
            exclusive_roles=self._settings.roles.exclusive,
            keep=self._keep,
            configuration=self._settings.image_builder_config,
            tags=self._args.tags,
        )
        return ImageBuilder(f"{self._name}-image-builder", args, self._mine)

    def _make_access_role(self) -> Role | None:
        # AWS refuses to trust a user that does not exist.
        after_user = ResourceOptions(depends_on=[self._server_user] if self._server_user else [])
        return self._make_role(
            "access",
            ACCESS,
            "What ZenML may do: keep artifacts, run pipelines, build images",
            ResourceOptions.merge(self._mine, after_user),
            self._settings.connector.session_seconds,
        )

    def _make_server_user(self) -> ServerUser | None:
        if not self._settings.connector.key_generations:
            return None
        args = ServerUserArgs(
            names=self._args.names,
            role_arn=self._args.names.role_arn(ACCESS),
            key_generations=self._settings.connector.key_generations,
            permissions_boundary=self._settings.roles.permissions_boundary,
            exclusive=self._settings.roles.exclusive,
            tags=self._args.tags,
        )
        return ServerUser(f"{self._name}-zenml", args, self._mine)

    def _contract(self) -> Output[str]:
        args = self._args
        parts = ZenMLParts(
            names=args.names,
            stack_name=args.stack_name,
            settings=self._settings,
            rights=self._rights,
            store=self._store,
            registry=self._registry,
            orchestrator=self._orchestrator,
            step_operator=self._step_operator,
            image_builder=self._image_builder,
        )
        return parts.contract(args.project, self._key, self._placement, after=self._existing())

    def _existing(self) -> tuple[Output[str], ...]:
        """What has to be there before ZenML hears of it."""
        needed = [self._store.uri]
        if self._registry:
            needed.append(self._registry.repository_url)
        if self._orchestrator:
            needed.append(self._orchestrator.scheduler_role_arn)
        if self._image_builder:
            needed.append(self._image_builder.project_name)
        needed += [each.arn for each in (self._execution_role, self._access_role, self._server_user) if each]
        return tuple(needed)


def _or_none(output: Output[str] | None) -> Output[str | None]:
    return Output.from_input(output)
