"""The output contract: what the program promises and all that the hook reads.

`pulumi up` exports one stack output `mlstack` of this shape, or with teams one of each below `teams`. It says what
ZenML is to hold, in ZenML's own words, so that a changed contract in a preview is the change that `mlstack register`
will make. Nothing in it is secret.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from mlstack.errors import MLStackError

SCHEMA_VERSION = 2
"""1: the one stack of an environment. 2: of a team, all teams of an environment together, or with cached bases."""

ComponentType = Literal["artifact_store", "container_registry", "orchestrator", "step_operator", "image_builder"]
"""ZenML's `StackComponentType` values that a stack of ours can hold."""

ConnectorKey = Literal["s3", "ecr", "aws"]

# ZenML stores names in columns of 255 characters (zenml/constants.py, STR_FIELD_MAX_LENGTH).
Name = Annotated[str, Field(min_length=1, max_length=255)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Connector(_Model):
    """A ZenML service connector of type `aws`, limited to one resource type.

    One per resource type, because an explicit session `policy` applies to every resource type of its connector.
    """

    name: Name
    resource_type: Literal["s3-bucket", "docker-registry", "aws-generic"]
    resource_id: str | None = None
    """`s3://bucket` or the registry's host. An aws-generic connector has none."""
    auth_method: Literal["implicit", "iam-role"]
    """How ZenML's server gets credentials: by assuming `configuration.role_arn` with its own identity, or with the
    access key in the secret output `connector_key`."""
    key_generation: Annotated[int, Field(ge=1)] | None = None
    """Which access key it has to have, with iam-role. Higher is newer."""
    configuration: dict[str, str]
    expiration_seconds: Annotated[int, Field(ge=900, le=43200)]
    """Lifetime of the credentials handed to a client. Never longer than the role's maximum session duration."""

    @model_validator(mode="after")
    def _has_its_key(self) -> Self:
        if (self.auth_method == "iam-role") != (self.key_generation is not None):
            raise ValueError(
                f"auth_method {self.auth_method} and key_generation {self.key_generation} exclude each other"
            )
        return self


class Component(_Model):
    """A ZenML stack component."""

    name: Name
    flavor: str
    configuration: dict[str, JsonValue]
    """Exactly the keys of the flavor's config class."""
    connector: ConnectorKey | None = None


class Stack(_Model):
    """The ZenML stack that the components make up."""

    name: Name
    description: str


class MLStackOutputs(_Model):
    """Everything that ZenML needs to know of one environment."""

    schema_version: Literal[1, 2] = 1
    project: str
    """Pulumi project. With `environment` it is the mark of ownership on what the hook makes in ZenML."""
    environment: str
    """Pulumi stack."""
    team: Annotated[Name | None, Field(exclude_if=lambda team: team is None)] = None
    """One of several that have a stack each in this environment."""
    account_id: str
    region: str
    principal: str | None = None
    """ARN of the identity that may assume the connectors' role: ZenML's server, or the user whose key it has."""
    stack: Stack
    connectors: dict[ConnectorKey, Connector]
    components: dict[ComponentType, Component]
    pull_through_cache: Annotated[dict[str, str], Field(exclude_if=lambda cached: not cached)] = Field(
        default_factory=dict
    )
    """Registries whose images come through the container registry's, and what the names of the copies begin with there:
    `public.ecr.aws` to `mlstack-dev.ecr-public`."""

    @property
    def place(self) -> str:
        """`dev`, or `dev/vision` of a team: with `project` the mark of ownership on what the hook makes in ZenML."""
        return f"{self.environment}/{self.team}" if self.team else self.environment

    @property
    def key_generation(self) -> int | None:
        """Of the access key that the connectors have to have; None when they have none."""
        return max((each.key_generation for each in self.connectors.values() if each.key_generation), default=None)

    @model_validator(mode="after")
    def _is_a_stack(self) -> Self:
        if (self.team is not None or bool(self.pull_through_cache)) != (self.schema_version > 1):
            raise ValueError(
                f"schema_version {self.schema_version}, team {self.team} and pull_through_cache "
                f"{self.pull_through_cache} exclude each other"
            )
        missing = {"artifact_store", "orchestrator"} - self.components.keys()
        if missing:
            raise ValueError(f"a ZenML stack needs {' and '.join(sorted(missing))}")
        for kind, component in self.components.items():
            if component.connector is not None and component.connector not in self.connectors:
                raise ValueError(f"{kind} names connector {component.connector!r}, which is not among the connectors")
        return self

    def as_json(self) -> str:
        """One line, keys sorted: equal contracts are equal texts."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @classmethod
    def parse(cls, value: object, *, origin: str) -> Self:
        """Read the one contract that `origin` (a file or a stack, named in messages) holds.

        `value` is the contract, its JSON text, or all outputs of a Pulumi stack with it under `mlstack`.
        Raises MLStackError when there is none, it is of a newer schema, it is broken, or there is one for each team.
        """
        document = _document(value, origin)
        if _TEAMS in document:
            raise MLStackError(f"{origin} holds a contract for each team", hint="name one with --team")
        return cls._checked(document, origin)

    @classmethod
    def parse_all(cls, value: object, *, origin: str) -> tuple[Self, ...]:
        """The same, or the contracts of all teams."""
        document = _document(value, origin)
        if _TEAMS not in document:
            return (cls._checked(document, origin),)
        teams = document[_TEAMS]
        if not isinstance(teams, Mapping) or not teams:
            raise MLStackError(f"{origin} is not a valid contract:\n  {_TEAMS}: no team", hint=_WRITE_ANEW)
        return tuple(cls._checked(_decode(each, origin), f"{origin}, team {team}") for team, each in teams.items())

    @classmethod
    def _checked(cls, document: Mapping[str, object], origin: str) -> Self:
        try:
            return cls.model_validate_json(json.dumps(document))
        except ValidationError as error:
            problems = "\n".join(f"  {'.'.join(map(str, e['loc'])) or 'mlstack'}: {e['msg']}" for e in error.errors())
            raise MLStackError(f"{origin} is not a valid contract:\n{problems}", hint=_WRITE_ANEW) from None


_TEAMS = "teams"


def together(contracts: Mapping[str, str]) -> str:
    """The contracts of an environment's teams, by their names, in one text. They are texts, and so is the answer."""
    teams = {team: json.loads(text) for team, text in contracts.items()}
    return json.dumps({"schema_version": SCHEMA_VERSION, _TEAMS: teams}, sort_keys=True, separators=(",", ":"))


def _document(value: object, origin: str) -> Mapping[str, object]:
    document = _decode(value, origin)
    if "schema_version" not in document and "mlstack" in document:
        document = _decode(document["mlstack"], origin)
    version = document.get("schema_version")
    if version is None:
        raise MLStackError(
            f"{origin} holds no `mlstack` output",
            hint="run `pulumi up` for this environment first, or give the outputs of an MLStack program",
        )
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise MLStackError(
            f"{origin} has schema_version {version!r}; this mlstack reads up to {SCHEMA_VERSION}",
            hint="it was written by a newer MLStack: use the one that made it (git pull && make setup)",
        )
    return document


def _decode(value: object, origin: str) -> Mapping[str, object]:
    # Twice at most: `pulumi stack output mlstack --json` prints the JSON of a text that is JSON.
    for _ in range(2):
        if isinstance(value, str | bytes):
            try:
                value = json.loads(value)
            except ValueError as error:
                raise MLStackError(f"{origin} is not JSON: {error}", hint=_WRITE_IT) from None
    if not isinstance(value, Mapping):
        raise MLStackError(f"{origin} is not a JSON object", hint=_WRITE_IT)
    return value


_WRITE_ANEW = "run `pulumi up` again to write it anew"
_WRITE_IT = "write it with `pulumi stack output --json > FILE`"
