"""Where S3 writes down who read and wrote artifacts."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws.s3 import BucketLogging

from components.after import after
from components.iam import Statement
from components.names import Names
from components.private_bucket import PrivateBucket, PrivateBucketArgs

_DELIVERY = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html"


@dataclass(frozen=True, kw_only=True)
class AccessLogsArgs:
    names: Names
    bucket: str | None = None
    """Of an existing bucket. Without it one is made."""
    retention_days: int = 365
    """Days for which the logs are kept in a bucket of this stack."""
    force_destroy: bool = False
    """Delete the logs together with the bucket on `pulumi destroy`. Not recoverable."""
    tags: dict[str, str] = field(default_factory=dict)


class AccessLogs(ComponentResource):
    """A bucket that only S3's log delivery writes to, encrypted by S3 itself: it delivers to no other key."""

    bucket: Output[str]
    """The log bucket. Resolves once S3 may deliver to it."""

    def __init__(self, name: str, args: AccessLogsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:AccessLogs", name, {}, opts)
        self._args = args
        self._mine = ResourceOptions(parent=self)
        self.bucket = Output.from_input(args.bucket) if args.bucket else self._make(name)
        self.register_outputs({"bucket": self.bucket})

    def _make(self, name: str) -> Output[str]:
        args, names = self._args, self._args.names
        arn = f"arn:{names.partition}:s3:::{names.access_log_bucket}"
        bucket = PrivateBucket(
            name,
            PrivateBucketArgs(
                bucket=names.access_log_bucket,
                arn=arn,
                statements=(log_delivery(names, names.access_log_bucket),),
                lifecycle=[
                    {
                        "id": "drop-old-logs",
                        "expiration": {"days": args.retention_days},
                        "noncurrent_version_expiration": {"noncurrent_days": 30},
                    }
                ],
                force_destroy=args.force_destroy,
                tags=args.tags,
            ),
            self._mine,
        )
        return after(names.access_log_bucket, *bucket.ready)

    def log(self, name: str, bucket: Output[str], opts: ResourceOptions) -> BucketLogging:
        """Switch the logs of `bucket` on."""
        return BucketLogging(
            f"{name}-access-logs",
            bucket=bucket,
            target_bucket=self.bucket,
            target_prefix=_prefix(self._args.names),
            opts=opts,
        )


def log_delivery(names: Names, log_bucket: str) -> Statement:
    """What the policy of the log bucket has to allow."""
    return Statement(
        sid="LogDelivery",
        actions=("s3:PutObject",),
        resources=(f"arn:{names.partition}:s3:::{log_bucket}/{_prefix(names)}*",),
        principals={"Service": "logging.s3.amazonaws.com"},
        conditions={
            "StringEquals": {"aws:SourceAccount": names.account_id},
            "ArnLike": {"aws:SourceArn": names.bucket_arn},
        },
        why="S3 delivers the access logs of the artifact bucket, and of no other",
        source=_DELIVERY,
    )


def _prefix(names: Names) -> str:
    return f"{names.bucket}/"
