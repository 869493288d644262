"""S3: the bucket. Its settings are resources of their own, in `s3_settings`."""

from mlstack.local.provider.partition import partition_of
from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, boolean, name
from mlstack.local.provider.types.aws import from_pairs, given, or_undone, pairs, refusal, unless_gone

GONE = ("NoSuchBucket", "404", "NotFound")
"""What S3 answers when there is no such bucket."""


def _create_bucket(call: Call, inputs: Values) -> str:
    name: str = inputs["bucket"]
    if call.region == "us-east-1" and unless_gone(lambda: call.client.head_bucket(Bucket=name), *GONE):
        # Only there AWS answers that all is well; the real plugin asks first, too.
        message = f"Bucket {name} is there already, and yours."
        raise refusal("CreateBucket", "BucketAlreadyOwnedByYou", message)
    # us-east-1 is the region that must not be named.
    where = {} if call.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": call.region}}
    call.client.create_bucket(Bucket=name, **where, **given(ObjectLockEnabledForBucket=inputs.get("objectLockEnabled")))
    if call.tags:
        with or_undone(lambda: call.client.delete_bucket(Bucket=name)):
            _tag_bucket(call, name)
    return name


def _tag_bucket(call: Call, name: str) -> None:
    if call.tags:
        call.client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(call.tags)})
    else:
        call.client.delete_bucket_tagging(Bucket=name)


def _read_bucket(call: Call, name: str, state: Values) -> Values | None:
    if unless_gone(lambda: call.client.head_bucket(Bucket=name), *GONE) is None:
        return None
    lock = unless_gone(
        lambda: call.client.get_object_lock_configuration(Bucket=name), "ObjectLockConfigurationNotFoundError"
    )
    tags = unless_gone(lambda: call.client.get_bucket_tagging(Bucket=name), "NoSuchTagSet")
    partition = partition_of(call.region)
    return {
        "bucket": name,
        "objectLockEnabled": lock is not None,
        "tags": from_pairs(tags["TagSet"]) if tags else {},
        "arn": f"arn:{partition.name}:s3:::{name}",
        "bucketDomainName": f"{name}.s3.{partition.dns_suffix}",
        "bucketRegion": call.region,
        "bucketRegionalDomainName": f"{name}.s3.{call.region}.{partition.dns_suffix}",
    }


def _delete_bucket(call: Call, name: str, state: Values) -> None:
    if state.get("forceDestroy"):
        unless_gone(lambda: _empty(call, name), *GONE)
    unless_gone(lambda: call.client.delete_bucket(Bucket=name), *GONE)


def _empty(call: Call, name: str) -> bool:
    for page in call.client.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if versions:
            objects_ = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
            call.client.delete_objects(Bucket=name, Delete={"Objects": objects_, "Quiet": True})
    return True


TYPES = (
    ResourceType(
        token="aws:s3/bucket:Bucket",
        service="s3",
        properties={
            "bucket": name(),
            "forceDestroy": boolean(default=False),
            "objectLockEnabled": boolean(computed=True, forces_new=True),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "bucketDomainName", "bucketRegion", "bucketRegionalDomainName"),
        name="bucket",
        create=_create_bucket,
        read=_read_bucket,
        update=lambda call, name, old, new: _tag_bucket(call, name),
        delete=_delete_bucket,
        not_returned=("forceDestroy",),
    ),
)
