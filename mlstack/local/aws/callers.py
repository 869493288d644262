"""Who stands behind an access key, as far as the emulator knows."""

import re

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from mlstack.iam.policy import Caller

_CREDENTIAL = re.compile(r"Credential=([^/]+)/")
# `X-Amz-Credential=AKIA.../date/...` of a presigned URL, whose slashes may be escaped.
_PRESIGNED = re.compile(r"(?:X-Amz-Credential=|AWSAccessKeyId=)([A-Za-z0-9-]+)")


def access_key_of(authorization: str, query: str) -> str | None:
    """The key that signed a request, from its header or its presigned URL. None for an anonymous request."""
    found = _CREDENTIAL.search(authorization) or _PRESIGNED.search(query)
    return found.group(1) if found else None


def account_of(access_key: str | None, own: str) -> str:
    """Another than our own only for the session of a role there, of which the key was given out."""
    for account, backends in list(sts_backends.items()):
        if account != own and access_key:
            for backend in backends.values():
                if backend.get_assumed_role_from_access_key(access_key) is not None:
                    return str(account)
    return own


def caller(access_key: str | None, account: str) -> Caller:
    """A key that the emulator did not give out is the operator's: it counts as the account's root, as moto does."""
    if access_key is None:
        return Caller()
    known = iam_backends[account]["aws"].access_keys.get(access_key)
    if known is not None and known.user_name:
        return Caller(account=account, arns=(iam_backends[account]["aws"].get_user(known.user_name).arn,))
    session = sts_backends[account]["aws"].get_assumed_role_from_access_key(access_key)
    if session is not None:
        return Caller(account=account, arns=(session.arn, session.role_arn))
    return Caller(account=account, arns=(f"arn:aws:iam::{account}:root",))
