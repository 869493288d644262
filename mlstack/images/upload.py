"""Puts a context into the stack's bucket, unless it is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mlstack.images.archive import Packed, zip_size
from mlstack.images.aws import Clients, code, said_clearly
from mlstack.images.context import shown_size
from mlstack.images.target import Target

FRESH = timedelta(days=15)
"""Half of what components/names.py lets a context live: an older one might end before its build has fetched it."""
_PART = 6 << 20
_AT_ONCE = 3


def upload(clients: Clients, target: Target, packed: Packed, news: Callable[[str], None]) -> bool:
    """False when the bucket holds it and is not about to drop it: its key is the digest of its content.

    No more than a few parts are in memory. Raises ChangedError, or AwsError; a part that was uploaded is taken back
    then, and on Ctrl-C.
    """
    from boto3.s3.transfer import TransferConfig
    from botocore.exceptions import ClientError

    key, size = target.key(packed.content), zip_size(packed)
    with said_clearly():
        try:
            found = clients.s3.head_object(Bucket=target.bucket, Key=key)
            if found["ContentLength"] == size and datetime.now(UTC) - found["LastModified"] < FRESH:
                return False
        except ClientError as error:
            if code(error) not in ("404", "NoSuchKey", "NotFound"):
                raise
        sent = 0

        def told(count: int) -> None:
            nonlocal sent
            sent += count
            news(f"{shown_size(sent)} of {shown_size(size)}")

        config = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=_AT_ONCE)
        # Of a stream, s3transfer keeps the parts that wait for a worker: ten of them unless told otherwise.
        config.max_in_memory_upload_chunks = 2
        with packed.zip_stream() as stream:
            clients.s3.upload_fileobj(stream, target.bucket, key, Config=config, Callback=told)
    return True
