"""Makes moto decide by a bucket's policy as S3 does, and tell what it notifies.

moto 5.2 takes any `Deny` whose action and resource match, whatever its condition, so that a bucket that only refuses
plain http refuses everything. Here the decision is our evaluator's, for the bucket itself as well as for its objects.
It does not look at the owner that a caller expects, either. And it takes a notification of EventBridge, but does not
give it back.
"""

from contextvars import ContextVar
from typing import Any

from flask import request
from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import MissingBucket, S3AccessDeniedError, S3ClientError
from moto.s3.models import FakeBucket, FakeDeleteMarker, S3Backend
from moto.s3.responses import S3Response

from mlstack.iam.conditions import Context, PolicyError
from mlstack.iam.policy import Caller, Decision, Policy, Request
from mlstack.local.aws.callers import access_key_of, caller

INSECURE_HEADER = "X-Mlstack-Secure-Transport"
"""The emulator speaks http on loopback, which counts as TLS. A request with `false` here counts as plain http."""

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html: the account's root cannot be locked out.
_ROOT_MAY_ALWAYS = {"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}

# Sub-resources of a bucket that moto's table of actions does not tell from listing, creating and deleting it.
_BUCKET_SETTINGS = {
    "publicAccessBlock": "BucketPublicAccessBlock",
    "encryption": "EncryptionConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "object-lock": "BucketObjectLockConfiguration",
    "replication": "ReplicationConfiguration",
    "inventory": "InventoryConfiguration",
}
# Operations whose permission has another name.
_PERMISSIONS = {"HeadBucket": "ListBucket", "HeadObject": "GetObject", "PostObject": "PutObject"}


def mend_s3() -> None:
    """Patches moto in this process."""
    # Without it a versioned bucket in which something was deleted cannot be emptied.
    FakeDeleteMarker.dispose = lambda _: None
    authenticate = S3Response._authenticate_and_authorize_s3_action
    put_bucket_policy = S3Backend.put_bucket_policy
    set_logging = FakeBucket.set_logging
    get_bucket_notification = S3Response.get_bucket_notification

    def authorize(self: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
        authenticate(self, bucket_name=bucket_name, key_name=key_name)
        if bucket_name is None or (key_name is None and "delete" in self.querystring):
            return  # a deletion of many objects is decided object by object, below
        try:
            bucket = self.backend.get_bucket(bucket_name)
        except MissingBucket:
            return
        owner = request.headers.get("x-amz-expected-bucket-owner", bucket.account_id)
        if owner != bucket.account_id:
            raise S3AccessDeniedError
        if _decide(bucket, _permission(self), key_name) is Decision.DENY:
            raise _denied(bucket, _permission(self), key_name)

    def get_permission(self: FakeBucket, action: str, resource: str) -> PermissionResult:
        """Asked before `authorize`, for the sake of anonymous readers, and for each object of a deletion of many."""
        name = action.removeprefix("s3:")
        decision = _decide(self, f"s3:{_PERMISSIONS.get(name, name)}", resource.partition("/")[2])
        if decision is Decision.DENY and request.method == "POST" and "delete" in request.args:
            return PermissionResult.DENIED
        # Other denials are left to `authorize`: here they would become a 403 with nothing to read.
        return PermissionResult.PERMITTED if decision is Decision.ALLOW else PermissionResult.NEUTRAL

    def put_checked_bucket_policy(self: S3Backend, bucket_name: str, policy: bytes) -> None:
        try:
            Policy.parse(policy)
        except PolicyError as error:
            raise S3ClientError("MalformedPolicy", str(error)) from None
        put_bucket_policy(self, bucket_name, policy)

    def set_checked_logging(self: FakeBucket, config: dict[str, Any] | None, backend: S3Backend) -> None:
        _logged.set(self)
        set_logging(self, config, backend)

    def get_whole_notification(self: Any) -> Any:
        found = self.backend.get_bucket_notification_configuration(self.bucket_name)
        status, headers, body = get_bucket_notification(self)
        if found and found.event_bridge is not None:
            end = "</NotificationConfiguration>"
            opened = body.removesuffix(end) if body.endswith(end) else f"{body.removesuffix('/>')}>"
            body = f"{opened}<EventBridgeConfiguration/>{end}"
        return status, headers, body

    S3Response._authenticate_and_authorize_s3_action = authorize
    S3Response.get_bucket_notification = get_whole_notification
    FakeBucket.set_logging = set_checked_logging
    FakeBucket._log_permissions_enabled_policy = staticmethod(_lets_logs_in)
    FakeBucket.get_permission = get_permission
    S3Backend.put_bucket_policy = put_checked_bucket_policy


_logged: ContextVar[FakeBucket] = ContextVar("_logged")
"""The bucket whose access logs are being switched on; moto does not hand it to the question below."""


def _lets_logs_in(target_bucket: FakeBucket, target_prefix: str | None) -> bool:
    """Whether the log bucket's policy lets S3 deliver. moto itself understands statements about a service alone."""
    source = _logged.get()
    if target_bucket.policy is None:
        return False
    asked = Request(
        action="s3:PutObject",
        resource=f"arn:{target_bucket.partition}:s3:::{target_bucket.name}/{target_prefix or ''}log",
        caller=Caller(service="logging.s3.amazonaws.com"),
        context={
            "aws:SourceAccount": source.account_id,
            "aws:SourceArn": f"arn:{source.partition}:s3:::{source.name}",
            "aws:SecureTransport": "true",
        },
    )
    return Policy.parse(target_bucket.policy).decide(asked).decision is Decision.ALLOW


def _denied(bucket: FakeBucket, action: str, key: str | None) -> S3AccessDeniedError:
    """With the reason that S3 gives to callers of the bucket's own account.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
    """
    asker = caller(
        access_key_of(request.headers.get("Authorization", ""), request.query_string.decode()), bucket.account_id
    )
    denied = S3AccessDeniedError()
    if asker.arns:
        resource = f"arn:{bucket.partition}:s3:::{bucket.name}" + (f"/{key}" if key else "")
        denied.message = (
            f'User: {asker.arns[0]} is not authorized to perform: {action} on resource: "{resource}" '
            "with an explicit deny in a resource-based policy"
        )
    return denied


def _decide(bucket: FakeBucket, action: str, key: str | None) -> Decision:
    if bucket.policy is None:
        return Decision.SILENT
    access_key = access_key_of(request.headers.get("Authorization", ""), request.query_string.decode())
    asker = caller(access_key, bucket.account_id)
    if action in _ROOT_MAY_ALWAYS and f"arn:aws:iam::{bucket.account_id}:root" in asker.arns:
        return Decision.SILENT
    resource = f"arn:{bucket.partition}:s3:::{bucket.name}" + (f"/{key}" if key else "")
    asked = Request(action=action, resource=resource, caller=asker, context=_context(asker.arns, bucket))
    return Policy.parse(bucket.policy).decide(asked).decision


def _permission(response: S3Response) -> str:
    """The name of the permission that the operation needs."""
    operation: str = response.data["Action"]
    for setting, name in _BUCKET_SETTINGS.items():
        if setting in response.querystring and operation in ("ListBucket", "CreateBucket", "DeleteBucket"):
            # Taking a setting away is putting it, as permissions go.
            return f"s3:{'Get' if operation == 'ListBucket' else 'Put'}{name}"
    return f"s3:{_PERMISSIONS.get(operation, operation)}"


def _context(arns: tuple[str, ...], bucket: FakeBucket) -> Context:
    """Condition keys of the request at hand: AWS's global ones and those of S3 that a header or parameter decides."""
    secure = request.headers.get(INSECURE_HEADER, "true").strip().lower() != "false"
    context = {
        "aws:SecureTransport": "true" if secure else "false",
        "aws:SourceIp": request.remote_addr or "127.0.0.1",
        "aws:UserAgent": request.headers.get("User-Agent", ""),
        "aws:RequestedRegion": bucket.region_name,
        "aws:ResourceAccount": bucket.account_id,
        "s3:ResourceAccount": bucket.account_id,
    }
    if secure:
        context["s3:TlsVersion"] = "1.3"
    if arns:
        # Of a session, AWS gives the role's ARN here.
        context |= {"aws:PrincipalArn": arns[-1], "aws:PrincipalAccount": bucket.account_id}
    context |= {f"s3:{n.lower()}": v for n, v in request.headers.items() if n.lower().startswith("x-amz-")}
    context |= {f"s3:{n}": v for n, v in request.args.items() if n in ("prefix", "delimiter", "max-keys", "versionId")}
    return context
