"""Buckets, and the resources beside each in which its settings are kept."""

from collections.abc import Iterator

from pulumi_policy import PolicyResource, Severity

from mlstack.iam.conditions import PolicyError
from mlstack.iam.policy import Decision, Policy, Request
from policies.documents import RESOURCE, document, statements
from policies.open_policy import open_to_everybody
from policies.rule import Case, NotCheckedError, rule

BUCKET = "aws:s3/bucket:Bucket"
ACL = "aws:s3/bucketAcl:BucketAcl"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"

_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html"


def _settings(case: Case, type_: str) -> list[PolicyResource]:
    return case.attached(type_, "bucket", by="bucket")


@rule(
    name="s3-plain-http",
    refuses="A bucket that answers plain HTTP shows what it holds to whoever is on the way",
    severity=Severity.HIGH,
    remedy="Add a BucketPolicy that denies s3:* on the bucket and its objects when aws:SecureTransport is false",
    url=f"{_HUB}#s3-5",
    control="S3.5",
    types=(BUCKET,),
    whole_stack=True,
)
def plain_http(case: Case) -> Iterator[str]:
    policies = _settings(case, POLICY)
    if not policies:
        yield "the bucket has no policy, so none that denies plain HTTP"
        return
    name = case.value("bucket")
    texts = [text for each in policies if (text := document(each, "policy"))]
    for target in ("", "/any/object"):
        if not any(
            _denies_plain_http(text, f"arn:{each}:s3:::{name}{target}") for text in texts for each in _PARTITIONS
        ):
            yield f"plain HTTP is not denied on {'its objects' if target else 'the bucket'}"


def _denies_plain_http(text: str, arn: str) -> bool:
    """Asks our own evaluator, rather than for one spelling of the statement."""
    action = "s3:GetObject" if "/" in arn else "s3:ListBucket"
    try:
        verdict = Policy.parse(text).decide(
            Request(action=action, resource=arn, context={"aws:SecureTransport": "false"})
        )
    except PolicyError as error:
        raise NotCheckedError(f"its policy is not understood: {error}") from None
    return verdict.decision is Decision.DENY


@rule(
    name="s3-public-access-not-blocked",
    refuses="A bucket without all four public access blocks is one wrong policy away from the public",
    severity=Severity.HIGH,
    remedy=f"Add a BucketPublicAccessBlock with {', '.join(_BLOCKS)} all true",
    url=f"{_HUB}#s3-8",
    control="S3.8",
    types=(BUCKET,),
    whole_stack=True,
)
def public_access(case: Case) -> Iterator[str]:
    blocks = _settings(case, PUBLIC_ACCESS)
    if not blocks:
        yield "nothing blocks public access"
    for each in blocks:
        missing = [name for name in _BLOCKS if each.props.get(name) is not True]
        if missing:
            yield f"{', '.join(missing)} not set"


@rule(
    name="s3-open-to-everybody",
    refuses="A bucket policy that allows everybody makes public what the bucket holds",
    severity=Severity.CRITICAL,
    remedy="Name the principals, or limit the statement by aws:PrincipalOrgID, aws:SourceAccount or aws:SourceVpce",
    url=f"{_HUB}#s3-2",
    control="S3.2, S3.3",
    types=(POLICY,),
)
def bucket_open(case: Case) -> Iterator[str]:
    yield from open_to_everybody(statements(case, RESOURCE))


@rule(
    name="s3-access-lists",
    refuses="Access lists of single objects grant access that no policy shows",
    severity=Severity.MEDIUM,
    remedy="Add BucketOwnershipControls with objectOwnership BucketOwnerEnforced, and no BucketAcl",
    url=f"{_HUB}#s3-12",
    control="S3.12",
    types=(BUCKET,),
    whole_stack=True,
)
def access_lists(case: Case) -> Iterator[str]:
    if _settings(case, ACL):
        yield "the bucket has an access list"
    # New buckets are born so, buckets that were adopted need not be.
    rules = [each.props.get("rule") or {} for each in _settings(case, OWNERSHIP)]
    if not any(each.get("objectOwnership") == "BucketOwnerEnforced" for each in rules):
        yield "access lists are not switched off"


@rule(
    name="s3-without-lifecycle",
    refuses="A bucket in which nothing ever ends grows, and bills, for ever",
    severity=Severity.LOW,
    remedy="Add a BucketLifecycleConfiguration with an enabled rule, such as one for noncurrent versions",
    url=f"{_HUB}#s3-13",
    control="S3.10, S3.13",
    types=(BUCKET,),
    whole_stack=True,
)
def lifecycle(case: Case) -> Iterator[str]:
    rules = [each for found in _settings(case, LIFECYCLE) for each in found.props.get("rules") or ()]
    if not any(each.get("status") == "Enabled" for each in rules):
        yield "no lifecycle rule is enabled"


@rule(
    name="s3-without-versions",
    refuses="Without versions, what is overwritten or deleted in a bucket is gone",
    severity=Severity.MEDIUM,
    remedy="Add BucketVersioning with status Enabled",
    url=f"{_HUB}#s3-14",
    control="S3.14",
    foundational=False,
    types=(BUCKET,),
    whole_stack=True,
)
def versions(case: Case) -> Iterator[str]:
    kept = [each.props.get("versioningConfiguration") or {} for each in _settings(case, VERSIONING)]
    if not any(each.get("status") == "Enabled" for each in kept):
        yield "versioning is not enabled"


@rule(
    name="s3-without-kms",
    refuses="Objects under S3's own key are readable by whoever may read the bucket; a KMS key has a say of its own",
    severity=Severity.MEDIUM,
    remedy="Add a BucketServerSideEncryptionConfiguration with sseAlgorithm aws:kms and the key's ARN",
    url=f"{_HUB}#s3-17",
    control="S3.17",
    foundational=False,
    types=(BUCKET,),
    whole_stack=True,
)
def kms(case: Case) -> Iterator[str]:
    rules = [each for found in _settings(case, ENCRYPTION) for each in found.props.get("rules") or ()]
    defaults = [each.get("applyServerSideEncryptionByDefault") or {} for each in rules]
    if any(str(each.get("sseAlgorithm")).startswith("aws:kms") for each in defaults):
        return
    # S3 delivers access logs to no bucket with a KMS key as its default.
    if not _receives_logs(case):
        yield "the default encryption is not aws:kms"


@rule(
    name="s3-without-access-logs",
    refuses="Without access logs nobody can say afterwards who read or deleted an object",
    severity=Severity.MEDIUM,
    remedy="Add BucketLogging with a bucket for logs as its target",
    url=f"{_HUB}#s3-9",
    control="S3.9",
    types=(BUCKET,),
    whole_stack=True,
)
def access_logs(case: Case) -> Iterator[str]:
    # A bucket that logs its own log deliveries never comes to rest.
    if not _settings(case, LOGGING) and not _receives_logs(case):
        yield "access is not logged"


def _receives_logs(case: Case) -> bool:
    return bool(case.attached(LOGGING, "targetBucket", by="bucket"))


RULES = (plain_http, public_access, bucket_open, access_lists, lifecycle, versions, kms, access_logs)
