"""The only place that imports ZenML, and only when it is called: importing it takes seconds.

Works on `Client().zen_store` with full-replacement models. The client's own `update_*` methods merge: an explicit null
would be lost, and a component would be disconnected or keep what it should lose.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any
from uuid import UUID

from mlstack.errors import MLStackError, UsageError, nearest
from mlstack.registration.objects import SLOT_LABEL, Held, Wanted
from mlstack.registration.server import Server, ServerError

_PAGE = 1000
Ids = Mapping[tuple[str, str], str]
"""(kind, slot) to id of what exists by now."""


class ZenML:
    """A ZenML server as the place where objects are listed, made, changed and removed."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @cached_property
    def _store(self) -> Any:
        with self.speaking("log in"):
            from zenml.client import Client

            return Client().zen_store

    def snapshot(self) -> tuple[Held, ...]:
        """Every connector, component and stack of the server's project, ours and others'."""
        with self.speaking("list what it holds"):
            from zenml.models import ComponentFilter, ServiceConnectorFilter, StackFilter

            connectors = self._all(self._store.list_service_connectors, ServiceConnectorFilter)
            components = self._all(self._store.list_stack_components, ComponentFilter)
            stacks = self._all(self._store.list_stacks, StackFilter)
        slots = {str(each.id): each.labels.get(SLOT_LABEL, f"id {each.id}") for each in connectors}
        held = [_held_connector(each) for each in connectors]
        held += [self._held_component(each, slots) for each in components]
        held += [_held_stack(each) for each in stacks]
        return tuple(held)

    def normalised(self, want: Wanted) -> Wanted:
        """A component's configuration as its flavor's own class writes it. Raises UsageError for what that refuses."""
        if want.kind != "component":
            return want
        configuration = self._normalise(want.slot, want.fixed["flavor"], want.content["configuration"], want.name)
        return replace(want, content={**want.content, "configuration": configuration})

    def warm_up(self) -> None:
        """What the first request needs, so that several threads can go on from there."""
        _ = self._aws_connector_type

    def verify(self, want: Wanted) -> None:
        """Let the server try the connector. Raises ZenML's own AuthorizationException; nothing is written."""
        from zenml.exceptions import AuthorizationException

        found = self._store.verify_service_connector_config(self._connector_request(want), list_resources=False)
        if found.error:
            raise AuthorizationException(found.error)
        failed = [each.error for each in found.resources if each.error]
        if failed:
            raise AuthorizationException(failed[0])

    def create(self, want: Wanted, name: str, ids: Ids) -> str:
        """Make the object under `name`; its id."""
        with self.speaking(f"create {want.kind} {name}"):
            if want.kind == "connector":
                made = self._store.create_service_connector(self._connector_request(replace(want, name=name)))
            elif want.kind == "component":
                made = self._store.create_stack_component(self._component_request(want, name, ids))
            else:
                made = self._store.create_stack(self._stack_request(want, name, ids))
        return str(made.id)

    def update(self, id_: str, want: Wanted, ids: Ids) -> None:
        """Give the object name, labels and content of `want`, whole."""
        from zenml.models import ComponentUpdate, ServiceConnectorUpdate, StackUpdate

        with self.speaking(f"update {want.kind} {want.name}"):
            if want.kind == "connector":
                # Everything: what is left out of this model is reset.
                request = self._connector_request(want)
                update = ServiceConnectorUpdate(**{key: getattr(request, key) for key in _CONNECTOR_FIELDS})
                self._store.update_service_connector(UUID(id_), update)
            elif want.kind == "component":
                component = self._component_request(want, want.name, ids)
                fields = {key: getattr(component, key) for key in ("name", "configuration", "labels", "connector")}
                self._store.update_stack_component(UUID(id_), ComponentUpdate(**fields))
            else:
                stack = self._stack_request(want, want.name, ids)
                fields = {key: getattr(stack, key) for key in ("name", "description", "labels", "components")}
                self._store.update_stack(UUID(id_), StackUpdate(**fields))

    def remove(self, kind: str, id_: str, name: str) -> None:
        """What is gone already is no error."""
        removers = {
            "stack": self._store.delete_stack,
            "component": self._store.delete_stack_component,
            "connector": self._store.delete_service_connector,
        }
        with self.speaking(f"remove {kind} {name}"):
            try:
                removers[kind](UUID(id_))
            except KeyError:
                return

    @contextmanager
    def speaking(self, doing: str) -> Iterator[None]:
        """Turns what the server or ZenML's client say into one message that names the server and the way out."""
        import requests

        try:
            yield
        except MLStackError:
            raise
        except requests.exceptions.RequestException as error:
            raise ServerError(
                f"{self.server.url}: could not {doing}: {type(error).__name__}", hint="run the same command again"
            ) from None
        except Exception as error:
            raise _explained(error, self.server.url, doing) from None

    def _all(self, lister: Any, filter_class: Any) -> list[Any]:
        found: list[Any] = []
        page = 1
        while True:
            answer = lister(filter_class(page=page, size=_PAGE), hydrate=True)
            found += answer.items
            if page >= answer.total_pages:
                return found
            page += 1

    @cached_property
    def _flavors(self) -> dict[tuple[str, str], Any]:
        from zenml.models import FlavorFilter

        with self.speaking("list its flavors"):
            return {(each.type.value, each.name): each for each in self._all(self._store.list_flavors, FlavorFilter)}

    def _normalise(self, slot: str, flavor: str, configuration: Mapping[str, Any], name: str) -> dict[str, Any]:
        from pydantic import ValidationError
        from zenml.stack.flavor import Flavor

        model = self._flavors.get((slot, flavor))
        if model is None:
            raise ServerError(
                f"{self.server.url} (ZenML {self.server.version}) has no {slot} flavor {flavor!r}",
                hint="upgrade the server, or choose what it has in the settings of the stack",
            )
        config_class = Flavor.from_model(model).config_class
        for key in configuration:
            if key not in config_class.model_fields:
                raise UsageError(
                    f"{slot} {name}: ZenML would ignore {key!r}{nearest(key, config_class.model_fields)}",
                    hint="change it in Pulumi.<environment>.yaml and run `pulumi up`",
                )
        try:
            written: dict[str, Any] = config_class(**configuration).model_dump(mode="json", exclude_unset=True)
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise UsageError(f"{slot} {name}: ZenML refuses the configuration: {said}") from None
        return written

    def _held_component(self, each: Any, connector_slots: Mapping[str, str]) -> Held:
        kind, flavor = each.type.value, each.flavor_name
        labels = {key: str(value) for key, value in (each.labels or {}).items()}
        configuration = each.configuration
        if SLOT_LABEL in labels and (kind, flavor) in self._flavors:
            configuration = self._tolerantly_normalised(kind, flavor, configuration)
        connector = str(each.connector.id) if each.connector else None
        return Held(
            id=str(each.id),
            kind="component",
            slot=kind,
            name=each.name,
            fixed={"flavor": flavor},
            content={
                "configuration": configuration,
                "connector": connector and connector_slots.get(connector, f"id {connector}"),
            },
            labels=labels,
        )

    def _tolerantly_normalised(self, kind: str, flavor: str, configuration: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self._normalise(kind, flavor, configuration, "")
        except MLStackError:
            # Changed by hand into something that ZenML would not take today: it differs, which is all that matters.
            return configuration

    @cached_property
    def _aws_connector_type(self) -> Any:
        with self.speaking("ask for its AWS connector"):
            found = self._store.get_service_connector_type("aws")
        if not found.remote:
            raise ServerError(
                f"{self.server.url} has no AWS service connector: the aws integration is not installed there",
                hint="install `zenml[connectors-aws]` on the server, or set mlstack:connector.auth to none",
            )
        return found

    def _connector_request(self, want: Wanted) -> Any:
        from zenml.models import ServiceConnectorRequest

        request = ServiceConnectorRequest(
            name=want.name,
            connector_type="aws",
            auth_method=want.fixed["auth_method"],
            expiration_seconds=want.content["expiration_seconds"],
            labels=dict(want.labels),
        )
        request.validate_and_configure_resources(
            connector_type=self._aws_connector_type,
            resource_types=want.fixed["resource_type"],
            resource_id=want.fixed["resource_id"],
            configuration=dict(want.content["configuration"]),
        )
        return request

    def _component_request(self, want: Wanted, name: str, ids: Ids) -> Any:
        from zenml.enums import StackComponentType
        from zenml.models import ComponentRequest

        connector = want.content["connector"]
        return ComponentRequest(
            name=name,
            type=StackComponentType(want.slot),
            flavor=want.fixed["flavor"],
            configuration=dict(want.content["configuration"]),
            # Left out it would be disconnected.
            connector=UUID(ids["connector", connector]) if connector else None,
            labels=dict(want.labels),
        )

    def _stack_request(self, want: Wanted, name: str, ids: Ids) -> Any:
        from zenml.enums import StackComponentType
        from zenml.models import StackRequest

        composition = {
            StackComponentType(kind): [UUID(ids["component", slot]) for slot in slots]
            for kind, slots in want.content["components"].items()
        }
        return StackRequest(
            name=name, description=want.content["description"], components=composition, labels=dict(want.labels)
        )


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


def _held_connector(each: Any) -> Held:
    types = list(each.resource_types)
    return Held(
        id=str(each.id),
        kind="connector",
        slot=each.labels.get(SLOT_LABEL, ""),
        name=each.name,
        fixed={
            "auth_method": each.auth_method,
            "resource_type": types[0] if len(types) == 1 else types,
            "resource_id": each.resource_id,
        },
        content={
            "configuration": {key: value for key, value in each.configuration.items() if value is not None},
            "expiration_seconds": each.expiration_seconds,
        },
        labels=dict(each.labels),
    )


def _held_stack(each: Any) -> Held:
    labels = {key: str(value) for key, value in (each.labels or {}).items()}
    composition = {
        kind.value: [part.type.value if SLOT_LABEL in (part.labels or {}) else f"id {part.id}" for part in parts]
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
    )


def _explained(error: Exception, url: str, doing: str) -> MLStackError:
    """Raised by class name: the classes themselves are ZenML's, and some are Python's own with a meaning of ZenML's."""
    said = str(error).strip().splitlines()[0] if str(error).strip() else ""
    names = {each.__name__ for each in type(error).__mro__}
    if names & {"AuthorizationException", "CredentialsNotValid"}:
        return ServerError(
            f"{url} refuses the credentials (could not {doing})",
            hint="check ZENML_STORE_API_KEY (of another server? rotated? deactivated?), or `zenml login` again",
        )
    if "IllegalOperationError" in names:
        return ServerError(
            f"{url} does not allow to {doing}: {said}", hint="the account needs create, update and delete on stacks"
        )
    if "EntityExistsError" in names:
        return ServerError(
            f"{url}: could not {doing}: it exists already, made meanwhile by somebody else",
            hint="run the same command again",
        )
    return ServerError(f"{url}: could not {doing}: {type(error).__name__}: {said[:300]}", hint="run it again")
