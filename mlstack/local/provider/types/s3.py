"""S3: the bucket, and its settings as resources of their own."""

from collections.abc import Callable
from typing import Any

from mlstack.local.provider.schema import (
    REGION,
    TAGS,
    Call,
    Property,
    ResourceType,
    Values,
    boolean,
    integer,
    name,
    objects,
    one,
    policy,
    string,
    strings,
)
from mlstack.local.provider.types.aws import from_pairs, given, or_undone, pairs, refusal, unless_gone

_GONE = ("NoSuchBucket", "404", "NotFound")
BUCKET = string(required=True, forces_new=True)


def _create_bucket(call: Call, inputs: Values) -> str:
    name: str = inputs["bucket"]
    if call.region == "us-east-1" and unless_gone(lambda: call.client.head_bucket(Bucket=name), *_GONE):
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
    if unless_gone(lambda: call.client.head_bucket(Bucket=name), *_GONE) is None:
        return None
    lock = unless_gone(
        lambda: call.client.get_object_lock_configuration(Bucket=name), "ObjectLockConfigurationNotFoundError"
    )
    tags = unless_gone(lambda: call.client.get_bucket_tagging(Bucket=name), "NoSuchTagSet")
    return {
        "bucket": name,
        "objectLockEnabled": lock is not None,
        "tags": from_pairs(tags["TagSet"]) if tags else {},
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegion": call.region,
        "bucketRegionalDomainName": f"{name}.s3.{call.region}.amazonaws.com",
    }


def _delete_bucket(call: Call, name: str, state: Values) -> None:
    if state.get("forceDestroy"):
        unless_gone(lambda: _empty(call, name), *_GONE)
    unless_gone(lambda: call.client.delete_bucket(Bucket=name), *_GONE)


def _empty(call: Call, name: str) -> bool:
    for page in call.client.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if versions:
            objects_ = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
            call.client.delete_objects(Bucket=name, Delete={"Objects": objects_, "Quiet": True})
    return True


def _setting(
    token: str,
    properties: dict[str, Property],
    put: Callable[[Any, str, Values], object],
    get: Callable[[Any, str], Values | None],
    remove: Callable[[Any, str], object] | None,
    missing: str,
    *,
    not_returned: tuple[str, ...] = (),
) -> ResourceType:
    """One configuration of a bucket: put it, get it, remove it. Its id is the bucket's name."""

    def create(call: Call, inputs: Values) -> str:
        put(call.client, inputs["bucket"], inputs)
        return str(inputs["bucket"])

    def read(call: Call, name: str, state: Values) -> Values | None:
        found = unless_gone(lambda: get(call.client, name), missing, *_GONE)
        return None if found is None else {"bucket": name, **found}

    def update(call: Call, name: str, old: Values, new: Values) -> None:
        put(call.client, name, new)

    def delete(call: Call, name: str, state: Values) -> None:
        if remove is not None:
            unless_gone(lambda: remove(call.client, name), missing, *_GONE)

    return ResourceType(
        token=token,
        service="s3",
        properties={"bucket": BUCKET, "region": REGION, **properties},
        outputs=(),
        name="bucket",
        create=create,
        read=read,
        update=update,
        delete=delete,
        not_returned=not_returned,
    )


_ACCESS = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


def _get_access(client: Any, name: str) -> Values:
    found = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    return {ours: bool(found.get(theirs)) for ours, theirs in _ACCESS.items()}


def _put_access(client: Any, name: str, inputs: Values) -> None:
    blocks = {theirs: bool(inputs.get(ours)) for ours, theirs in _ACCESS.items()}
    client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocks)


def _put_encryption(client: Any, name: str, inputs: Values) -> None:
    rules = []
    for rule in inputs["rules"]:
        by_default = rule["applyServerSideEncryptionByDefault"]
        algorithm = given(SSEAlgorithm=by_default["sseAlgorithm"], KMSMasterKeyID=by_default.get("kmsMasterKeyId"))
        blocked = rule.get("blockedEncryptionTypes")
        rules.append(
            given(
                ApplyServerSideEncryptionByDefault=algorithm,
                BucketKeyEnabled=rule.get("bucketKeyEnabled"),
                BlockedEncryptionTypes=blocked and {"EncryptionType": blocked},
            )
        )
    client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def _get_encryption(client: Any, name: str) -> Values:
    rules = []
    for rule in client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]:
        found = rule["ApplyServerSideEncryptionByDefault"]
        by_default = given(sseAlgorithm=found["SSEAlgorithm"], kmsMasterKeyId=found.get("KMSMasterKeyID"))
        enabled = bool(rule.get("BucketKeyEnabled"))
        rules.append({"applyServerSideEncryptionByDefault": by_default, "bucketKeyEnabled": enabled})
    return {"rules": rules}


def _put_lifecycle(client: Any, name: str, inputs: Values) -> None:
    rules = []
    for rule in inputs["rules"]:
        uploads, versions, objects_ = (
            rule.get("abortIncompleteMultipartUpload"),
            rule.get("noncurrentVersionExpiration"),
            rule.get("expiration"),
        )
        rules.append(
            given(
                ID=rule["id"],
                Status=rule["status"],
                Filter={"Prefix": (rule.get("filter") or {}).get("prefix", "")},
                AbortIncompleteMultipartUpload=uploads and {"DaysAfterInitiation": uploads["daysAfterInitiation"]},
                NoncurrentVersionExpiration=versions
                and given(
                    NoncurrentDays=versions["noncurrentDays"],
                    NewerNoncurrentVersions=versions.get("newerNoncurrentVersions"),
                ),
                Expiration=objects_ and {"Days": objects_["days"]},
                Transitions=[
                    {"Days": each["days"], "StorageClass": each["storageClass"]} for each in rule.get("transitions", ())
                ]
                or None,
            )
        )
    client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})


