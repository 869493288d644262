"""Check, diff, create, read, update and delete of any resource type, from its row in the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlstack.errors import nearest
from mlstack.local.provider import check
from mlstack.local.provider.clients import Clients
from mlstack.local.provider.compare import changes, same
from mlstack.local.provider.configuration import Configuration
from mlstack.local.provider.gaps import filled
from mlstack.local.provider.schema import Call, ResourceType, Values
from mlstack.local.provider.values import UNKNOWN, Secret, is_known


class RefusedError(Exception):
    """What AWS or the table says no to, in one line."""


@dataclass(frozen=True)
class Difference:
    paths: dict[str, bool] = field(default_factory=dict)
    """Path of each input that differs, to whether it replaces."""
    retagged: bool = False
    """The provider's default tags are others than those that the resource carries."""
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
        return list(check.problems(self.type_of(urn).properties, inputs))

    def diff(self, urn: str, old: Values, new: Values, state: Values, config: Configuration) -> Difference:
        kind = self.type_of(urn)
        paths = changes(kind.properties, old, new)
        if kind.update is None:
            paths = dict.fromkeys(paths, True)
        carried = state.get("tagsAll")
        retagged = kind.tagged and carried is not None and carried != _all_tags(new, config)
        return Difference(paths, retagged, delete_first=any(paths.values()) and _delete_first(kind, old, new))

    def preview(self, urn: str, inputs: Values, config: Configuration, state: Values | None = None) -> Values:
        """What is known before it is done: inputs, and of an existing resource what AWS once computed."""
        kind = self.type_of(urn)
        return _outputs(kind, inputs, config, state or {}, unless_found=UNKNOWN)

    def create(self, urn: str, inputs: Values, config: Configuration) -> tuple[str, Values]:
        kind = self.type_of(urn)
        call = self._call(kind, inputs, config)
        made = kind.create(call, inputs)
        id_, told_once = (made, {}) if isinstance(made, str) else made
        return id_, self._state(kind, call, id_, inputs, told_once, config)

    def update(self, urn: str, id_: str, old: Values, new: Values, state: Values, config: Configuration) -> Values:
        kind = self.type_of(urn)
        call = self._call(kind, new, config)
        if kind.update is None:
            raise RefusedError(f"{kind.token} cannot be updated in place")
        kind.update(call, id_, old, new)
        return self._state(kind, call, id_, new, state, config)

    def read(
        self, urn: str, id_: str, inputs: Values, state: Values, config: Configuration
    ) -> tuple[Values, Values] | None:
        """Inputs and state as AWS has them now; None when it is gone. Of what did not change, the inputs as written."""
        kind = self.type_of(urn)
        importing = not inputs and not state
        call = self._call(kind, inputs or state, config)
        found = kind.read(call, id_, state)
        if found is None:
            return None
        carried = found.get("tags") or {}
        found = filled(kind.token, _own_tags(kind, found, inputs, config), inputs)
        now: Values = {}
        for name, prop in kind.properties.items():
            written, actual = inputs.get(name), found.get(name)
            if name in kind.not_returned or name == "region":
                actual = written
            # On import nothing is written: what AWS chose, and what has to be written, is as it is found.
            as_written = not (importing and (prop.computed or prop.required)) and same(prop, actual, written)
            value = written if as_written else actual
            if value is not None and (prop.required or not (written is None and same(prop, None, value))):
                now[name] = value
        outputs = _outputs(kind, now, config, found)
        return now, {**outputs, "tagsAll": carried} if kind.tagged else outputs

    def delete(self, urn: str, id_: str, state: Values, config: Configuration) -> None:
        kind = self.type_of(urn)
        kind.delete(self._call(kind, state, config), id_, state)

    def _state(
        self, kind: ResourceType, call: Call, id_: str, inputs: Values, state: Values, config: Configuration
    ) -> Values:
        found = kind.read(call, id_, {**inputs, **state})
        if found is None:
            raise RefusedError(f"{kind.token} {id_} is gone right after it was made")
        return _outputs(kind, inputs, config, found)

    def _call(self, kind: ResourceType, inputs: Values, config: Configuration) -> Call:
        region = inputs.get("region") or config.region
        return Call(
            client=self._clients.get(kind.service, region),
            region=region,
            account_id=config.account_id,
            tags=_all_tags(inputs, config),
        )


def _delete_first(kind: ResourceType, old: Values, new: Values) -> bool:
    if kind.name is None:
        return False
    # The real plugin does so for every name that it did not make up itself, even for one that changes. A setting of
    # another resource has no name of its own: there what counts is that it would be put and then removed.
    return kind.properties[kind.name].auto_named or old.get(kind.name) == new.get(kind.name)


def _outputs(
    kind: ResourceType, inputs: Values, config: Configuration, found: Values, unless_found: object = None
) -> Values:
    """All that the program can read: the region since version 7, all tags, inputs, defaults, what AWS computed."""
    outputs: Values = {"region": inputs.get("region") or config.region} if kind.regional else {}
    if kind.tagged:
        outputs["tagsAll"] = _all_tags(inputs, config) if is_known(inputs.get("tags")) else UNKNOWN
    for name, prop in kind.properties.items():
        if inputs.get(name) is not None:
            outputs[name] = inputs[name]
        elif prop.computed:
            outputs[name] = found.get(name, unless_found)
        elif prop.default is not None:
            outputs[name] = prop.default
    for name in kind.outputs:
        value = found.get(name, unless_found)
        outputs[name] = Secret(value) if name in kind.secret_outputs and value is not None else value
    return outputs


def _all_tags(inputs: Values, config: Configuration) -> dict[str, str]:
    own = inputs.get("tags")
    return {**config.default_tags, **(own if isinstance(own, dict) else {})}


def _own_tags(kind: ResourceType, found: Values, inputs: Values, config: Configuration) -> Values:
    """Without the provider's default tags, unless the program gives the same ones to the resource."""
    if not kind.tagged:
        return found
    written = inputs.get("tags") or {}
    carried = (found.get("tags") or {}).items()
    own = {key: value for key, value in carried if key in written or config.default_tags.get(key) != value}
    return {**found, "tags": own}
