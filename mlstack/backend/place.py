"""Which backend is meant: its account, its region, its names and the environments that use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from components.configuration import from_file
from components.limits import AccountId, NamePart, PolicyArn, PrincipalArn, Region
from components.names import Names
from components.settings import Settings
from mlstack.errors import UsageError

PREVIEW, DEPLOY = "preview", "deploy"
"""Purposes of the roles of an environment."""
_STATE = "pulumi-state"
TAG = "mlstack:backend"
"""On all of a backend; the value is its name. Not with an environment's own tags: its role manages what has them."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One backend: a bucket and a key in one account and region."""

    name: str
    """First part of all names; by default that of the Pulumi project."""
    project: str
    """Name in Pulumi.yaml, which state files bear."""
    account_id: str
    region: str
    environments: tuple[str, ...] = ()
    """Pulumi stacks whose state it holds, as far as they were named."""

    @property
    def names(self) -> Names:
        """`bucket`, `key_alias`, `role(...)` of the backend, computed as those of an environment are."""
        return Names(name=self.name, environment=_STATE, account_id=self.account_id, region=self.region)

    def of(self, environment: str) -> Names:
        """Names with which the state files of an environment are found."""
        return Names(name=self.name, environment=environment, account_id=self.account_id, region=self.region)

    def role(self, environment: str, purpose: str) -> str:
        return self.names.role(f"{environment}-{purpose}")


@dataclass(frozen=True, kw_only=True)
class Trusted:
    """Who may assume the roles of the environments that were named. Empty: as it is."""

    preview: tuple[str, ...] = ()
    deploy: tuple[str, ...] = ()
    boundary: str | None = None
    """ARN of the policy that limits both roles."""

    @property
    def by_purpose(self) -> dict[str, tuple[str, ...]]:
        return {PREVIEW: self.preview, DEPLOY: self.deploy}


def place_of(
    directory: Path, *, stacks: Sequence[str], account: str | None, region: str | None, name: str | None
) -> Place:
    """From the settings of the stacks, unless account and region are given. Raises UsageError."""
    project = _project(directory)
    settings = [from_file(directory / f"Pulumi.{stack}.yaml") for stack in stacks] if not (account and region) else []
    found_account = _valid(AccountId, account, "--account") if account else _one(settings, "account", "--account")
    found_region = _valid(Region, region, "--region") if region else _one(settings, "region", "--region")
    return Place(
        name=_valid(NamePart, name or project, "--name" if name else "the project's name, `name` in Pulumi.yaml,"),
        project=project,
        account_id=found_account,
        region=found_region,
        environments=tuple(dict.fromkeys(stacks)),
    )


def trusted_by(place: Place, *, preview: Sequence[str], deploy: Sequence[str], boundary: str | None) -> Trusted:
    """Raises UsageError for what is no ARN, and for principals of no environment."""
    if (preview or deploy) and not place.environments:
        raise UsageError(
            "--preview-by and --deploy-by make roles of an environment, and none is named", hint="add --stack dev"
        )
    return Trusted(
        preview=tuple(_valid(PrincipalArn, each, "--preview-by") for each in preview),
        deploy=tuple(_valid(PrincipalArn, each, "--deploy-by") for each in deploy),
        boundary=_valid(PolicyArn, boundary, "--permissions-boundary") if boundary else None,
    )


def _project(directory: Path) -> str:
    from ruamel.yaml import YAML

    file = directory / "Pulumi.yaml"
    if not file.is_file():
        raise UsageError(f"there is no Pulumi.yaml in {directory}", hint="run it in the directory of the program")
    return str(YAML(typ="safe").load(file.read_text(encoding="utf-8"))["name"])


def _one(settings: Sequence[Settings], what: str, option: str) -> str:
    """The account or region that all of the settings name."""
    found = {each.environment: each.account_id if what == "account" else each.aws.region for each in settings}
    different = sorted(set(found.values()))
    if not different:
        raise UsageError(
            f"nothing says in which {what} the backend is", hint=f"name an environment with --stack, or give {option}"
        )
    if len(different) > 1:
        said = ", ".join(f"Pulumi.{environment}.yaml {value}" for environment, value in found.items())
        raise UsageError(
            f"a backend is in one {what}, and the settings name several: {said}",
            hint=f"choose one with {option}, or bootstrap one for each of them",
        )
    return different[0]


def _valid(kind: Any, value: str, what: str) -> str:
    try:
        return str(TypeAdapter(kind).validate_python(value))
    except ValidationError as error:
        raise UsageError(f"{what} is {value!r}", hint=error.errors()[0]["msg"].removeprefix("Value error, ")) from None
