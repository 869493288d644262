"""Which values the program marked as secret: the engine says so, and pulumi_policy forgets it on the way to a rule.

Without the mark, a secret that is exported as a secret looks like one that is exported in plain text.
"""

from typing import Any

from pulumi_policy import deserialize


class SecretText(str):
    """A text that the program marked as secret."""

    __slots__ = ()


def keep_secret_marks() -> None:
    """Have all texts inside a secret arrive as SecretText. Only strings can carry the mark."""
    read = deserialize._deserialize_property

    def read_marked(prop: Any, proxy_secrets: bool = False) -> Any:
        value = read(prop, proxy_secrets)
        if (
            not proxy_secrets
            and isinstance(prop, dict)
            and prop.get(deserialize.SPECIAL_SIG_KEY) == deserialize.SPECIAL_SECRET_SIG
        ):
            return _marked(value)
        return value

    deserialize._deserialize_property = read_marked


def _marked(value: Any) -> Any:
    if isinstance(value, str):
        return SecretText(value)
    if isinstance(value, list):
        return [_marked(each) for each in value]
    if isinstance(value, dict):
        return {key: _marked(each) for key, each in value.items()}
    return value
