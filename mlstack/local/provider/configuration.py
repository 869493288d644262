"""The `aws:` settings, of each engine run that is attached."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.errors import nearest
from mlstack.local.provider.values import UNKNOWN

# The real plugin's settings that mean something here, or that tell it to leave real AWS alone.
KNOWN: Mapping[str, str] = {
    "region": "text",
    "allowedAccountIds": "a list",
    "forbiddenAccountIds": "a list",
    "defaultTags": "an object",
    "skipCredentialsValidation": "true or false",
    "skipMetadataApiCheck": "true or false",
    "skipRegionValidation": "true or false",
    "skipRequestingAccountId": "true or false",
    "s3UsePathStyle": "true or false",
    "maxRetries": "a number",
    "profile": "text",
    "accessKey": "text",
    "secretKey": "text",
    "token": "text",
    "endpoints": "a list",
    "version": "text",
}


@dataclass(frozen=True)
class Configuration:
    region: str
    account_id: str
    default_tags: Mapping[str, str] = field(default_factory=dict)


class ConfigurationError(Exception):
    """Settings that the real plugin would refuse too."""


_STRUCTURES = {"a list": list, "an object": dict}


def problems(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Setting and reason of each thing that the real plugin would refuse, or that this one does not know."""
    for name, value in given.items():
        if name not in KNOWN:
            yield name, f"aws:{name} is unknown to the embedded provider{nearest(name, KNOWN)}"
        elif structure := _STRUCTURES.get(KNOWN[name]):
            try:
                fits = value is UNKNOWN or isinstance(decoded({name: value})[name], structure)
            except ValueError:
                fits = False
            if not fits:
                yield name, f"aws:{name} is {value!r}, not {KNOWN[name]}"


def decoded(given: Mapping[str, Any]) -> dict[str, Any]:
    """The engine hands structures over as JSON texts."""
    values = {}
    for name, value in given.items():
        if isinstance(value, str) and KNOWN.get(name) in ("a list", "an object"):
            values[name] = json.loads(value)
        else:
            values[name] = value
    return values


def configured(given: Mapping[str, Any], account_id: str) -> Configuration:
    """Raises ConfigurationError for a missing region, and for an account that these settings do not mean."""
    values = decoded(given)
    if not values.get("region"):
        raise ConfigurationError("aws:region is not set: pulumi config set aws:region eu-west-1")
    allowed = values.get("allowedAccountIds") or []
    if allowed and account_id not in allowed:
        raise ConfigurationError(
            f"these credentials are of AWS account {account_id}, but aws:allowedAccountIds allows {', '.join(allowed)}"
        )
    if account_id in (values.get("forbiddenAccountIds") or []):
        raise ConfigurationError(f"aws:forbiddenAccountIds forbids AWS account {account_id}")
    tags = (values.get("defaultTags") or {}).get("tags") or {}
    return Configuration(region=values["region"], account_id=account_id, default_tags=tags)
