"""What of a stack holds data that cannot be had back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlstack.engine import Step
from mlstack.errors import MLStackError

KINDS = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:ecr/repository:Repository": "repository",
    "aws:kms/key:Key": "key",
    "aws:cloudwatch/logGroup:LogGroup": "log group",
}


@dataclass(frozen=True, kw_only=True)
class Held:
    """A resource that holds data."""

    kind: str
    name: str
    protected: bool
    emptied: bool
    """Deleted together with what is in it."""
    window_days: int | None = None
    """Of a key: days in which its deletion can be taken back."""

    def __str__(self) -> str:
        if self.kind == "key":
            return f"key {self.name}, after {self.window_days} days: what it encrypted is unreadable then"
        return f"{self.kind} {self.name}" + (" with everything in it" if self.emptied else "")


def in_state(resources: Iterable[Mapping[str, Any]]) -> list[Held]:
    """Of a stack, from the state that the engine exports."""
    return [
        Held(
            kind=KINDS[each["type"]],
            name=_name(each),
            protected=bool(each.get("protect")),
            emptied=_is_emptied(each.get("inputs") or {}, each["type"]),
            window_days=(each.get("inputs") or {}).get("deletionWindowInDays"),
        )
        for each in resources
        if each["type"] in KINDS and not each.get("delete")
    ]


def lost_in(steps: Iterable[Step]) -> list[str]:
    """What a preview deletes or replaces, in words."""
    return [
        f"{KINDS[step.type]} {step.name} is {step.operation}d"
        + (f" ({', '.join(step.reasons)})" if step.reasons else "")
        for step in steps
        if step.type in KINDS and step.operation in ("delete", "replace")
    ]


def refuse_protected(held: Iterable[Held], environment: str) -> None:
    """Raises MLStackError when the engine would refuse to delete something, half-way."""
    protected = [f"{each.kind} {each.name}" for each in held if each.protected]
    if protected:
        raise MLStackError(
            f"protected: {', '.join(protected)}; nothing was changed",
            hint=f"set mlstack:protect: false in Pulumi.{environment}.yaml and `mlstack deploy` that first",
        )


def refuse_full(held: Iterable[Held], region: str, environment: str) -> None:
    """Raises MLStackError for what AWS would refuse to delete because something is in it.

    What cannot be looked into, for want of credentials or rights, is left to AWS.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    for each in held:
        if each.emptied or each.kind not in _SETTINGS:
            continue
        try:
            if each.kind == "bucket":
                client = boto3.client("s3", region_name=region)
                found = client.list_object_versions(Bucket=each.name, MaxKeys=1)
                full = bool(found.get("Versions") or found.get("DeleteMarkers"))
            else:
                client = boto3.client("ecr", region_name=region)
                full = bool(client.list_images(repositoryName=each.name, maxResults=1)["imageIds"])
        except (BotoCoreError, ClientError):
            continue
        if full:
            raise MLStackError(
                f"{each.kind} {each.name} is not empty, and AWS deletes only empty ones; nothing was changed",
                hint=f"empty it, or set mlstack:{_SETTINGS[each.kind]}: true in Pulumi.{environment}.yaml "
                "and `mlstack deploy` that first",
            )


_SETTINGS = {"bucket": "artifactStoreForceDestroy", "repository": "containerRegistryForceDelete"}


def _name(resource: Mapping[str, Any]) -> str:
    inputs = resource.get("inputs") or {}
    named = inputs.get("bucket") or inputs.get("name") or resource.get("id") or resource["urn"].rpartition("::")[2]
    return str(named)


def _is_emptied(inputs: Mapping[str, Any], type_: str) -> bool:
    if type_ == "aws:s3/bucket:Bucket":
        return bool(inputs.get("forceDestroy"))
    if type_ == "aws:ecr/repository:Repository":
        return bool(inputs.get("forceDelete"))
    return True
