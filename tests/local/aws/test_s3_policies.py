"""Bucket policies on the running emulator."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlstack.local.aws.s3 import INSECURE_HEADER
from tests.local.conftest import RunningEmulator

KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/ours"


@pytest.fixture
def bucket(emulator: RunningEmulator) -> str:
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    location = {"LocationConstraint": "eu-west-1"}
    emulator.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=location)
    return name


def put_policy(emulator: RunningEmulator, bucket: str, **statement: Any) -> None:
    everything = {"Principal": "*", "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    document = {"Version": "2012-10-17", "Statement": [{**everything, **statement}]}
    emulator.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))


def refuse_plain_http(emulator: RunningEmulator, bucket: str) -> None:
    put_policy(emulator, bucket, Effect="Deny", Action="s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})


def over_plain_http(emulator: RunningEmulator) -> Any:
    client = emulator.client("s3")
    client.meta.events.register(
        "before-sign.s3", lambda request, **_: request.headers.add_header(INSECURE_HEADER, "false")
    )
    return client


def refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        # A HEAD has no body, so only its status tells.
        return error.response["Error"]["Code"] in ("AccessDenied", "403")
    return False


OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    ("put_object", {"Key": "new", "Body": b"x"}),
    ("get_object", {"Key": "a"}),
    ("head_object", {"Key": "a"}),
    ("get_object_tagging", {"Key": "a"}),
    ("list_objects_v2", {}),
    ("list_object_versions", {}),
    ("head_bucket", {}),
    ("get_bucket_versioning", {}),
    ("get_bucket_location", {}),
    ("create_multipart_upload", {"Key": "big"}),
    ("put_bucket_tagging", {"Tagging": {"TagSet": []}}),
    ("delete_object", {"Key": "a"}),
]


@pytest.mark.parametrize(("operation", "arguments"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_a_tls_only_bucket_refuses_plain_http_and_nothing_else(
    emulator: RunningEmulator, bucket: str, operation: str, arguments: dict[str, Any]
) -> None:
    emulator.client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    refuse_plain_http(emulator, bucket)
    insecure = getattr(over_plain_http(emulator), operation)
    secure = getattr(emulator.client("s3"), operation)
    assert refused(lambda: insecure(Bucket=bucket, **arguments)), f"{operation} went through without TLS"
    secure(Bucket=bucket, **arguments)


def test_a_refused_deletion_of_many_deletes_none(emulator: RunningEmulator, bucket: str) -> None:
    s3 = emulator.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    refuse_plain_http(emulator, bucket)
    many = {"Objects": [{"Key": "a"}]}
    answer = over_plain_http(emulator).delete_objects(Bucket=bucket, Delete=many)
    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    assert "Errors" not in s3.delete_objects(Bucket=bucket, Delete=many)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_an_upload_in_parts_passes_a_tls_only_policy(emulator: RunningEmulator, bucket: str) -> None:
    refuse_plain_http(emulator, bucket)
    s3 = emulator.client("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=1, Body=b"x" * 100)
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload=parts)
    assert s3.head_object(Bucket=bucket, Key="big")["ContentLength"] == 100


def test_a_wrong_key_is_refused_and_a_missing_header_is_not(emulator: RunningEmulator, bucket: str) -> None:
    key = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    put_policy(
        emulator,
        bucket,
        Effect="Deny",
        Action="s3:PutObject",
        Condition={"Null": {key: "false"}, "StringNotEquals": {key: KEY_ARN}},
    )
    s3 = emulator.client("s3")
    s3.put_object(Bucket=bucket, Key="by-default", Body=b"1")
    s3.put_object(Bucket=bucket, Key="ours", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId=KEY_ARN)
    assert refused(
        lambda: s3.put_object(
            Bucket=bucket, Key="theirs", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId=f"{KEY_ARN}-not"
        )
    )


def test_a_policy_tells_roles_and_users_apart(emulator: RunningEmulator, bucket: str) -> None:
    role = "arn:aws:iam::123456789012:role/reader"
    put_policy(emulator, bucket, Effect="Deny", Action="s3:PutObject", Principal={"AWS": role})
    session = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    as_role = emulator.client("s3", aws_session_token=session["SessionToken"])
    as_role._request_signer._credentials.access_key = session["AccessKeyId"]
    as_role._request_signer._credentials.secret_key = session["SecretAccessKey"]
    assert refused(lambda: as_role.put_object(Bucket=bucket, Key="a", Body=b"1"))
    emulator.client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    assert as_role.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


def test_only_an_allow_lets_strangers_read(emulator: RunningEmulator, bucket: str) -> None:
    emulator.client("s3").put_object(Bucket=bucket, Key="public/a", Body=b"1")
    emulator.client("s3").put_object(Bucket=bucket, Key="private/a", Body=b"1")
    public = f"arn:aws:s3:::{bucket}/public/*"
    put_policy(emulator, bucket, Effect="Allow", Action="s3:GetObject", Resource=public)
    assert _status(f"{emulator.endpoint}/{bucket}/public/a") == 200
    assert _status(f"{emulator.endpoint}/{bucket}/private/a") == 403


def test_a_caller_who_expects_another_owner_is_refused(emulator: RunningEmulator, bucket: str) -> None:
    s3 = emulator.client("s3")
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner="123456789012")
    assert refused(lambda: s3.head_bucket(Bucket=bucket, ExpectedBucketOwner="999999999999"))


def test_the_owner_cannot_lock_himself_out(emulator: RunningEmulator, bucket: str) -> None:
    put_policy(emulator, bucket, Effect="Deny", Action="s3:*")
    s3 = emulator.client("s3")
    assert refused(lambda: s3.list_objects_v2(Bucket=bucket))
    s3.delete_bucket_policy(Bucket=bucket)
    s3.list_objects_v2(Bucket=bucket)


def test_a_policy_that_is_not_understood_is_malformed(emulator: RunningEmulator, bucket: str) -> None:
    with pytest.raises(ClientError, match="StringEqual ") as refusal:
        put_policy(emulator, bucket, Effect="Deny", Action="s3:*", Condition={"StringEqual": {"aws:SourceIp": "x"}})
    assert refusal.value.response["Error"]["Code"] == "MalformedPolicy"
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        emulator.client("s3").get_bucket_policy(Bucket=bucket)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("about", ["this bucket", "another bucket"])
def test_access_logs_go_to_a_bucket_whose_policy_lets_them_in(
    emulator: RunningEmulator, bucket: str, about: str
) -> None:
    s3 = emulator.client("s3")
    logs = f"{bucket}-logs"
    s3.create_bucket(Bucket=logs, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    refuse_plain_http(emulator, logs)
    switch = {"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": "a/"}}
    with pytest.raises(ClientError):
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=switch)
    put_policy(
        emulator,
        logs,
        Effect="Allow",
        Principal={"Service": "logging.s3.amazonaws.com"},
        Action="s3:PutObject",
        Resource=f"arn:aws:s3:::{logs}/a/*",
        Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket if about == 'this bucket' else 'other'}"}},
    )
    if about == "another bucket":
        with pytest.raises(ClientError):
            s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=switch)
    else:
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=switch)
        assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetBucket"] == logs
