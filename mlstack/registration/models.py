"""Our objects as ZenML's request models, whole: what is left out of an update is reset or disconnected."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from mlstack.registration.objects import Links, Wanted

_CONNECTOR_FIELDS = (
    "name",
    "connector_type",
    "auth_method",
    "resource_types",
    "resource_id",
    "supports_instances",
    "expiration_seconds",
    "configuration",
    "labels",
)


def connector_request(want: Wanted, name: str, connector_type: Any) -> Any:
    from zenml.models import ServiceConnectorRequest

    request = ServiceConnectorRequest(
        name=name,
        connector_type="aws",
        auth_method=want.fixed["auth_method"],
        expiration_seconds=want.content["expiration_seconds"],
        labels=dict(want.labels),
    )
    request.validate_and_configure_resources(
        connector_type=connector_type,
        resource_types=want.fixed["resource_type"],
        resource_id=want.fixed["resource_id"],
        configuration={**want.content["configuration"], **want.secrets},
    )
    return request


def connector_update(want: Wanted, name: str, connector_type: Any) -> Any:
    from zenml.models import ServiceConnectorUpdate

    request = connector_request(want, name, connector_type)
    return ServiceConnectorUpdate(**{key: getattr(request, key) for key in _CONNECTOR_FIELDS})


def component_request(want: Wanted, name: str, links: Links) -> Any:
    from zenml.enums import StackComponentType
    from zenml.models import ComponentRequest

    return ComponentRequest(
        type=StackComponentType(want.slot), flavor=want.fixed["flavor"], **_component(want, name, links)
    )


def component_update(want: Wanted, name: str, links: Links) -> Any:
    from zenml.models import ComponentUpdate

    return ComponentUpdate(**_component(want, name, links))


def stack_request(want: Wanted, name: str, links: Links) -> Any:
    from zenml.models import StackRequest

    return StackRequest(**_stack(want, name, links))


def stack_update(want: Wanted, name: str, links: Links) -> Any:
    from zenml.models import StackUpdate

    return StackUpdate(**_stack(want, name, links))


def _component(want: Wanted, name: str, links: Links) -> Mapping[str, Any]:
    connector = links.get("connector", ())
    return {
        "name": name,
        "configuration": dict(want.content["configuration"]),
        "connector": UUID(connector[0]) if connector else None,
        "labels": dict(want.labels),
    }


def _stack(want: Wanted, name: str, links: Links) -> Mapping[str, Any]:
    from zenml.enums import StackComponentType

    return {
        "name": name,
        "description": want.content["description"],
        "components": {StackComponentType(kind): [UUID(id_) for id_ in ids] for kind, ids in links.items()},
        "labels": dict(want.labels),
    }
