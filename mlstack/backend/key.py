"""The KMS key that encrypts the bucket and the secrets in the state."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from mlstack.backend.aws import Clients, found
from mlstack.backend.documents import key_policy_text
from mlstack.backend.part import Part
from mlstack.backend.place import TAG, Place


class Key:
    """The key that the backend's alias points at; else the one that an interrupted run left without alias."""

    def __init__(self, place: Place, aws: Clients) -> None:
        self._place = place
        self._kms = aws.kms
        self._alias = place.names.key_alias
        aliased = found(lambda: self._kms.describe_key(KeyId=self._alias), "NotFoundException")
        self._aliased = aliased is not None
        self._key: dict[str, Any] | None = aliased["KeyMetadata"] if aliased else self._left_behind()

    @property
    def arn(self) -> str | None:
        return self._key["Arn"] if self._key else None

    def parts(self) -> Iterator[Part]:
        """In the order in which they are mended; each is looked at when its turn comes."""
        what, kms = f"key {self._alias}", self._kms
        yield Part(what=what, found=self._key and "there", wanted="there", mend=self._make)
        yield Part(
            what=f"{what}: alias", found="there" if self._aliased else None, wanted="there", mend=self._give_alias
        )
        yield Part(
            what=f"{what}: state", found=self._key and self._key["KeyState"], wanted="Enabled", mend=self._enable
        )
        policy = key_policy_text(self._place)
        yield Part(
            what=f"{what}: policy",
            found=self._key and kms.get_key_policy(KeyId=self.arn, PolicyName="default")["Policy"],
            wanted=policy,
            mend=lambda: kms.put_key_policy(KeyId=self.arn, PolicyName="default", Policy=policy),
        )
        yield Part(
            what=f"{what}: yearly rotation",
            found=self._rotation(),
            wanted="on",
            mend=lambda: kms.enable_key_rotation(KeyId=self.arn),
        )

    def _rotation(self) -> str | None:
        if self._key is None:
            return None
        # Of a key that is to be deleted it cannot be asked.
        usable = self._key["KeyState"] != "PendingDeletion"
        return "on" if usable and self._kms.get_key_rotation_status(KeyId=self.arn)["KeyRotationEnabled"] else "off"

    def _left_behind(self) -> dict[str, Any] | None:
        """One that works, else one that is about to be deleted: without it old states are unreadable."""
        tag = {"TagKey": TAG, "TagValue": self._place.name}
        ours = []
        for page in self._kms.get_paginator("list_keys").paginate():
            for each in page["Keys"]:
                # The key policies of others need not let us look.
                answer = found(partial(self._kms.list_resource_tags, KeyId=each["KeyId"]), "AccessDeniedException")
                if tag in (answer or {"Tags": []})["Tags"]:
                    ours.append(self._kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"])
        return min(ours, key=lambda key: (key["KeyState"] != "Enabled", key["CreationDate"]), default=None)

    def _make(self) -> None:
        self._key = self._kms.create_key(
            Description=f"Pulumi's state of {self._place.name}, and the secrets in it",
            Policy=key_policy_text(self._place),
            Tags=[{"TagKey": TAG, "TagValue": self._place.name}],
        )["KeyMetadata"]

    def _give_alias(self) -> None:
        self._kms.create_alias(AliasName=self._alias, TargetKeyId=self.arn)
        self._aliased = True

    def _enable(self) -> None:
        assert self._key is not None
        if self._key["KeyState"] == "PendingDeletion":
            self._kms.cancel_key_deletion(KeyId=self._key["KeyId"])
        self._kms.enable_key(KeyId=self._key["KeyId"])
        self._key = self._kms.describe_key(KeyId=self.arn)["KeyMetadata"]
