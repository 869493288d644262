"""The caller's own AWS session, and what AWS says when it refuses, in one message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlstack.errors import MLStackError


class AwsError(MLStackError):
    """AWS refused, or there is nobody to ask it as."""


class Clients:
    """boto3's clients of one region, each made once."""

    def __init__(self, session: Any, region: str) -> None:
        self._session, self._region = session, region
        self._made: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        from botocore.config import Config

        if service not in self._made:
            config = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=10, read_timeout=60)
            self._made[service] = self._session.client(service, region_name=self._region, config=config)
        return self._made[service]


def own_clients(region: str) -> Clients:
    """With the credentials of the environment, a profile or a role, as every AWS tool finds them."""
    import boto3

    with said_clearly():
        return Clients(boto3.Session(), region)


def code(error: Any) -> str:
    """Of botocore's ClientError: `NoSuchKey`, `AccessDenied`, `404` ..."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def said_clearly() -> Iterator[None]:
    """Makes one AwsError of what botocore raises."""
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError, S3UploadFailedError) as error:
        raise _told(f"{type(error).__name__}: {error}") from None


def _told(text: str) -> AwsError:
    from mlstack.verification.diagnosis import diagnose
    from mlstack.verification.granted import Granted

    if any(word in text for word in _EXPIRED):
        return AwsError(f"the AWS credentials have expired: {text}", hint=_LOG_IN)
    if any(word in text for word in _NOBODY):
        return AwsError(f"there are no AWS credentials that work: {text}", hint=_LOG_IN)
    found = diagnose([text], Granted())
    return AwsError(found.message, hint=found.hint) if found else AwsError(text)


_EXPIRED = (
    "ExpiredToken",
    "RequestExpired",
    "TokenRefreshRequired",
    "Token has expired",
    "SSO session",
    "TokenExpired",
)
_NOBODY = (
    "NoCredentials",
    "Unable to locate credentials",
    "InvalidClientTokenId",
    "UnrecognizedClient",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ProfileNotFound",
    "PartialCredentials",
)
_LOG_IN = (
    "log in to AWS again (`aws sso login`, AWS_PROFILE), or take those of the stack's connector with --connector: "
    "nothing was left behind"
)
