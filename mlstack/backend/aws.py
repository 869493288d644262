"""boto3's clients for one account and region, and AWS's refusals in words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mlstack.errors import MLStackError, UsageError


@dataclass(frozen=True, kw_only=True)
class Clients:
    s3: Any
    kms: Any
    iam: Any


def clients(account_id: str, region: str) -> Clients:
    """Raises UsageError, before anything is looked at, when the credentials are those of another account."""
    import boto3

    session = boto3.Session(region_name=region)
    with speaking():
        caller = session.client("sts").get_caller_identity()
    if caller["Account"] != account_id:
        raise UsageError(
            f"these credentials are of account {caller['Account']} ({caller['Arn']}), and the backend of {account_id} "
            "is meant; nothing was touched",
            hint=f"log in to {account_id} (AWS_PROFILE, `aws sso login`), or name the account with --account",
        )
    return Clients(s3=session.client("s3"), kms=session.client("kms"), iam=session.client("iam"))


@contextmanager
def speaking() -> Iterator[None]:
    """Turns what boto3 raises into one message with a way out."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code, said = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        hint = _WAYS_OUT.get(code, "look the message up at AWS; the same command goes on from here")
        raise MLStackError(f"AWS refuses {error.operation_name}: {code}: {said}", hint=hint) from None
    except BotoCoreError as error:
        raise MLStackError(
            f"AWS cannot be asked: {error}", hint="log in, such as with `aws sso login`, and look at AWS_PROFILE"
        ) from None


_MAY_NOT = "docs/permissions.md lists what is needed, under `whoever bootstraps`"
_WAYS_OUT = {
    "AccessDenied": _MAY_NOT,
    "AccessDeniedException": _MAY_NOT,
    "UnauthorizedOperation": _MAY_NOT,
    "ExpiredToken": "log in to AWS again",
    "ExpiredTokenException": "log in to AWS again",
    "InvalidClientTokenId": "log in to AWS again",
}


def found(ask: Callable[[], Any], *absent: str) -> Any:
    """What `ask` returns, None when AWS answers with one of the codes `absent`."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if error.response["Error"].get("Code") in absent:
            return None
        raise
