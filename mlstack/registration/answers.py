"""What ZenML answers, in our form: the objects that it holds, and its errors as one message with a way out."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mlstack.errors import MLStackError
from mlstack.registration.objects import SLOT_LABEL, Held
from mlstack.registration.server import NotAllowedError, Server, ServerError


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


def explained(error: Exception, server: Server, doing: str) -> MLStackError:
    """One message that names the server, what was being done and the way out.

    Told apart by class name: the classes themselves are ZenML's, and some are Python's own with a meaning of ZenML's.
    """
    lines = str(error).strip().splitlines()
    # ZenML's client wraps whatever its very first request ends with.
    said = lines[0].removeprefix(f"Error connecting to URL '{server.url}': ").strip("'\"")[:_SAID] if lines else ""
    names = {each.__name__ for each in type(error).__mro__}
    could_not = f"{server.url}: could not {doing}"
    if names & {"AuthorizationException", "CredentialsNotValid"}:
        return ServerError(
            f"{server.url} refuses the credentials (could not {doing})",
            hint="check ZENML_STORE_API_KEY (of another server? rotated? deactivated?), or `zenml login` again",
        )
    if "IllegalOperationError" in names:
        return NotAllowedError(
            f"{server.url} does not allow to {doing}: {said}",
            hint="the account needs create, update and delete on stacks, components and service connectors",
        )
    if "EntityExistsError" in names:
        return ServerError(
            f"{could_not}: it exists already, made meanwhile by somebody else", hint="run the same command again"
        )
    if "Timeout" in names:
        return ServerError(
            f"{could_not}: it did not answer in time",
            hint="run the same command again; ZENML_STORE_HTTP_TIMEOUT gives it more seconds",
        )
    if "RequestException" in names:
        return ServerError(f"{could_not}: {type(error).__name__}", hint="run the same command again")
    if "NotImplementedError" in names:
        return ServerError(
            f"{could_not}: the server lacks what that needs: {said}",
            hint="install ZenML's aws integration on it (its image, or `pip install 'zenml[connectors-aws]'`)",
        )
    if "KeyError" in names:
        return ServerError(
            f"{could_not}: it does not know that, or not any more: {said}",
            hint="somebody else may have removed it: run the same command again",
        )
    if "Expected json" in said or said.startswith("<"):
        return ServerError(
            f"{could_not}: it answers with a page instead of JSON",
            hint="something else may stand in between (a proxy, a page to log in): check ZENML_STORE_URL",
        )
    if "ValueError" in names or said.startswith("{"):
        return ServerError(
            f"{could_not}: it refuses what ZenML's client sent: {said}",
            hint=f"the server has ZenML {server.version}: use a client of that version, or upgrade the server",
        )
    return ServerError(
        f"{could_not}: it failed with {type(error).__name__}: {said}",
        hint="the server's log says more; run the same command again",
    )


_SAID = 300
"""Characters of a server's own words that are passed on."""
