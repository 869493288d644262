"""How long a comment may be, in the unit that each forge counts."""

from collections.abc import Callable
from dataclasses import dataclass


def _bytes(text: str) -> int:
    return len(text.encode())


@dataclass(frozen=True, kw_only=True)
class Limit:
    maximum: int
    unit: str
    count: Callable[[str], int]
    """How many units a text has."""
    source: str

    def fits(self, text: str) -> bool:
        return self.count(text) <= self.maximum


GITHUB = Limit(
    maximum=65_536,
    unit="characters",
    count=len,
    source="the API's own message: `Body is too long (maximum is 65536 characters)`. Bisected by others it stores up to"
    " 262,144 bytes (objectstack-ai/objectstack#18826), which 65,536 code points of at most four bytes never exceed",
)

GITLAB = Limit(
    maximum=1_000_000,
    unit="characters",
    count=len,
    source="docs.gitlab.com, `Application limits`: size of comments and descriptions",
)

BITBUCKET = Limit(
    maximum=32_768,
    unit="bytes",
    count=_bytes,
    source="what Atlantis and Infracost keep to. Whether Cloud counts characters or bytes is not documented; a text has"
    " never more characters than bytes",
)

STEP_SUMMARY = Limit(
    maximum=1024 * 1024,
    unit="bytes",
    count=_bytes,
    source="docs.github.com, `Workflow commands`: 1 MiB for each step; a larger one is not shown at all",
)
