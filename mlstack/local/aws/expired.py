"""What AWS answers whoever signs with a session that is over. Moto knows when one ends, and goes on taking it.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, CommonErrors of every other API.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from moto.core.utils import utcnow
from moto.sts.models import sts_backends

_MESSAGE = "The security token included in the request is expired"
_S3_MESSAGE = "The provided token has expired."
# `Credential=AKIA.../20260101/eu-west-1/s3/aws4_request`, escaped in a presigned URL.
_SERVICE = re.compile(r"Credential=[^/%,]+(?:/|%2F)\d+(?:/|%2F)[a-z0-9-]+(?:/|%2F)([a-z0-9-]+)(?:/|%2F)aws4_request")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    status: str
    headers: list[tuple[str, str]]
    body: bytes


def is_over(access_key: str | None) -> bool:
    """Whether it is the key of a role's session that was given out here and has ended."""
    if access_key is None:
        return False
    sessions = (
        backend.get_assumed_role_from_access_key(access_key)
        for backends in list(sts_backends.values())
        for backend in backends.values()
    )
    return any(session is not None and session.expiration <= utcnow() for session in sessions)


def refusal(environ: dict[str, Any]) -> Refusal:
    """In the form of the API that was called."""
    signed = f"{environ.get('HTTP_AUTHORIZATION', '')}&{environ.get('QUERY_STRING', '')}"
    service = _SERVICE.search(signed)
    kind = str(environ.get("CONTENT_TYPE", ""))
    if service and service[1] == "s3":
        body = f"<Error><Code>ExpiredToken</Code><Message>{_S3_MESSAGE}</Message></Error>"
        return Refusal(status="400 Bad Request", headers=[("Content-Type", "application/xml")], body=body.encode())
    if kind.startswith("application/x-www-form-urlencoded"):
        error = f"<Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>{_MESSAGE}</Message></Error>"
        body = f"<ErrorResponse>{error}<RequestId>expired</RequestId></ErrorResponse>"
        return Refusal(status="403 Forbidden", headers=[("Content-Type", "text/xml")], body=body.encode())
    return Refusal(
        status="403 Forbidden",
        headers=[("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-errortype", "ExpiredTokenException")],
        body=json.dumps({"__type": "ExpiredTokenException", "message": _MESSAGE}).encode(),
    )
