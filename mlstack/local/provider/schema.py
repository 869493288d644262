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
    choices: tuple[str, ...] = ()
    json: bool = False
    """Text that is compared by meaning: white space and the order of keys do not count."""
    unordered: bool = False
    fields: Mapping[str, "Property"] = field(default_factory=dict)
    """Of an object, or of the objects in a list."""


def string(**more: Any) -> Property:
    return Property(kind="string", **more)


def boolean(**more: Any) -> Property:
    return Property(kind="boolean", **more)


def integer(**more: Any) -> Property:
    return Property(kind="integer", **more)


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
    create: Callable[[Call, Values], str]
    """Inputs to id."""
    read: Callable[[Call, str, Values], Values | None]
    """Id and last known state to everything that AWS holds, or None when it is gone. The state is empty on import."""
    update: Callable[[Call, str, Values, Values], None] | None = None
    """Id, old and new inputs. None when every change replaces."""
    delete: Callable[[Call, str, Values], None]
    """Id and state. What is gone already is no error."""
    not_returned: tuple[str, ...] = ()
    """Properties that AWS never returns (a switch of the plugin itself), or that the emulator loses; see `EMULATOR`."""
    regional: bool = True

    @property
    def tagged(self) -> bool:
        return "tags" in self.properties
