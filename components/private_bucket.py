"""The parts that every bucket of a stack has: closed to the public, owner enforced, versioned, TLS only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pulumi import Input, Output, ResourceOptions
from pulumi_aws.s3 import (
    Bucket,
    BucketLifecycleConfiguration,
    BucketNotification,
    BucketOwnershipControls,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
    BucketVersioning,
)

from components.iam import BUCKET_POLICY_LIMIT, Statement, document, tls_only


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    bucket: str
    arn: str
    key_arn: Input[str] | None = None
    """Encrypts the objects. Without it S3's own key does (SSE-S3)."""
    statements: tuple[Statement, ...] = ()
    """Of the bucket policy, beside those that ask for TLS."""
    lifecycle: Sequence[Mapping[str, object]] = ()
    """Rules beside the one that drops unfinished uploads."""
    force_destroy: bool = False
    keep: frozenset[str] = frozenset()
    """What an adopted bucket keeps as it was found (`mlstack:keep`)."""
    tags: dict[str, str] = field(default_factory=dict)


class PrivateBucket:
    """A bucket and its settings, as children of a component. Not a component itself: it has no name of its own."""

    def __init__(self, name: str, args: PrivateBucketArgs, opts: ResourceOptions) -> None:
        bucket = Bucket(
            f"{name}-bucket", bucket=args.bucket, force_destroy=args.force_destroy, tags=args.tags, opts=opts
        )
        closed = self._close(name, args, bucket.bucket, opts)
        encrypted = bucket.bucket
        if "bucket-encryption" not in args.keep:
            encrypted = _encrypt(name, args, encrypted, opts)
        versioned = bucket.bucket
        if "versioning" not in args.keep:
            versioned = BucketVersioning(
                f"{name}-versioning", bucket=versioned, versioning_configuration={"status": "Enabled"}, opts=opts
            ).bucket
        if "bucket-lifecycle" not in args.keep:
            self._limit_ages(name, args, versioned, opts)
        if "bucket-events" not in args.keep:
            # To EventBridge, where rules decide: nobody has to change the bucket to see what happens in it.
            BucketNotification(f"{name}-events", bucket=bucket.bucket, eventbridge=True, opts=opts)
        if "bucket-policy" not in args.keep:
            statements = (*tls_only(args.arn), *args.statements)
            closed = BucketPolicy(
                f"{name}-policy",
                # Through the access block: S3 refuses the two at once with OperationAborted.
                bucket=closed,
                policy=document(statements, limit=BUCKET_POLICY_LIMIT, what=f"the policy of {args.bucket}"),
                opts=opts,
            ).bucket
        self.bucket: Output[str] = bucket.bucket
        self.ready: tuple[Output[str], ...] = (closed, encrypted, versioned)
        """Inputs echoed back: resolve when the bucket is fit for use."""

    def _close(self, name: str, args: PrivateBucketArgs, bucket: Output[str], opts: ResourceOptions) -> Output[str]:
        """Closed to the public. The bucket's name, once that is so."""
        if "public-access" in args.keep:
            return bucket
        BucketOwnershipControls(
            f"{name}-ownership", bucket=bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=opts
        )
        closed: Output[str] = BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=opts,
        ).bucket
        return closed

    def _limit_ages(self, name: str, args: PrivateBucketArgs, versioned: Output[str], opts: ResourceOptions) -> None:
        unfinished = {
            "id": "drop-unfinished-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        }
        BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            # Through the versioning: rules on old versions are refused before it.
            bucket=versioned,
            rules=[unfinished, *({"status": "Enabled", "filter": {"prefix": ""}, **rule} for rule in args.lifecycle)],
            opts=opts,
        )


def _encrypt(name: str, args: PrivateBucketArgs, bucket: Output[str], opts: ResourceOptions) -> Output[str]:
    by_default: dict[str, Input[str]] = (
        {"sse_algorithm": "AES256"}
        if args.key_arn is None
        else {"sse_algorithm": "aws:kms", "kms_master_key_id": args.key_arn}
    )
    encrypted: Output[str] = BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket,
        rules=[
            {
                "apply_server_side_encryption_by_default": by_default,
                "bucket_key_enabled": args.key_arn is not None,
                # With keys of the client's own nobody else could read the object, and no log would say so.
                "blocked_encryption_types": ["SSE-C"],
            }
        ],
        opts=opts,
    ).bucket
    return encrypted
