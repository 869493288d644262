"""What ZenML is told of a stack: its components, and the connectors that give them credentials."""

from dataclasses import dataclass

from pulumi import Output

from components import access_role
from components.artifact_store import ArtifactStore
from components.container_registry import ContainerRegistry, grant_push
from components.encryption_key import EncryptionKey
from components.image_builder import ImageBuilder
from components.names import Names
from components.orchestrator import Orchestrator
from components.permissions import Permissions
from components.placement import Placement
from components.pull_through_cache import prefixes
from components.sagemaker import JobSettings
from components.settings import StackSettings
from components.step_operator import StepOperator
from mlstack.contract import Component, ComponentType, Connector, ConnectorKey, MLStackOutputs, Stack


@dataclass(frozen=True, kw_only=True)
class ZenMLParts:
    """The parts of a stack that are components in ZenML too."""

    names: Names
    stack_name: str
    settings: StackSettings
    rights: Permissions
    store: ArtifactStore
    registry: ContainerRegistry | None
    orchestrator: Orchestrator | None
    step_operator: StepOperator | None
    image_builder: ImageBuilder | None

    def contract(
        self, project: str, key: EncryptionKey | None, place: Placement | None, after: tuple[Output[str], ...]
    ) -> Output[str]:
        """MLStackOutputs as JSON. Waits for the names that AWS makes up (key, subnets), and for all of `after`."""
        return Output.all(
            key.arn if key else None,
            place.subnet_ids if place else [],
            place.security_group_ids if place else [],
            *after,
        ).apply(
            lambda known: self._outputs(
                project,
                JobSettings(
                    instance_type=self.settings.instance_type,
                    key_arn=known[0],
                    subnet_ids=tuple(known[1]),
                    security_group_ids=tuple(known[2]),
                ),
            ).as_json()
        )

    def _outputs(self, project: str, jobs: JobSettings) -> MLStackOutputs:
        names = self.names
        whose = "/".join(part for part in (project, names.environment, names.team) if part)
        cached = dict(prefixes(names, self.settings.pull_through_cache.upstreams))
        where = f"{whose} in {names.account_id}, {names.region}"
        return MLStackOutputs(
            schema_version=2 if names.team or cached else 1,
            project=project,
            environment=names.environment,
            team=names.team,
            account_id=names.account_id,
            region=names.region,
            principal=self.rights.principal,
            stack=Stack(name=self.stack_name, description=where),
            connectors=self._connectors(),
            components=self._components(jobs),
            pull_through_cache=cached,
        )

    def _connectors(self) -> dict[ConnectorKey, Connector]:
        """None with `connector.auth: none`."""
        connector = self.settings.connector
        if not connector.has_role:
            return {}
        return access_role.connectors(
            self.stack_name,
            self.names,
            connector.session_seconds,
            encrypted=self.rights.encrypted,
            registry=self.registry is not None,
            pushes=() if self.image_builder else (*grant_push(self.names), *self.rights.cached_bases),
            key_generation=max(connector.key_generations, default=None),
        )

    def _components(self, jobs: JobSettings) -> dict[ComponentType, Component]:
        """A stack without an orchestrator on AWS has the local one: ZenML asks for one."""
        stack_name = self.stack_name
        found: dict[ComponentType, Component] = {"artifact_store": self.store.zenml_component(stack_name)}
        if self.registry:
            found["container_registry"] = self.registry.zenml_component(stack_name)
        found["orchestrator"] = (
            self.orchestrator.zenml_component(stack_name, jobs)
            if self.orchestrator
            else Component(name=stack_name, flavor="local", configuration={})
        )
        if self.step_operator:
            found["step_operator"] = self.step_operator.zenml_component(stack_name, jobs)
        if self.image_builder:
            found["image_builder"] = self.image_builder.zenml_component(stack_name)
        if not self.settings.connector.has_role:
            return {kind: part.model_copy(update={"connector": None}) for kind, part in found.items()}
        return found
