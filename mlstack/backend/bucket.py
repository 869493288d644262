"""The bucket that holds the state."""

from collections.abc import Callable, Iterator
from typing import Any

from mlstack.backend.aws import Clients, found
from mlstack.backend.documents import bucket_policy_text, lifecycle
from mlstack.backend.part import Part
from mlstack.backend.place import TAG, Place
from mlstack.errors import UsageError

_CLOSED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


class Bucket:
    """Raises UsageError when the bucket of that name is somebody else's, or elsewhere."""

    def __init__(self, place: Place, aws: Clients) -> None:
        self._place = place
        self._s3 = aws.s3
        self._of = {"Bucket": place.names.bucket, "ExpectedBucketOwner": place.account_id}
        self._there = self._look()

    def parts(self, key_arn: str) -> Iterator[Part]:
        """In the order in which they are mended; each is looked at when its turn comes.

        `key_arn`: the key that encrypts it.
        """
        what = f"bucket {self._place.names.bucket}"
        yield Part(what=what, found="there" if self._there else None, wanted="there", mend=self._make)
        for name, wanted, ask, mend in self._settings(key_arn):
            yield Part(what=f"{what}: {name}", found=ask() if self._there else None, wanted=wanted, mend=mend)

    def _look(self) -> bool:
        from botocore.exceptions import ClientError

        bucket, region = self._place.names.bucket, self._place.region
        try:
            there = self._s3.head_bucket(**self._of)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 404:
                return False
            if status == 403:
                raise UsageError(
                    f"the bucket {bucket} is not of account {self._place.account_id}, or you may not list it; "
                    "nothing was changed",
                    hint="another account's bucket is never used for state: choose another --name; "
                    "in your own account you need s3:ListBucket on it",
                ) from None
            if status not in (301, 400):
                raise
            there = error.response
        headers = there["ResponseMetadata"]["HTTPHeaders"]
        where = there.get("BucketRegion") or headers.get("x-amz-bucket-region", region)
        if where != region:
            raise UsageError(
                f"the bucket {bucket} is in {where}, and the backend of {region} is meant; nothing was changed",
                hint=f"name that region with --region {where}, or choose another --name",
            )
        return True

    def _make(self) -> None:
        where = {"CreateBucketConfiguration": {"LocationConstraint": self._place.region}}
        self._s3.create_bucket(
            Bucket=self._place.names.bucket,
            ObjectOwnership="BucketOwnerEnforced",
            **({} if self._place.region == "us-east-1" else where),
        )
        self._there = True

    def _settings(self, key_arn: str) -> Iterator[tuple[str, Any, Callable[[], Any], Callable[[], object]]]:
        """Name, what is wanted, how it is asked for, how it is set."""
        s3, of = self._s3, self._of
        yield (
            "public access",
            _CLOSED,
            lambda: _in(
                found(lambda: s3.get_public_access_block(**of), "NoSuchPublicAccessBlockConfiguration"),
                "PublicAccessBlockConfiguration",
            ),
            lambda: s3.put_public_access_block(**of, PublicAccessBlockConfiguration=_CLOSED),
        )
        owner = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        yield (
            "ownership",
            owner,
            lambda: _in(
                found(lambda: s3.get_bucket_ownership_controls(**of), "OwnershipControlsNotFoundError"),
                "OwnershipControls",
            ),
            lambda: s3.put_bucket_ownership_controls(**of, OwnershipControls=owner),
        )
        yield (
            "versioning",
            "Enabled",
            lambda: s3.get_bucket_versioning(**of).get("Status", "off"),
            lambda: s3.put_bucket_versioning(**of, VersioningConfiguration={"Status": "Enabled"}),
        )
        by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
        encryption = {"ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": True}
        yield (
            "encryption",
            encryption,
            self._encryption,
            lambda: s3.put_bucket_encryption(**of, ServerSideEncryptionConfiguration={"Rules": [encryption]}),
        )
        policy = bucket_policy_text(self._place, key_arn)
        yield (
            "policy",
            policy,
            lambda: _in(found(lambda: s3.get_bucket_policy(**of), "NoSuchBucketPolicy"), "Policy"),
            lambda: s3.put_bucket_policy(**of, Policy=policy),
        )
        yield (
            "lifecycle",
            lifecycle(),
            self._lifecycle,
            lambda: s3.put_bucket_lifecycle_configuration(**of, LifecycleConfiguration={"Rules": lifecycle()}),
        )
        yield (f"tag {TAG}", self._place.name, lambda: self._tags().get(TAG), self._tag)

    def _encryption(self) -> Any:
        answer = found(
            lambda: self._s3.get_bucket_encryption(**self._of), "ServerSideEncryptionConfigurationNotFoundError"
        )
        if answer is None:
            return None
        rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
        # What S3 adds by itself, such as which other encryptions it refuses, is said by the policy too.
        wanted = ("ApplyServerSideEncryptionByDefault", "BucketKeyEnabled")
        return {each: rule[each] for each in wanted if each in rule}

    def _lifecycle(self) -> Any:
        answer = found(lambda: self._s3.get_bucket_lifecycle_configuration(**self._of), "NoSuchLifecycleConfiguration")
        # A filter on nothing may come back empty.
        return answer and [{**rule, "Filter": rule.get("Filter") or {"Prefix": ""}} for rule in answer["Rules"]]

    def _tags(self) -> dict[str, str]:
        answer = found(lambda: self._s3.get_bucket_tagging(**self._of), "NoSuchTagSet")
        return {each["Key"]: each["Value"] for each in (answer or {}).get("TagSet", [])}

    def _tag(self) -> None:
        """Beside the tags that it has: S3 replaces all of them at once."""
        tags = {**self._tags(), TAG: self._place.name}
        self._s3.put_bucket_tagging(
            **self._of, Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}
        )


def _in(answer: dict[str, Any] | None, name: str) -> Any:
    return None if answer is None else answer[name]
