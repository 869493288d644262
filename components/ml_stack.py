"""The whole AWS side of one ZenML stack."""

from dataclasses import dataclass
from typing import Self

from pulumi import ComponentResource, Output, ResourceOptions

from components import access_role, sagemaker
from components.access_role import access_trust, without_repeats
from components.after import after
from components.artifact_store import ArtifactStore, ArtifactStoreArgs
from components.container_registry import ContainerRegistry, ContainerRegistryArgs
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.iam import Statement
from components.image_builder import ImageBuilder, ImageBuilderArgs
from components.names import Names
from components.orchestrator import Orchestrator, OrchestratorArgs
from components.role import Role, RoleArgs
from components.settings import Settings, StackSettings
from components.step_operator import StepOperator, StepOperatorArgs
from mlstack.contract import Component, ComponentType, Connector, ConnectorKey, MLStackOutputs, Stack


@dataclass(frozen=True, kw_only=True)
class MLStackArgs:
    project: str
    """Pulumi project; with the environment the mark of ownership on everything."""
    names: Names
    stack_name: str
    """Name of the ZenML stack."""
    settings: StackSettings

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            project=settings.project,
            names=Names(
                name=settings.stack.name,
                environment=settings.environment,
                account_id=settings.account_id,
                region=settings.aws.region,
            ),
            stack_name=settings.zenml_stack_name,
            settings=settings.stack,
        )

    @property
    def tags(self) -> dict[str, str]:
        return {
            "mlstack:project": self.project,
            "mlstack:environment": self.names.environment,
            **self.settings.tags,
        }


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
    build_project: Output[str | None]
    """CodeBuild project of the image builder, or nothing when it is switched off."""

    def __init__(self, name: str, args: MLStackArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:MLStack", name, {}, opts)
        self._name = name
        self._args = args
        self._settings = args.settings
        self._mine = ResourceOptions(parent=self)
        self._holds_data = ResourceOptions(parent=self, protect=args.settings.protect or None)

        self._key = self._make_key()
        self._store = self._make_store()
        self._registry = self._make_registry()
        self._execution_role = self._make_execution_role()
        self._orchestrator = self._make_orchestrator()
        self._step_operator = self._make_step_operator()
        self._image_builder = self._make_image_builder()
        self._access_role = self._make_access_role()

        self.bucket = after(args.names.bucket, self._store.uri)
        self.repository_url = _or_none(self._registry.repository_url if self._registry else None)
        self.access_role_arn = _or_none(self._access_role.arn if self._access_role else None)
        self.execution_role_arn = _or_none(self._execution_role.arn if self._execution_role else None)
        self.build_project = _or_none(self._image_builder.project_name if self._image_builder else None)
        self.contract = self._contract()
        self.register_outputs(
            {
                "contract": self.contract,
                "bucket": self.bucket,
                "repository_url": self.repository_url,
                "access_role_arn": self.access_role_arn,
                "execution_role_arn": self.execution_role_arn,
                "build_project": self.build_project,
            }
        )

    def _make_key(self) -> EncryptionKey | None:
        if self._settings.encryption.mode != "kms":
            return None
        args = EncryptionKeyArgs(
            names=self._args.names,
            deletion_window_days=self._settings.encryption.deletion_window_days,
            tags=self._args.tags,
        )
        return EncryptionKey(f"{self._name}-encryption", args, self._holds_data)

    def _make_store(self) -> ArtifactStore:
        args = ArtifactStoreArgs(
            names=self._args.names,
            key=self._key,
            noncurrent_version_days=self._settings.noncurrent_version_days,
            force_destroy=self._settings.artifact_store_force_destroy,
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
            force_delete=self._settings.container_registry_force_delete,
            configuration=self._settings.container_registry_config,
            tags=self._args.tags,
        )
        return ContainerRegistry(f"{self._name}-registry", args, self._holds_data)

    def _make_execution_role(self) -> Role | None:
        if self._registry is None or not (self._settings.orchestrator == "sagemaker" or self._settings.step_operator):
            return None
        names = self._args.names
        args = RoleArgs(
            names=names,
            purpose=sagemaker.PURPOSE,
            description="Runs ZenML pipelines and steps on SageMaker",
            trust=sagemaker.execution_trust(names),
            permissions=(
                *sagemaker.execution_permissions(names),
                *self._store.grant_write_output(),
                *self._registry.grant_pull(),
            ),
            tags=self._args.tags,
        )
        return Role(f"{self._name}-execution", args, self._mine)

    def _make_orchestrator(self) -> Orchestrator | None:
        if self._execution_role is None or self._settings.orchestrator != "sagemaker":
            return None
        args = OrchestratorArgs(
            names=self._args.names,
            execution_role_arn=self._execution_role.plain_arn,
            instance_type=self._settings.instance_type,
            configuration=self._settings.orchestrator_config,
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
        )
        return StepOperator(f"{self._name}-step-operator", args, self._mine)

    def _make_image_builder(self) -> ImageBuilder | None:
        if self._registry is None or not self._settings.image_builder:
            return None
        args = ImageBuilderArgs(
            names=self._args.names,
            store=self._store,
            registry=self._registry,
            key=self._key,
            log_retention_days=self._settings.log_retention_days,
            configuration=self._settings.image_builder_config,
            tags=self._args.tags,
        )
        return ImageBuilder(f"{self._name}-image-builder", args, self._mine)

    def _make_access_role(self) -> Role | None:
        if self._settings.connector.principal is None:
            return None
        args = RoleArgs(
            names=self._args.names,
            purpose=access_role.PURPOSE,
            description="What ZenML may do: keep artifacts, run pipelines, build images",
            trust=access_trust(self._settings.connector.principal),
            permissions=self._access_permissions(),
            max_session_seconds=self._settings.connector.session_seconds,
            tags=self._args.tags,
        )
        return Role(f"{self._name}-access", args, self._mine)

    def _access_permissions(self) -> tuple[Statement, ...]:
        needed = [*self._store.grant_read_write()]
        if self._registry:
            needed += self._registry.grant_find()
            needed += () if self._image_builder else self._registry.grant_push()
        if self._execution_role:
            needed.append(sagemaker.grant_pass_execution_role(self._args.names))
        for user in (
            self._orchestrator and self._orchestrator.grant_submit(),
            self._step_operator and self._step_operator.grant_run(),
            self._image_builder and self._image_builder.grant_build(),
        ):
            needed += user or ()
        return without_repeats(needed)

    def _contract(self) -> Output[str]:
        args = self._args
        components = self._zenml_components()
        connectors: dict[ConnectorKey, Connector] = {}
        if self._access_role:
            connectors = access_role.connectors(
                args.stack_name,
                args.names,
                self._settings.connector.session_seconds,
                self._store,
                self._registry,
                pushes=self._image_builder is None,
            )
        else:
            components = {kind: part.model_copy(update={"connector": None}) for kind, part in components.items()}
        outputs = MLStackOutputs(
            project=args.project,
            environment=args.names.environment,
            account_id=args.names.account_id,
            region=args.names.region,
            stack=Stack(
                name=args.stack_name,
                description=f"{args.project}/{args.names.environment} in {args.names.account_id}, {args.names.region}",
            ),
            connectors=connectors,
            components=components,
        )
        return after(outputs.as_json(), *self._existing())

    def _existing(self) -> tuple[Output[str], ...]:
        """What has to be there before ZenML hears of it."""
        needed = [self._store.uri]
        if self._registry:
            needed.append(self._registry.repository_url)
        if self._orchestrator:
            needed.append(self._orchestrator.scheduler_role_arn)
        if self._image_builder:
            needed.append(self._image_builder.project_name)
        needed += [role.arn for role in (self._execution_role, self._access_role) if role]
        return tuple(needed)

    def _zenml_components(self) -> dict[ComponentType, Component]:
        stack_name = self._args.stack_name
        found: dict[ComponentType, Component] = {"artifact_store": self._store.zenml_component(stack_name)}
        if self._registry:
            found["container_registry"] = self._registry.zenml_component(stack_name)
        found["orchestrator"] = (
            self._orchestrator.zenml_component(stack_name)
            if self._orchestrator
            else Component(name=stack_name, flavor="local", configuration={})
        )
        if self._step_operator:
            found["step_operator"] = self._step_operator.zenml_component(stack_name)
        if self._image_builder:
            found["image_builder"] = self._image_builder.zenml_component(stack_name)
        return found


def _or_none(output: Output[str] | None) -> Output[str | None]:
    return Output.from_input(output)
