"""Encryption keys."""

from collections.abc import Iterator

from pulumi_policy import Severity

from policies.documents import RESOURCE, statements
from policies.open_policy import open_to_everybody
from policies.rule import Case, rule

KEY = "aws:kms/key:Key"

_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html"


@rule(
    name="kms-without-rotation",
    refuses="A key that is never rotated protects ever more data with one secret",
    severity=Severity.MEDIUM,
    remedy="Set enableKeyRotation to true",
    url=f"{_HUB}#kms-4",
    control="KMS.4",
    foundational=False,
    types=(KEY,),
)
def without_rotation(case: Case) -> Iterator[str]:
    kind = case.value("customerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    # AWS rotates no other kind.
    if kind == "SYMMETRIC_DEFAULT" and case.value("enableKeyRotation") is not True:
        yield "the key is not rotated"


@rule(
    name="kms-open-to-everybody",
    refuses="A key policy that allows everybody makes its data as public as its ciphertext",
    severity=Severity.CRITICAL,
    remedy="Name the principals, or limit the statement by kms:CallerAccount",
    url=f"{_HUB}#kms-5",
    control="KMS.5",
    types=(KEY, "aws:kms/keyPolicy:KeyPolicy"),
)
def key_open(case: Case) -> Iterator[str]:
    yield from open_to_everybody(statements(case, RESOURCE))


RULES = (without_rotation, key_open)
