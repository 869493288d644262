"""What ZenML is told of a stack: its components, and the connectors that give them credentials."""

from dataclasses import dataclass

from components import access_role
from components.artifact_store import ArtifactStore
from components.container_registry import ContainerRegistry
from components.image_builder import ImageBuilder
from components.names import Names
from components.orchestrator import Orchestrator
from components.sagemaker import JobSettings
from components.settings import ConnectorSettings
from components.step_operator import StepOperator
from mlstack.contract import Component, ComponentType, Connector, ConnectorKey


@dataclass(frozen=True, kw_only=True)
class ZenMLParts:
    """The parts of a stack that are components in ZenML too."""

    store: ArtifactStore
    registry: ContainerRegistry | None
    orchestrator: Orchestrator | None
    step_operator: StepOperator | None
    image_builder: ImageBuilder | None
    connector: ConnectorSettings
    encrypted: bool
    """Whether artifacts are encrypted by a key of their own."""

    def connectors(self, stack_name: str, names: Names) -> dict[ConnectorKey, Connector]:
        """None with `connector.auth: none`."""
        if not self.connector.has_role:
            return {}
        return access_role.connectors(
            stack_name,
            names,
            self.connector.session_seconds,
            encrypted=self.encrypted,
            registry=self.registry is not None,
            pushes=self.image_builder is None,
            key_generation=max(self.connector.key_generations, default=None),
        )

    def components(self, stack_name: str, jobs: JobSettings) -> dict[ComponentType, Component]:
        """A stack without an orchestrator on AWS has the local one: ZenML asks for one."""
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
        if not self.connector.has_role:
            return {kind: part.model_copy(update={"connector": None}) for kind, part in found.items()}
        return found
