"""When the policy of a resource lets anybody in: the same question for buckets, repositories, keys and topics."""

from collections.abc import Iterable, Iterator

from policies.documents import Statement

_LIMITS = (
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "kms:CallerAccount",
)
"""Keys that say who or from which network; what an IP address says is too easily everything."""


def open_to_everybody(statements: Iterable[Statement]) -> Iterator[str]:
    for statement in statements:
        if statement.allows and statement.for_everybody and not statement.limited_by(*_LIMITS):
            yield f"{statement.label} allows everybody"
