"""The S3 bucket behind ZenML's artifact store."""

from dataclasses import dataclass, field

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_aws.s3 import (
    Bucket,
    BucketLifecycleConfiguration,
    BucketOwnershipControls,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
    BucketVersioning,
)
from pydantic import JsonValue

from components.after import after
from components.encryption_key import EncryptionKey
from components.flavors import configured
from components.iam import BUCKET_POLICY_LIMIT, Statement, document
from components.names import Names
from mlstack.contract import Component

# zenml/image_builders/aws_image_builder.py: build contexts go below this prefix.
BUILD_CONTEXTS = "code-build-contexts"
# Ours: what SageMaker itself writes, away from what ZenML keeps.
SAGEMAKER_OUTPUT = "sagemaker"


@dataclass(frozen=True, kw_only=True)
class ArtifactStoreArgs:
    names: Names
    key: EncryptionKey | None = None
    """Encrypts the objects. Without it S3's own key does (SSE-S3)."""
    noncurrent_version_days: int = 90
    """Days for which an overwritten or deleted object can still be brought back."""
    force_destroy: bool = False
    """Delete the objects together with the bucket on `pulumi destroy`. Not recoverable."""
    configuration: dict[str, JsonValue] = field(default_factory=dict)
    """More keys of ZenML's s3 artifact store."""
    tags: dict[str, str] = field(default_factory=dict)


class ArtifactStore(ComponentResource):
    """Private, versioned, encrypted bucket in which ZenML keeps artifacts, code and logs."""

    uri: Output[str]
    """`s3://<bucket>`, the `path` of ZenML's s3 artifact store. Resolves once the bucket is closed to the public."""

    def __init__(self, name: str, args: ArtifactStoreArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:ArtifactStore", name, {}, opts)
        self._args = args
        self._mine = ResourceOptions(parent=self)
        self._bucket = Bucket(
            f"{name}-bucket",
            bucket=args.names.bucket,
            force_destroy=args.force_destroy,
            tags=args.tags,
            opts=self._mine,
        )
        closed = self._close_to_the_public(name)
        encrypted = self._encrypt(name)
        versioned = self._keep_versions(name)
        policy = self._refuse_plain_http(name, closed)
        self.uri = after(self.plain_uri, policy.bucket, encrypted.bucket, versioned.bucket)
        self.register_outputs({"uri": self.uri})

    @property
    def plain_uri(self) -> str:
        return f"s3://{self._args.names.bucket}"

    def _close_to_the_public(self, name: str) -> BucketPublicAccessBlock:
        BucketOwnershipControls(
            f"{name}-ownership",
            bucket=self._bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._mine,
        )
        return BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=self._bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._mine,
        )

    def _encrypt(self, name: str) -> BucketServerSideEncryptionConfiguration:
        by_default = (
            {"sse_algorithm": "AES256"}
            if self._args.key is None
            else {"sse_algorithm": "aws:kms", "kms_master_key_id": self._args.key.arn}
        )
        return BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=self._bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": by_default,
                    "bucket_key_enabled": self._args.key is not None,
                }
            ],
            opts=self._mine,
        )

    def _keep_versions(self, name: str) -> BucketVersioning:
        versioning = BucketVersioning(
            f"{name}-versioning",
            bucket=self._bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self._mine,
        )
        BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=versioning.bucket,
            rules=[
                {
                    "id": "drop-unfinished-uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                },
                {
                    "id": "drop-old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": self._args.noncurrent_version_days},
                },
            ],
            opts=self._mine,
        )
        return versioning

    def _refuse_plain_http(self, name: str, closed: BucketPublicAccessBlock) -> BucketPolicy:
        bucket_arn = self._args.names.bucket_arn
        tls_only = Statement(
            sid="TlsOnly",
            effect="Deny",
            actions=("s3:*",),
            resources=(bucket_arn, f"{bucket_arn}/*"),
            principals="*",
            conditions={"Bool": {"aws:SecureTransport": "false"}},
            why="artifacts and credentials never cross a network in the clear",
            source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
        )
        return BucketPolicy(
            f"{name}-policy",
            # Through the access block: S3 refuses the two at once with OperationAborted.
            bucket=closed.bucket,
            policy=document([tls_only], limit=BUCKET_POLICY_LIMIT, what="the bucket policy"),
            opts=self._mine,
        )

    def grant_read_write(self) -> tuple[Statement, ...]:
        """What ZenML needs to keep artifacts here."""
        bucket_arn = self._args.names.bucket_arn
        return (
            Statement(
                sid="ArtifactsList",
                actions=("s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"),
                resources=(bucket_arn,),
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
                resources=(f"{bucket_arn}/*",),
                why="artifacts, step logs, uploaded code and build contexts",
                source="zenml/integrations/s3/artifact_stores/s3_artifact_store.py",
            ),
            *(self._args.key.grant_use_through_s3("ArtifactsKey") if self._args.key else ()),
        )

    def grant_write_output(self) -> tuple[Statement, ...]:
        """What SageMaker itself needs: to put job output below `sagemaker/`."""
        bucket_arn = self._args.names.bucket_arn
        return (
            Statement(
                sid="JobOutput",
                actions=("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
                resources=(f"{bucket_arn}/{SAGEMAKER_OUTPUT}/*",),
                why="every training job uploads its output directory when it ends",
                source="https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
            ),
            Statement(
                sid="JobOutputList",
                actions=("s3:ListBucket",),
                resources=(bucket_arn,),
                why="SageMaker checks the output location before a job starts",
                source="https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
            ),
            *(self._args.key.grant_use_through_s3("JobOutputKey") if self._args.key else ()),
        )

    def grant_read_build_contexts(self) -> tuple[Statement, ...]:
        """What CodeBuild needs to fetch the context that ZenML uploaded."""
        return (
            Statement(
                sid="BuildContexts",
                actions=("s3:GetObject", "s3:GetObjectVersion"),
                resources=(f"{self._args.names.bucket_arn}/{BUILD_CONTEXTS}/*",),
                why="a build starts by downloading its context",
                source="https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html",
            ),
            *(self._args.key.grant_use_through_s3("BuildContextsKey") if self._args.key else ()),
        )

    def zenml_component(self, stack_name: str) -> Component:
        """How ZenML is to use this bucket."""
        return Component(
            name=stack_name,
            flavor="s3",
            configuration=configured({"path": self.plain_uri}, self._args.configuration),
            connector="s3",
        )
