"""What ZenML answers, in our form: the objects that it holds, and its errors as one message with a way out."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mlstack.errors import MLStackError
from mlstack.registration.objects import SLOT_LABEL, Held
from mlstack.registration.server import NotAllowedError, ServerError


def held_connector(each: Any) -> Held:
    types = list(each.resource_types)
    return Held(
        id=str(each.id),
        kind="connector",
        slot=each.labels.get(SLOT_LABEL, ""),
        name=each.name,
        fixed={
            "type": each.type,
            "auth_method": each.auth_method,
            "resource_type": types[0] if len(types) == 1 else types,
            "resource_id": each.resource_id,
        },
        content={
            "configuration": {key: value for key, value in _not_secret(each) if value is not None},
            "expiration_seconds": each.expiration_seconds,
        },
        labels=dict(each.labels),
    )


def _not_secret(connector: Any) -> Iterable[tuple[str, Any]]:
    secret = set(connector.configuration.secrets)
    return ((key, value) for key, value in connector.configuration.items() if key not in secret)


def held_component(each: Any, connector_slots: Mapping[str, str]) -> Held:
    """Its configuration as it is stored; `connector_slots` by the id of the connector."""
    connector = str(each.connector.id) if each.connector else None
    return Held(
        id=str(each.id),
        kind="component",
        slot=each.type.value,
        name=each.name,
        fixed={"flavor": each.flavor_name},
        content={
            "configuration": each.configuration,
            "connector": connector and connector_slots.get(connector, f"id {connector}"),
        },
        labels={key: str(value) for key, value in (each.labels or {}).items()},
        links={"connector": (connector,)} if connector else {},
    )


def held_stack(each: Any, ours: Collection[str]) -> Held:
    """`ours`: ids of the components that have a place in a contract. Asking a stack's parts would be a request each."""
    labels = {key: str(value) for key, value in (each.labels or {}).items()}
    composition = {
        kind.value: [part.type.value if str(part.id) in ours else f"id {part.id}" for part in parts]
        for kind, parts in each.components.items()
    }
    return Held(
        id=str(each.id),
        kind="stack",
        slot=labels.get(SLOT_LABEL, ""),
        name=each.name,
        fixed={},
        content={"description": each.description, "components": composition},
        labels=labels,
        links={kind.value: tuple(str(part.id) for part in parts) for kind, parts in each.components.items()},
    )


def explained(error: Exception, url: str, doing: str) -> MLStackError:
    """Raised by class name: the classes themselves are ZenML's, and some are Python's own with a meaning of ZenML's."""
    said = str(error).strip().splitlines()[0] if str(error).strip() else ""
    names = {each.__name__ for each in type(error).__mro__}
    if names & {"AuthorizationException", "CredentialsNotValid"}:
        return ServerError(
            f"{url} refuses the credentials (could not {doing})",
            hint="check ZENML_STORE_API_KEY (of another server? rotated? deactivated?), or `zenml login` again",
        )
    if "IllegalOperationError" in names:
        return NotAllowedError(
            f"{url} does not allow to {doing}: {said}", hint="the account needs create, update and delete on stacks"
        )
    if "EntityExistsError" in names:
        return ServerError(
            f"{url}: could not {doing}: it exists already, made meanwhile by somebody else",
            hint="run the same command again",
        )
    return ServerError(f"{url}: could not {doing}: {type(error).__name__}: {said[:300]}", hint="run it again")