def _get_lifecycle(client: Any, name: str) -> Values:
    rules = []
    for rule in client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]:
        uploads, versions, objects_ = (
            rule.get("AbortIncompleteMultipartUpload"),
            rule.get("NoncurrentVersionExpiration"),
            rule.get("Expiration"),
        )
        rules.append(
            given(
                id=rule["ID"],
                status=rule["Status"],
                filter={"prefix": rule.get("Filter", {}).get("Prefix", "")},
                abortIncompleteMultipartUpload=uploads and {"daysAfterInitiation": uploads["DaysAfterInitiation"]},
                noncurrentVersionExpiration=versions and {"noncurrentDays": versions["NoncurrentDays"]},
                expiration=objects_ and {"days": objects_["Days"]},
                transitions=[
                    {"days": each["Days"], "storageClass": each["StorageClass"]} for each in rule.get("Transitions", ())
                ]
                or None,
            )
        )
    return {"rules": rules}


def _get_versioning(client: Any, name: str) -> Values | None:
    # A bucket that never was versioned has no status at all.
    status = client.get_bucket_versioning(Bucket=name).get("Status")
    return status and {"versioningConfiguration": {"status": status}}


def _get_logging(client: Any, name: str) -> Values | None:
    # A bucket without logging is no error to AWS.
    found = client.get_bucket_logging(Bucket=name).get("LoggingEnabled")
    return found and {"targetBucket": found["TargetBucket"], "targetPrefix": found["TargetPrefix"]}


_CLASSES = ("GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR")
_STATUS = ("Enabled", "Disabled")

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
    _setting(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        {
            "rule": one(
                {
                    "objectOwnership": string(
                        required=True, choices=("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")
                    )
                },
                required=True,
            )
        },
        lambda client, name, inputs: client.put_bucket_ownership_controls(
            Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": inputs["rule"]["objectOwnership"]}]}
        ),
        lambda client, name: {
            "rule": {
                "objectOwnership": client.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"][0][
                    "ObjectOwnership"
                ]
            }
        },
        lambda client, name: client.delete_bucket_ownership_controls(Bucket=name),
        "OwnershipControlsNotFoundError",
    ),
    _setting(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {name: boolean(default=False) for name in _ACCESS},
        _put_access,
        _get_access,
        lambda client, name: client.delete_public_access_block(Bucket=name),
        "NoSuchPublicAccessBlockConfiguration",
    ),
    _setting(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        {
            "rules": objects(
                {
                    "applyServerSideEncryptionByDefault": one(
                        {
                            "sseAlgorithm": string(required=True, choices=("AES256", "aws:kms", "aws:kms:dsse")),
                            "kmsMasterKeyId": string(),
                        },
                        required=True,
                    ),
                    "bucketKeyEnabled": boolean(default=False),
                    "blockedEncryptionTypes": strings(choices=("SSE-C", "NONE")),
                },
                required=True,
            )
        },
        _put_encryption,
        _get_encryption,
        lambda client, name: client.delete_bucket_encryption(Bucket=name),
        "ServerSideEncryptionConfigurationNotFoundError",
    ),
    _setting(
        "aws:s3/bucketVersioning:BucketVersioning",
        {
            "versioningConfiguration": one(
                {"status": string(required=True, choices=("Enabled", "Suspended"))}, required=True
            )
        },
        lambda client, name, inputs: client.put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": inputs["versioningConfiguration"]["status"]}
        ),
        _get_versioning,
        # A bucket that was versioned once can only be suspended, which is what the real plugin does.
        lambda client, name: client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"}),
        "NoSuchBucket",
    ),
    _setting(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {
            "rules": objects(
                {
                    "id": string(required=True),
                    "status": string(required=True, choices=_STATUS),
                    "filter": one({"prefix": string(default="")}),
                    "abortIncompleteMultipartUpload": one({"daysAfterInitiation": integer(required=True)}),
                    "noncurrentVersionExpiration": one(
                        {"noncurrentDays": integer(required=True), "newerNoncurrentVersions": integer()}
                    ),
                    "expiration": one({"days": integer(required=True)}),
                    "transitions": objects(
                        {"days": integer(required=True), "storageClass": string(required=True, choices=_CLASSES)},
                        unordered=True,
                    ),
                },
                required=True,
            )
        },
        _put_lifecycle,
        _get_lifecycle,
        lambda client, name: client.delete_bucket_lifecycle(Bucket=name),
        "NoSuchLifecycleConfiguration",
    ),
    _setting(
        "aws:s3/bucketPolicy:BucketPolicy",
        {"policy": policy(required=True)},
        lambda client, name, inputs: client.put_bucket_policy(Bucket=name, Policy=inputs["policy"]),
        lambda client, name: {"policy": client.get_bucket_policy(Bucket=name)["Policy"]},
        lambda client, name: client.delete_bucket_policy(Bucket=name),
        "NoSuchBucketPolicy",
    ),
    _setting(
        "aws:s3/bucketLogging:BucketLogging",
        {"targetBucket": string(required=True), "targetPrefix": string(required=True)},
        lambda client, name, inputs: client.put_bucket_logging(
            Bucket=name,
            BucketLoggingStatus={
                "LoggingEnabled": {"TargetBucket": inputs["targetBucket"], "TargetPrefix": inputs["targetPrefix"]}
            },
        ),
        _get_logging,
        lambda client, name: client.put_bucket_logging(Bucket=name, BucketLoggingStatus={}),
        "NoSuchBucket",
    ),
)
