"""Check, diff, create, read, update and delete of any resource type, from its row in the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.errors import nearest
from mlstack.local.provider import check
from mlstack.local.provider.clients import Clients
from mlstack.local.provider.compare import changes, same
from mlstack.local.provider.configuration import Configuration
from mlstack.local.provider.schema import Call, Property, ResourceType, Values
from mlstack.local.provider.values import UNKNOWN, is_known


class RefusedError(Exception):
    """What AWS or the table says no to, in one line."""


@dataclass(frozen=True)
class Difference:
    paths: dict[str, bool] = field(default_factory=dict)
    """Path to whether it replaces."""
    delete_first: bool = False

    @property
    def replaces(self) -> list[str]:
        return [path for path, forces_new in self.paths.items() if forces_new]


class Operations:
    def __init__(self, table: Mapping[str, ResourceType], clients: Clients) -> None:
        self._table = table
        self._clients = clients

    def type_of(self, urn: str) -> ResourceType:
        token = urn.split("::")[2].rsplit("$", 1)[-1]
        found = self._table.get(token)
        if found is None:
            hint = nearest(token, self._table)
            raise RefusedError(
                f"the embedded provider does not know {token}{hint}: add it to mlstack/local/provider/types, "
                "or use an AWS account"
            )
        return found

    def check(self, urn: str, inputs: Values) -> list[tuple[str, str]]:
        return list(check.problems(_inputs_of(self.type_of(urn)), inputs))

    def diff(self, urn: str, old: Values, new: Values) -> Difference:
        kind = self.type_of(urn)
        paths = changes(_inputs_of(kind), old, new)
        if kind.update is None:
            paths = dict.fromkeys(paths, True)
        replaced = any(paths.values())
        # As the real plugin does for a resource whose name is given: two of one name cannot be there at once.
        delete_first = replaced and kind.name is not None and old.get(kind.name) == new.get(kind.name)
        return Difference(paths, delete_first)

    def preview(self, urn: str, inputs: Values, config: Configuration, state: Values | None = None) -> Values:
        """What is known before it is done: inputs, and of an existing resource what AWS once computed."""
        kind = self.type_of(urn)
        computed = {name: (state or {}).get(name, UNKNOWN) for name in kind.outputs}
        return {**_context(kind, inputs, config), **computed, **_known(inputs)}

    def create(self, urn: str, inputs: Values, config: Configuration) -> tuple[str, Values]:
        kind = self.type_of(urn)
        call = self._call(kind, inputs, config)
        id_ = kind.create(call, inputs)
        return id_, self._state(kind, call, id_, inputs, config)

    def update(self, urn: str, id_: str, old: Values, new: Values, config: Configuration) -> Values:
        kind = self.type_of(urn)
        call = self._call(kind, new, config)
        if kind.update is None:
            raise RefusedError(f"{kind.token} cannot be updated in place")
        kind.update(call, id_, old, new)
        return self._state(kind, call, id_, new, config)

    def read(
        self, urn: str, id_: str, inputs: Values, state: Values, config: Configuration
    ) -> tuple[Values, Values] | None:
        """Inputs and state as AWS has them now; None when it is gone. Of what did not change, the inputs as written."""
        kind = self.type_of(urn)
        call = self._call(kind, inputs or state, config)
        found = kind.read(call, id_, state)
        if found is None:
            return None
        found = _own_tags(kind, found, config)
        now: Values = {}
        for name, prop in _inputs_of(kind).items():
            written, actual = inputs.get(name), found.get(name)
            if name in kind.not_returned or name == "region":
                actual = written
            value = written if same(prop, written, actual) else actual
            if value is not None and not (written is None and same(prop, None, value)):
                now[name] = value
        return now, {**_context(kind, now, config), **now, **{name: found.get(name) for name in kind.outputs}}

    def delete(self, urn: str, id_: str, state: Values, config: Configuration) -> None:
        kind = self.type_of(urn)
        kind.delete(self._call(kind, state, config), id_, state)

    def _state(self, kind: ResourceType, call: Call, id_: str, inputs: Values, config: Configuration) -> Values:
        found = kind.read(call, id_, inputs)
        if found is None:
            raise RefusedError(f"{kind.token} {id_} is gone right after it was made")
        return {**_context(kind, inputs, config), **_known(inputs), **{name: found.get(name) for name in kind.outputs}}

    def _call(self, kind: ResourceType, inputs: Values, config: Configuration) -> Call:
        region = inputs.get("region") or config.region
        return Call(
            client=self._clients.get(kind.service, region),
            region=region,
            account_id=config.account_id,
            tags=_all_tags(inputs, config),
        )


def _inputs_of(kind: ResourceType) -> Mapping[str, Property]:
    return kind.properties


def _context(kind: ResourceType, inputs: Values, config: Configuration) -> Values:
    """Outputs that every resource has: its region since version 7, and all tags that it carries."""
    context: Values = {"region": inputs.get("region") or config.region} if kind.regional else {}
    if kind.tagged:
        known = is_known(inputs.get("tags"))
        context["tagsAll"] = _all_tags(inputs, config) if known else UNKNOWN
    return context


def _all_tags(inputs: Values, config: Configuration) -> dict[str, str]:
    own = inputs.get("tags")
    return {**config.default_tags, **(own if isinstance(own, dict) else {})}


def _own_tags(kind: ResourceType, found: Values, config: Configuration) -> Values:
    if not kind.tagged:
        return found
    own = {key: value for key, value in (found.get("tags") or {}).items() if config.default_tags.get(key) != value}
    return {**found, "tags": own}


def _known(inputs: Values) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name != "__defaults"}
