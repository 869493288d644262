"""The only place that imports ZenML, and only when it is called: importing it takes seconds.

Works on ZenML's store with full-replacement models. Its client's own `update_*` methods merge: an explicit null
would be lost, and a component would be disconnected or keep what it should lose.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from mlstack.errors import MLStackError, UsageError, nearest
from mlstack.registration import models
from mlstack.registration.answers import explained, held_component, held_connector, held_stack
from mlstack.registration.objects import SLOT_LABEL, Held, Links, Wanted, what
from mlstack.registration.server import Server, ServerError

_PAGE = 1000


@dataclass(frozen=True)
class Tag:
    id: str
    changed: str
    """When, by the server's clock."""


def _import_what_connectors_need() -> None:
    """ZenML imports the clients of AWS and of Kubernetes when it sees the first service connector."""
    # What is wrong with them is said when they are needed.
    with suppress(Exception):
        from zenml.service_connectors.service_connector_registry import service_connector_registry

        service_connector_registry.register_builtin_service_connectors()


class ZenML:
    """A ZenML server as the place where objects are listed, made, changed and removed."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @cached_property
    def _store(self) -> Any:
        with self.speaking("log in"):
            from zenml.config.global_config import GlobalConfiguration
            from zenml.zen_stores.base_zen_store import BaseZenStore

            # Not `Client()`, which asks for an active project and an active stack first: nothing here has either.
            return BaseZenStore.create_store(GlobalConfiguration().store_configuration, skip_default_registrations=True)

    @property
    def flavors(self) -> frozenset[tuple[str, str]]:
        """Type and name of each that the server knows."""
        return frozenset(self._flavors)

    def snapshot(self) -> tuple[Held, ...]:
        """Every connector, component and stack of the server's project, ours and others'."""
        with self.speaking("list what it holds"):
            from zenml.models import ComponentFilter, ServiceConnectorFilter, StackFilter

            store = self._store
            # The server takes most of a second to check an API key, which the first request waits for.
            importing = threading.Thread(target=_import_what_connectors_need, daemon=True)
            importing.start()
            components = self._all(store.list_stack_components, ComponentFilter)
            stacks = self._all(store.list_stacks, StackFilter)
            importing.join()
            connectors = self._all(store.list_service_connectors, ServiceConnectorFilter)
        ours = {str(each.id) for each in components if SLOT_LABEL in (each.labels or {})}
        slots = {str(each.id): each.labels.get(SLOT_LABEL, f"id {each.id}") for each in connectors}
        return (
            *(held_connector(each) for each in connectors),
            *(held_component(each, slots) for each in components),
            *(held_stack(each, ours) for each in stacks),
        )

    def normalised(self, want: Wanted) -> Wanted:
        """A component's configuration as its flavor's own class writes it. Raises UsageError for what that refuses."""
        if want.kind != "component":
            return want
        configuration = self._normalise(want.slot, want.fixed["flavor"], want.content["configuration"], want.name)
        return replace(want, content={**want.content, "configuration": configuration})

    def comparable(self, held: Held) -> Held:
        """The same for what is held, as far as its flavor still takes it."""
        if held.kind != "component" or (held.slot, held.fixed["flavor"]) not in self._flavors:
            return held
        try:
            normal = self.normalised(held)
        except MLStackError:
            # Changed by hand into something that ZenML would not take today: it differs, which is all that matters.
            return held
        return replace(held, content=normal.content)

    def warm_up(self) -> None:
        """What the first request needs, so that several threads can go on from there."""
        _ = self._aws_connector_type

    def verify(self, want: Wanted) -> None:
        """Let the server try the connector. Raises ZenML's own AuthorizationException; nothing is written."""
        from zenml.exceptions import AuthorizationException

        request = models.connector_request(want, want.name, self._aws_connector_type)
        found = self._store.verify_service_connector_config(request, list_resources=False)
        if found.error:
            raise AuthorizationException(found.error)
        failed = [each.error for each in found.resources if each.error]
        if failed:
            raise AuthorizationException(failed[0])

    def verify_stored(self, held: Held) -> None:
        """Let the server try a connector as it has it, with the secrets that it keeps."""
        from zenml.exceptions import AuthorizationException

        found = self._store.verify_service_connector(UUID(held.id), list_resources=False)
        failed = [error for error in (found.error, *(each.error for each in found.resources)) if error]
        if failed:
            raise AuthorizationException(failed[0])

    def with_secrets(self, held: Held) -> Held:
        """A connector with what it keeps secret, as far as this account may read it."""
        if held.kind != "connector" or held.fixed["auth_method"] == "implicit":
            return held
        with self.speaking(f"read connector {held.name}"):
            found = self._store.get_service_connector(UUID(held.id), hydrate=True, expand_secrets=True)
        return replace(held, secrets=found.configuration.plain_secrets)

    def create(self, want: Wanted, name: str, links: Links) -> str:
        """Make the object under `name`; its id."""
        with self.speaking(f"create {what(want)} {name}"):
            if want.kind == "connector":
                request = models.connector_request(want, name, self._aws_connector_type)
                made = self._store.create_service_connector(request)
            elif want.kind == "component":
                made = self._store.create_stack_component(models.component_request(want, name, links))
            else:
                made = self._store.create_stack(models.stack_request(want, name, links))
        return str(made.id)

    def update(self, id_: str, want: Wanted, name: str, links: Links) -> None:
        """Give the object name, labels and content, whole."""
        with self.speaking(f"update {what(want)} {want.name}"):
            if want.kind == "connector":
                update = models.connector_update(want, name, self._aws_connector_type)
                self._store.update_service_connector(UUID(id_), update)
            elif want.kind == "component":
                self._store.update_stack_component(UUID(id_), models.component_update(want, name, links))
            else:
                self._store.update_stack(UUID(id_), models.stack_update(want, name, links))

    def remove(self, held: Held) -> None:
        """What is gone already is no error."""
        removers = {
            "stack": self._store.delete_stack,
            "component": self._store.delete_stack_component,
            "connector": self._store.delete_service_connector,
        }
        with self.speaking(f"remove {what(held)} {held.name}"):
            try:
                removers[held.kind](UUID(held.id))
            except KeyError:
                return

    @contextmanager
    def speaking(self, doing: str) -> Iterator[None]:
        """Turns what the server or ZenML's client say into one message that names the server and the way out."""
        try:
            yield
        except MLStackError:
            raise
        except Exception as error:
            raise explained(error, self.server, doing) from None

    def runs_in_progress(self, stack_id: str) -> list[str]:
        """Names of the pipeline runs on the stack that have not ended."""
        from zenml.enums import ExecutionStatus
        from zenml.models import PipelineRunFilter

        unfinished = [each.value for each in ExecutionStatus if not each.is_finished]
        with self.speaking("list the runs in progress"):
            found = self._all(
                self._store.list_runs, PipelineRunFilter, stack_id=stack_id, status=f"oneof:{json.dumps(unfinished)}"
            )
        return [each.name for each in found]

    def create_tag(self, name: str) -> str | None:
        """Its id, or None when there is one of this name already."""
        from zenml.enums import ColorVariants
        from zenml.exceptions import EntityExistsError
        from zenml.models import TagRequest

        with self.speaking("claim the environment"):
            try:
                return str(self._store.create_tag(TagRequest(name=name, color=next(iter(ColorVariants)))).id)
            except EntityExistsError:
                return None

    def find_tag(self, name: str) -> Tag | None:
        from zenml.models import TagFilter

        with self.speaking("see who claims the environment"):
            found = self._all(self._store.list_tags, TagFilter, name=f"equals:{name}")
        return Tag(str(found[0].id), str(found[0].updated)) if found else None

    def touch_tag(self, id_: str, turn: int) -> None:
        """Change the tag, so that others see that its holder is alive."""
        from zenml.enums import ColorVariants
        from zenml.models import TagUpdate

        colors = list(ColorVariants)
        with self.speaking("renew the claim"):
            self._store.update_tag(UUID(id_), TagUpdate(color=colors[turn % len(colors)]))

    def delete_tag(self, id_: str) -> None:
        """What is gone already is no error."""
        with self.speaking("give up the claim"), suppress(KeyError):
            self._store.delete_tag(UUID(id_))

    def _all(self, lister: Any, filter_class: Any, **wanted: str) -> list[Any]:
        found: list[Any] = []
        page = 1
        while True:
            answer = lister(filter_class(page=page, size=_PAGE, **wanted), hydrate=True)
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
