"""S3: the settings of a bucket, each a resource of its own."""

from collections.abc import Callable
from typing import Any

from mlstack.local.provider.schema import (
    REGION,
    Call,
    Property,
    ResourceType,
    Values,
    boolean,
    integer,
    objects,
    one,
    policy,
    string,
    strings,
)
from mlstack.local.provider.types import s3_rules
from mlstack.local.provider.types.aws import unless_gone
from mlstack.local.provider.types.s3 import GONE

BUCKET = string(required=True, forces_new=True)


def _setting(
    token: str,
    properties: dict[str, Property],
    put: Callable[[Any, str, Values], object],
    get: Callable[[Any, str], Values | None],
    remove: Callable[[Any, str], object] | None,
    missing: str,
    *,
    changes: bool = True,
    not_returned: tuple[str, ...] = (),
) -> ResourceType:
    """One configuration of a bucket: put it, get it, remove it. Its id is the bucket's name.

    Without `changes` it is there or not, and has nothing that could be another.
    """

    def create(call: Call, inputs: Values) -> str:
        put(call.client, inputs["bucket"], inputs)
        return str(inputs["bucket"])

    def read(call: Call, name: str, state: Values) -> Values | None:
        found = unless_gone(lambda: get(call.client, name), missing, *GONE)
        return None if found is None else {"bucket": name, **found}

    def update(call: Call, name: str, old: Values, new: Values) -> None:
        put(call.client, name, new)

    def delete(call: Call, name: str, state: Values) -> None:
        if remove is not None:
            unless_gone(lambda: remove(call.client, name), missing, *GONE)

    return ResourceType(
        token=token,
        service="s3",
        properties={"bucket": BUCKET, "region": REGION, **properties},
        outputs=(),
        name="bucket",
        create=create,
        read=read,
        update=update if changes else None,
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


def _get_versioning(client: Any, name: str) -> Values | None:
    # A bucket that never was versioned has no status at all.
    status = client.get_bucket_versioning(Bucket=name).get("Status")
    return status and {"versioningConfiguration": {"status": status}}


def _get_logging(client: Any, name: str) -> Values | None:
    # A bucket without logging is no error to AWS.
    found = client.get_bucket_logging(Bucket=name).get("LoggingEnabled")
    return found and {"targetBucket": found["TargetBucket"], "targetPrefix": found["TargetPrefix"]}


def _get_events(client: Any, name: str) -> Values | None:
    # A bucket that notifies nobody is no error to AWS.
    found = client.get_bucket_notification_configuration(Bucket=name)
    return {"eventbridge": True} if "EventBridgeConfiguration" in found else None


def _notify(client: Any, name: str, whom: Values) -> None:
    client.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=whom)


_CLASSES = ("GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR")
_STATUS = ("Enabled", "Disabled")

TYPES = (
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
        s3_rules.put_encryption,
        s3_rules.get_encryption,
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
        s3_rules.put_lifecycle,
        s3_rules.get_lifecycle,
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
    _setting(
        "aws:s3/bucketNotification:BucketNotification",
        {"eventbridge": boolean(required=True, forces_new=True)},
        lambda client, name, inputs: _notify(client, name, {"EventBridgeConfiguration": {}}),
        _get_events,
        lambda client, name: _notify(client, name, {}),
        "NoSuchBucket",
        changes=False,
    ),
)
