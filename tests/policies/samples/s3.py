"""Buckets and their settings."""

from typing import Any

from policies import s3
from tests.policies.samples.sample import passes, policy, refused
from tests.policies.shown import UNKNOWN, Given

BUCKET = Given(s3.BUCKET, {"bucket": "ours"}, name="bucket")
UNNAMED = Given(s3.BUCKET, {"bucket": UNKNOWN}, name="bucket")
LOGS = Given(s3.BUCKET, {"bucket": "logs"}, name="logs")
ALL: dict[str, Any] = {
    "blockPublicAcls": True,
    "blockPublicPolicy": True,
    "ignorePublicAcls": True,
    "restrictPublicBuckets": True,
}


def setting(type_: str, bucket: str = "ours", **props: Any) -> Given:
    """One that knows the bucket's name."""
    return Given(type_, {"bucket": bucket, **props}, name=f"{bucket} {type_.rsplit(':', 1)[1]}")


def computed(type_: str, **props: Any) -> Given:
    """One that was computed from the bucket, whose name nobody knows yet."""
    return Given(type_, {"bucket": UNKNOWN, **props}, name=type_, computed_from={"bucket": "bucket"})


def tls(*resources: str, **more: Any) -> str:
    denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": list(resources)}
    return policy({**denial, "Condition": {"Bool": {"aws:SecureTransport": "false"}}, **more})


HTTP = "s3-plain-http"
BLOCKED = "s3-public-access-not-blocked"
OPEN = "s3-open-to-everybody"
LISTS = "s3-access-lists"
LIFECYCLE = "s3-without-lifecycle"
VERSIONS = "s3-without-versions"
KMS = "s3-without-kms"
ACCESS = "s3-without-access-logs"
OBJECTS, ITSELF = "arn:aws:s3:::ours/*", "arn:aws:s3:::ours"
OWNER = {"objectOwnership": "BucketOwnerEnforced"}
EVERYBODY = {"Principal": {"AWS": "*"}, "Action": "s3:GetObject", "Resource": OBJECTS}
LOGGING = Given(s3.LOGGING, {"bucket": "ours", "targetBucket": "logs"}, name="logging")


def encrypted(algorithm: str) -> list[dict[str, Any]]:
    return [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm}}]


SAMPLES = (
    refused(HTTP, "no policy", BUCKET, says="no policy"),
    refused(
        HTTP, "the policy of another bucket", BUCKET, setting(s3.POLICY, "other", policy=tls("*")), says="no policy"
    ),
    refused(
        HTTP, "objects forgotten", BUCKET, setting(s3.POLICY, policy=tls(ITSELF)), says="not denied on its objects"
    ),
    refused(
        HTTP,
        "denied to one role only",
        BUCKET,
        setting(s3.POLICY, policy=tls(ITSELF, Principal={"AWS": "arn:aws:iam::123456789012:role/one"})),
        says="not denied on the bucket",
    ),
    refused(
        HTTP,
        "the condition the wrong way round",
        BUCKET,
        setting(s3.POLICY, policy=tls(ITSELF, Condition={"Bool": {"aws:SecureTransport": "true"}})),
        says="not denied on the bucket",
    ),
    passes(HTTP, "denied", BUCKET, setting(s3.POLICY, policy=tls(ITSELF, OBJECTS))),
    passes(HTTP, "denied in China", BUCKET, setting(s3.POLICY, policy=tls("arn:aws-cn:s3:::ours*"))),
    refused(BLOCKED, "nothing", BUCKET, says="nothing blocks"),
    refused(
        BLOCKED,
        "three of four",
        BUCKET,
        setting(s3.PUBLIC_ACCESS, **{**ALL, "ignorePublicAcls": False}),
        says="ignorePublicAcls not set",
    ),
    passes(BLOCKED, "all four", BUCKET, setting(s3.PUBLIC_ACCESS, **ALL)),
    passes(BLOCKED, "all four, of a bucket without a known name", UNNAMED, computed(s3.PUBLIC_ACCESS, **ALL)),
    refused(OPEN, "everybody reads", setting(s3.POLICY, policy=policy(EVERYBODY)), says="allows everybody"),
    refused(
        OPEN,
        "everybody but one account",
        setting(
            s3.POLICY, policy=policy({"NotPrincipal": {"AWS": "1"}, "Action": "s3:GetObject", "Resource": OBJECTS})
        ),
        says="allows everybody",
    ),
    passes(
        OPEN,
        "everybody of an organisation",
        setting(s3.POLICY, policy=policy({**EVERYBODY, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}})),
    ),
    passes(OPEN, "everybody is denied", setting(s3.POLICY, policy=tls(ITSELF))),
    refused(LISTS, "nothing said", BUCKET, says="not switched off"),
    refused(
        LISTS,
        "a list in spite of it",
        BUCKET,
        setting(s3.OWNERSHIP, rule=OWNER),
        setting(s3.ACL, acl="public-read"),
        says="has an access list",
    ),
    passes(LISTS, "switched off", BUCKET, setting(s3.OWNERSHIP, rule=OWNER)),
    refused(LIFECYCLE, "none", BUCKET, says="no lifecycle rule"),
    refused(
        LIFECYCLE, "disabled", BUCKET, setting(s3.LIFECYCLE, rules=[{"status": "Disabled"}]), says="no lifecycle rule"
    ),
    passes(LIFECYCLE, "enabled", BUCKET, setting(s3.LIFECYCLE, rules=[{"status": "Enabled"}])),
    refused(VERSIONS, "none", BUCKET, says="not enabled"),
    refused(
        VERSIONS,
        "suspended",
        BUCKET,
        setting(s3.VERSIONING, versioningConfiguration={"status": "Suspended"}),
        says="not enabled",
    ),
    passes(VERSIONS, "enabled", BUCKET, setting(s3.VERSIONING, versioningConfiguration={"status": "Enabled"})),
    refused(KMS, "nothing said", BUCKET, says="not aws:kms"),
    refused(KMS, "S3's own key", BUCKET, setting(s3.ENCRYPTION, rules=encrypted("AES256")), says="not aws:kms"),
    passes(KMS, "a key", BUCKET, setting(s3.ENCRYPTION, rules=encrypted("aws:kms"))),
    passes(
        KMS,
        "S3's own key where access logs are delivered",
        BUCKET,
        LOGS,
        LOGGING,
        setting(s3.ENCRYPTION, rules=encrypted("aws:kms")),
        setting(s3.ENCRYPTION, "logs", rules=encrypted("AES256")),
    ),
    refused(ACCESS, "not logged", BUCKET, says="access is not logged"),
    passes(ACCESS, "logged, and the target needs no logs of its own", BUCKET, LOGS, LOGGING),
)
