"""What ZenML is to hold, and what it holds, in one form that can be compared."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from mlstack.access_key import AccessKey
from mlstack.contract import Connector, MLStackOutputs

Kind = Literal["connector", "component", "stack"]

PROJECT_LABEL = "mlstack:project"
ENVIRONMENT_LABEL = "mlstack:environment"
ACCOUNT_LABEL = "mlstack:account"
"""Account and region of the AWS side."""
SLOT_LABEL = "mlstack:slot"
"""Which part of the contract an object stands for: its name may change, this does not."""
CONTRACT_LABEL = "mlstack:contract"
"""Hash of what the contract said of the object when it was registered; of the stack, of the whole contract. What
differs although the hash is the same was changed in ZenML."""
KEY_LABEL = "mlstack:key"
"""Id of the access key that a connector was given: ZenML shows neither the secret nor, being one to it, the id."""


Links = Mapping[str, tuple[str, ...]]


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
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The rest of a connector's configuration. In no plan, message or comparison; of what is held, only when read."""


@dataclass(frozen=True, kw_only=True)
class Held(Wanted):
    """An object that ZenML holds."""

    id: str
    links: Links = field(default_factory=dict)
    """Ids of what it refers to: the `connector` of a component, the components of a stack by their type."""

    def belongs_to(self, project: str, environment: str) -> bool:
        return self.labels.get(PROJECT_LABEL) == project and self.labels.get(ENVIRONMENT_LABEL) == environment

    @property
    def owner(self) -> str | None:
        """`environment of project`, when one of ours made it."""
        if PROJECT_LABEL not in self.labels:
            return None
        return f"{self.labels.get(ENVIRONMENT_LABEL)} of {self.labels[PROJECT_LABEL]}"


def what(each: Wanted) -> str:
    """What people call it: `artifact store`, `connector`."""
    return each.slot.replace("_", " ") if each.kind == "component" else each.kind


def links_of(want: Wanted, ids: Mapping[tuple[str, str], str]) -> Links:
    """Ids of what the contract lets it refer to; `ids` by kind and slot."""
    if want.kind == "component" and want.content["connector"]:
        return {"connector": (ids["connector", want.content["connector"]],)}
    if want.kind == "stack":
        return {
            kind: tuple(ids["component", slot] for slot in slots) for kind, slots in want.content["components"].items()
        }
    return {}


def wanted(contract: MLStackOutputs, key: AccessKey | None = None) -> tuple[Wanted, ...]:
    """In the order in which they have to be made: connectors, components, the stack. `key`: what connectors get."""
    connectors = [_connector(contract, slot, connector, key) for slot, connector in contract.connectors.items()]
    components = [
        Wanted(
            kind="component",
            slot=kind,
            name=component.name,
            fixed={"flavor": component.flavor},
            content={"configuration": component.configuration, "connector": component.connector},
            labels=_labels(contract, kind, component),
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
        labels=_labels(contract, "stack", contract),
    )
    return (*connectors, *components, stack)


def _connector(contract: MLStackOutputs, slot: str, connector: Connector, key: AccessKey | None) -> Wanted:
    labels = _labels(contract, slot, connector)
    secrets = {}
    if key is not None and connector.key_generation is not None:
        labels[KEY_LABEL] = key.access_key_id
        secrets = {
            "aws_access_key_id": key.access_key_id,
            "aws_secret_access_key": key.secret_access_key.get_secret_value(),
        }
    return Wanted(
        kind="connector",
        slot=slot,
        name=connector.name,
        fixed={
            "type": "aws",
            "auth_method": connector.auth_method,
            "resource_type": connector.resource_type,
            "resource_id": connector.resource_id,
        },
        content={"configuration": connector.configuration, "expiration_seconds": connector.expiration_seconds},
        labels=labels,
        secrets=secrets,
    )


def _labels(contract: MLStackOutputs, slot: str, said: BaseModel) -> dict[str, str]:
    text = json.dumps(said.model_dump(mode="json"), sort_keys=True)
    return {
        PROJECT_LABEL: contract.project,
        ENVIRONMENT_LABEL: contract.place,
        ACCOUNT_LABEL: f"{contract.account_id} in {contract.region}",
        SLOT_LABEL: slot,
        CONTRACT_LABEL: hashlib.sha256(text.encode()).hexdigest()[:16],
    }
