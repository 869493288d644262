"""What a resource type is to the provider: its properties, and how it is created, read, updated and deleted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Values = dict[str, Any]
Kind = Literal["string", "boolean", "integer", "map", "object", "list"]


@dataclass(frozen=True, kw_only=True)
class Property:
    """One input, named as in Pulumi's schema."""

    kind: Kind
    required: bool = False
    forces_new: bool = False
    """A change replaces the resource."""
    default: Any = None
    """What AWS takes when it is absent."""
    computed: bool = False
    """AWS chooses when it is absent, and whatever it chose is right."""
    auto_named: bool = False
    """A physical name that the real plugin would make up; here it has to be given."""
    choices: tuple[str | int, ...] = ()
    json: bool = False
    """Text that is compared by meaning: white space and the order of keys do not count."""
    policy: bool = False
    """JSON of which the order of statements and actions does not count either, nor whether one of them is in a list."""
    unordered: bool = False
    items: Literal["string"] | None = None
    """Of a list that has no objects."""
    fields: Mapping[str, "Property"] = field(default_factory=dict)
    """Of an object, or of the objects in a list."""


def string(**more: Any) -> Property:
    return Property(kind="string", **more)


def boolean(**more: Any) -> Property:
    return Property(kind="boolean", **more)


def integer(**more: Any) -> Property:
    return Property(kind="integer", **more)


def name() -> Property:
    return Property(kind="string", required=True, forces_new=True, auto_named=True)


def policy(**more: Any) -> Property:
    return Property(kind="string", json=True, policy=True, **more)


def strings(**more: Any) -> Property:
    return Property(kind="list", items="string", **more)


def objects(fields: Mapping[str, Property], **more: Any) -> Property:
    return Property(kind="list", fields=fields, **more)


def one(fields: Mapping[str, Property], **more: Any) -> Property:
    return Property(kind="object", fields=fields, **more)


TAGS = Property(kind="map")
REGION = string(forces_new=True)


@dataclass(frozen=True, kw_only=True)
class Call:
    """What an operation works with."""

    client: Any
    """boto3's client of the type's service, in the resource's region."""
    region: str
    account_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    """The resource's own and the provider's default tags together."""


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One row of the table."""

    token: str
    service: str
    """boto3's name of the service."""
    properties: Mapping[str, Property]
    outputs: tuple[str, ...]
    """What AWS computes."""
    name: str | None
    """The property that holds the physical name; with an equal one, old and new cannot exist side by side."""
    create: Callable[[Call, Values], str | tuple[str, Values]]
    """Inputs to id, and with it what AWS tells only once."""
    read: Callable[[Call, str, Values], Values | None]
    """Id and last known state to everything that AWS holds, or None when it is gone. The state is empty on import."""
    update: Callable[[Call, str, Values, Values], None] | None = None
    """Id, old and new inputs. None when every change replaces."""
    delete: Callable[[Call, str, Values], None]
    """Id and state. What is gone already is no error."""
    not_returned: tuple[str, ...] = ()
    """Properties that AWS never returns: switches of the plugin itself. What the emulator loses is in `gaps`."""
    secret_outputs: tuple[str, ...] = ()
    regional: bool = True

    @property
    def tagged(self) -> bool:
        return "tags" in self.properties
