"""The `aws:` settings, of each engine run that is attached."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.errors import nearest
from mlstack.local.provider.clients import Clients
from mlstack.local.provider.values import UNKNOWN

# The real plugin's settings that mean something here, or that tell it to leave real AWS alone.
KNOWN: Mapping[str, str] = {
    "region": "text",
    "allowedAccountIds": "a list",
    "forbiddenAccountIds": "a list",
    "assumeRoles": "a list",
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
    clients: Clients | None = None
    """In a session of the role that the settings have assumed; None for the operator's own."""


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
            elif name == "assumeRoles" and value is not UNKNOWN:
                yield from _of_roles(decoded({name: value})[name])


_ROLE = ("roleArn", "sessionName", "externalId", "duration")


def _of_roles(roles: list[Any]) -> Iterator[tuple[str, str]]:
    for role in roles:
        if not isinstance(role, dict) or not role.get("roleArn"):
            yield "assumeRoles", f"aws:assumeRoles has {role!r}, which names no roleArn"
            continue
        for unknown in role.keys() - set(_ROLE):
            yield (
                "assumeRoles",
                f"aws:assumeRoles: {unknown} is unknown to the embedded provider{nearest(unknown, _ROLE)}",
            )


def decoded(given: Mapping[str, Any]) -> dict[str, Any]:
    """The engine hands structures over as JSON texts."""
    values = {}
    for name, value in given.items():
        if isinstance(value, str) and KNOWN.get(name) in ("a list", "an object"):
            values[name] = json.loads(value)
        else:
            values[name] = value
    return values


def configured(given: Mapping[str, Any], operator: Clients) -> Configuration:
    """Raises ConfigurationError for a missing region, and for an account that these settings do not mean."""
    values = decoded(given)
    region = values.get("region")
    if not region:
        raise ConfigurationError("aws:region is not set: pulumi config set aws:region eu-west-1")
    clients = operator
    for role in values.get("assumeRoles") or []:
        clients = clients.assuming(role, region)
    account_id = clients.get("sts", region).get_caller_identity()["Account"]
    allowed = values.get("allowedAccountIds") or []
    if allowed and account_id not in allowed:
        raise ConfigurationError(
            f"these credentials are of AWS account {account_id}, but aws:allowedAccountIds allows {', '.join(allowed)}"
        )
    if account_id in (values.get("forbiddenAccountIds") or []):
        raise ConfigurationError(f"aws:forbiddenAccountIds forbids AWS account {account_id}")
    tags = (values.get("defaultTags") or {}).get("tags") or {}
    return Configuration(
        region=region, account_id=account_id, default_tags=tags, clients=None if clients is operator else clients
    )
