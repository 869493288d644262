"""The engine's property values as Python's: `google.protobuf.Struct` in, dictionaries out, and back."""

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.struct_pb2 import ListValue, Struct, Value

# sdk/go/common/resource/plugin/rpc.go: what stands for a text, number, list ... that a preview does not know yet.
_UNKNOWNS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class _Unknown:
    """A value that waits for another resource. There is one of it."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = _Unknown()

# sdk/go/common/resource/sig: an object with the first key is a special value, of the kind that it says.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 -- the mark of a secret, not one


@dataclass(frozen=True)
class Secret:
    """A value that the engine keeps encrypted. Only ever sent: what comes in as a secret is unwrapped."""

    value: Any

    def __repr__(self) -> str:
        return "secret"


def from_struct(struct: Struct) -> dict[str, Any]:
    """Whole numbers come back as `int`: the wire knows only doubles."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def to_struct(values: dict[str, Any]) -> Struct:
    """None is left out, as the engine does."""
    return Struct(fields={key: _to_value(value) for key, value in values.items() if value is not None})


def _from_value(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET:
            return _from_value(fields["value"])
        return from_struct(value.struct_value)
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "bool_value":
        return value.bool_value
    return None


def _to_value(value: Any) -> Value:
    if value is UNKNOWN:
        return Value(string_value=_UNKNOWN_TEXT)
    if isinstance(value, Secret):
        return Value(struct_value=to_struct({_SIGNATURE: _SECRET, "value": value.value}))
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float):
        return Value(number_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, dict):
        return Value(struct_value=to_struct(value))
    if isinstance(value, list | tuple):
        return Value(list_value=ListValue(values=[_to_value(item) for item in value]))
    raise TypeError(f"no property value: {value!r}")


def is_known(value: Any) -> bool:
    """Whether nothing in `value` waits for another resource."""
    if isinstance(value, dict):
        return all(is_known(item) for item in value.values())
    if isinstance(value, list):
        return all(is_known(item) for item in value)
    return value is not UNKNOWN
