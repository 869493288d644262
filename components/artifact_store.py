"""The S3 bucket behind ZenML's artifact store."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pydantic import JsonValue

from components import key_use
from components.access_logs import AccessLogs
from components.after import after
from components.encryption_key import EncryptionKey
from components.flavors import configured
from components.iam import Conditions, Statement
from components.names import BUILD_CONTEXT_DAYS, BUILD_CONTEXTS, JOB_OUTPUT, Names
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from mlstack.contract import Component


@dataclass(frozen=True, kw_only=True)
class ArtifactStoreArgs:
    names: Names
    key: EncryptionKey | None = None
    """Encrypts the objects. Without it S3's own key does (SSE-S3)."""
    access_logs: AccessLogs | None = None
    """Where S3 logs who read and wrote."""
    noncurrent_version_days: int = 90
    """Days for which an overwritten or deleted object can still be brought back."""
    force_destroy: bool = False
    """Delete the objects together with the bucket on `pulumi destroy`. Not recoverable."""
    keep: frozenset[str] = frozenset()
    """What an adopted bucket keeps as it was found (`mlstack:keep`)."""
    configuration: dict[str, JsonValue] = field(default_factory=dict)
    """More keys of ZenML's s3 artifact store."""
    tags: dict[str, str] = field(default_factory=dict)


class ArtifactStore(ComponentResource):
    """Private, versioned, encrypted bucket in which ZenML keeps artifacts, code and logs.

    An existing one is used as it is.
    """

    uri: Output[str]
    """`s3://<bucket>/<prefix>`, the `path` of ZenML's s3 artifact store. Resolves once the bucket is closed to all."""

    def __init__(self, name: str, args: ArtifactStoreArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:ArtifactStore", name, {}, opts)
        self._args = args
        existing = args.names.existing.bucket is not None
        ready = () if existing else self._make(name).ready
        self.uri = after(args.names.artifacts_uri, *ready)
        self.register_outputs({"uri": self.uri})

    def _make(self, name: str) -> PrivateBucket:
        args, mine = self._args, ResourceOptions(parent=self)
        bucket = PrivateBucket(
            name,
            PrivateBucketArgs(
                bucket=args.names.bucket,
                arn=args.names.bucket_arn,
                key_arn=args.key.arn if args.key else None,
                statements=self._refuse_other_encryption() if args.key else (),
                lifecycle=[
                    {
                        "id": "drop-old-versions",
                        "noncurrent_version_expiration": {"noncurrent_days": args.noncurrent_version_days},
                    },
                    _drop_build_contexts(),
                ],
                force_destroy=args.force_destroy,
                keep=args.keep,
                tags=args.tags,
            ),
            mine,
        )
        if args.access_logs:
            args.access_logs.log(name, bucket.bucket, mine)
        return bucket

    def _refuse_other_encryption(self) -> tuple[Statement, ...]:
        """Refuses a writer that asks for another encryption. One that asks for none gets the bucket's own."""
        names = self._args.names
        algorithm, key = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
        # The ARN of a key that is being made is unknown in its first preview and would hide this document. Roles of
        # this stack have no right on any other key anyway.
        ours = names.existing.key_arn or names.arn("kms", "key/*")
        headers = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-kms-encryption.html"
        return (
            Statement(
                sid="OtherEncryption",
                effect="Deny",
                actions=("s3:PutObject",),
                resources=(f"{names.bucket_arn}/*",),
                principals="*",
                conditions={"Null": {algorithm: "false"}, "StringNotEquals": {algorithm: "aws:kms"}},
                why="an object encrypted otherwise is outside of what the key policy limits",
                source=headers,
            ),
            Statement(
                sid="OtherKey",
                effect="Deny",
                actions=("s3:PutObject",),
                resources=(f"{names.bucket_arn}/*",),
                principals="*",
                conditions={"Null": {key: "false"}, "StringNotLike": {key: ours}},
                why="an object under a foreign key could be made unreadable by its owner",
                source=headers,
            ),
        )

    def zenml_component(self, stack_name: str) -> Component:
        """How ZenML is to use this bucket."""
        return Component(
            name=stack_name,
            flavor="s3",
            configuration=configured({"path": self._args.names.artifacts_uri}, self._args.configuration),
            connector="s3",
        )


def _drop_build_contexts() -> dict[str, object]:
    """Code that was sent to be built, by ZenML or `mlstack image build`: nothing reads it once the image is there.

    Of two rules S3 heeds the one that ends first, and its own delete markers go by the same days:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html
    """
    return {
        "id": "drop-build-contexts",
        "filter": {"prefix": f"{BUILD_CONTEXTS}/"},
        "expiration": {"days": BUILD_CONTEXT_DAYS},
        "noncurrent_version_expiration": {"noncurrent_days": 1},
    }


def grant_read_write(names: Names, *, encrypted: bool) -> tuple[Statement, ...]:
    """What ZenML needs to keep artifacts here."""
    return (
        Statement(
            sid="ArtifactsList",
            actions=("s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"),
            resources=(names.bucket_arn,),
            conditions=_below_prefix(names),
            why="s3fs lists before it reads, and logs are merged by version on a versioned bucket. "
            "No s3:prefix condition: HeadBucket has no prefix",
            source="zenml/integrations/s3/artifact_stores/s3_artifact_store.py",
        ),
        Statement(
            sid="ArtifactsReadWrite",
            actions=(
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:GetObject",
                "s3:PutObject",
            ),
            resources=(names.objects_arn(),),
            why="artifacts, step logs, uploaded code and build contexts",
            source="zenml/integrations/s3/artifact_stores/s3_artifact_store.py",
        ),
        *(key_use.grant_use_through_s3(names, "ArtifactsKey") if encrypted else ()),
    )


def _below_prefix(names: Names) -> Conditions:
    """Every listing that ZenML makes names a prefix. HeadBucket, which S3 decides as a listing too, has none."""
    if not names.prefix:
        return {}
    return {"StringLikeIfExists": {"s3:prefix": (names.prefix, f"{names.prefix}/*")}}


def grant_write_output(names: Names, *, encrypted: bool) -> tuple[Statement, ...]:
    """What SageMaker itself needs: to put job output below `sagemaker/`."""
    return (
        Statement(
            sid="JobOutput",
            actions=("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
            resources=(names.objects_arn(JOB_OUTPUT),),
            why="every training job uploads its output directory when it ends",
            source="https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
        ),
        Statement(
            sid="JobOutputList",
            actions=("s3:ListBucket",),
            resources=(names.bucket_arn,),
            conditions=_below_prefix(names),
            why="SageMaker checks the output location before a job starts",
            source="https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
        ),
        *(key_use.grant_use_through_s3(names, "JobOutputKey") if encrypted else ()),
    )


def grant_read_build_contexts(names: Names, *, encrypted: bool) -> tuple[Statement, ...]:
    """What CodeBuild needs to fetch the context that ZenML uploaded."""
    return (
        Statement(
            sid="BuildContexts",
            actions=("s3:GetObject", "s3:GetObjectVersion"),
            resources=(names.objects_arn(BUILD_CONTEXTS),),
            why="a build starts by downloading its context",
            source="https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html",
        ),
        *(key_use.grant_read_through_s3(names, "BuildContextsKey") if encrypted else ()),
    )
