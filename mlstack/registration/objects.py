"""What ZenML is to hold, and what it holds, in one form that can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlstack.contract import Connector, MLStackOutputs

Kind = Literal["connector", "component", "stack"]

PROJECT_LABEL = "mlstack:project"
ENVIRONMENT_LABEL = "mlstack:environment"
SLOT_LABEL = "mlstack:slot"
"""Which part of the contract an object stands for: its name may change, this does not."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An object that the contract asks for."""

    kind: Kind
    slot: str
    """`s3`, `artifact_store`, `stack`: its place in the contract."""
    name: str
    fixed: Mapping[str, Any]
    """What ZenML cannot change of an object that is in use."""
    content: Mapping[str, Any]
    """What can be changed in place. Other objects are named by their slots."""
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Held(Wanted):
    """An object that ZenML holds."""

    id: str

    def belongs_to(self, project: str, environment: str) -> bool:
        return self.labels.get(PROJECT_LABEL) == project and self.labels.get(ENVIRONMENT_LABEL) == environment


def wanted(contract: MLStackOutputs) -> tuple[Wanted, ...]:
    """In the order in which they have to be made: connectors, components, the stack."""
    connectors = [_connector(contract, slot, connector) for slot, connector in contract.connectors.items()]
    components = [
        Wanted(
            kind="component",
            slot=kind,
            name=component.name,
            fixed={"flavor": component.flavor},
            content={"configuration": component.configuration, "connector": component.connector},
            labels=_labels(contract, kind),
        )
        for kind, component in contract.components.items()
    ]
    stack = Wanted(
        kind="stack",
        slot="stack",
        name=contract.stack.name,
        fixed={},
        content={
            "description": contract.stack.description,
            "components": {kind: [kind] for kind in contract.components},
        },
        labels=_labels(contract, "stack"),
    )
    return (*connectors, *components, stack)


def _connector(contract: MLStackOutputs, slot: str, connector: Connector) -> Wanted:
    return Wanted(
        kind="connector",
        slot=slot,
        name=connector.name,
        fixed={
            "auth_method": connector.auth_method,
            "resource_type": connector.resource_type,
            "resource_id": connector.resource_id,
        },
        content={"configuration": connector.configuration, "expiration_seconds": connector.expiration_seconds},
        labels=_labels(contract, slot),
    )


def _labels(contract: MLStackOutputs, slot: str) -> dict[str, str]:
    return {PROJECT_LABEL: contract.project, ENVIRONMENT_LABEL: contract.environment, SLOT_LABEL: slot}
