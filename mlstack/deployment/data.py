"""What of a stack holds data that cannot be had back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mlstack.errors import UsageError
from mlstack.outcome import Step
from mlstack.review.guards import KINDS


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


def left_behind(resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """What `pulumi destroy` does not delete, in words: repositories that ECR itself made for its cache."""
    rules = [
        each["inputs"] for each in resources if each["type"] == "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"
    ]
    return [f"copies of base images in repositories {each['ecrRepositoryPrefix']}/*" for each in rules]


def lost_in(steps: Iterable[Step]) -> list[str]:
    """What a preview deletes or replaces, in words."""
    return [
        f"{KINDS[step.type]} {step.name} is {step.operation}d"
        + (f" ({', '.join(step.reasons)})" if step.reasons else "")
        for step in steps
        if step.type in KINDS and step.operation in ("delete", "replace")
    ]


def refuse(held: Iterable[Held], look: "Look | None", environment: str) -> None:
    """Raises UsageError for all that would stop `pulumi destroy` half-way: what is protected, and what is not empty.

    `look`: None when nothing is to be looked into. What we may not see is left to AWS.
    """
    held = list(held)
    protected = [each for each in held if each.protected]
    full = [each for each in held if look and each.kind in _SETTINGS and not each.emptied and look.is_full(each)]
    if not protected and not full:
        return
    said = [f"{each.kind} {each.name} is protected" for each in protected]
    said += [f"{each.kind} {each.name} is not empty, and AWS deletes only empty ones" for each in full]
    wanted = ["mlstack:protect: false"] if protected else []
    wanted += dict.fromkeys(f"mlstack:{_SETTINGS[each.kind]}: true" for each in full)
    raise UsageError(
        "\n".join(said) + "\nnothing was changed",
        hint=f"set {' and '.join(wanted)} in Pulumi.{environment}.yaml, and `mlstack deploy` that first",
    )


class Look:
    """Into AWS, with the credentials that the stack was deployed with: `aws:profile` and `aws:assumeRoles` count."""

    def __init__(self, resources: Iterable[Mapping[str, Any]], region: str) -> None:
        providers = (each.get("inputs") or {} for each in resources if each["type"] == "pulumi:providers:aws")
        self._provider: Mapping[str, Any] = next(providers, {})
        self._region = region

    def is_full(self, held: Held) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if held.kind == "bucket":
                found = self._session.client("s3").list_object_versions(Bucket=held.name, MaxKeys=1)
                return bool(found.get("Versions") or found.get("DeleteMarkers"))
            images = self._session.client("ecr").list_images(repositoryName=held.name, maxResults=1)
            return bool(images["imageIds"])
        except (BotoCoreError, ClientError):
            return False

    @cached_property
    def _session(self) -> Any:
        import boto3

        session = boto3.Session(profile_name=self._provider.get("profile"), region_name=self._region)
        roles = self._provider.get("assumeRoles") or "[]"
        for role in json.loads(roles) if isinstance(roles, str) else roles:
            asked = {"RoleArn": role["roleArn"], "RoleSessionName": role.get("sessionName", "mlstack")}
            asked |= {"ExternalId": role["externalId"]} if role.get("externalId") else {}
            given = session.client("sts").assume_role(**asked)["Credentials"]
            session = boto3.Session(
                aws_access_key_id=given["AccessKeyId"],
                aws_secret_access_key=given["SecretAccessKey"],
                aws_session_token=given["SessionToken"],
                region_name=self._region,
            )
        return session


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
