"""One thing about a backend that is as it should be, or is not."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlstack.backend.documents import same


@dataclass(frozen=True, kw_only=True)
class Part:
    """What AWS says, what it should say, and the call that makes it say so."""

    what: str
    """`bucket mlstack-...`, `bucket: versioning`."""
    found: Any
    """None: it is not there."""
    wanted: Any
    mend: Callable[[], object]

    @property
    def right(self) -> bool:
        return self.found is not None and same(self.found, self.wanted)

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.what}: missing"
        found, wanted = _text(self.found), _text(self.wanted)
        return f"{self.what}: {found}, not {wanted}" if len(found) + len(wanted) < 90 else f"{self.what}: differs"

    def as_json(self) -> dict[str, Any]:
        return {"what": self.what, "found": _plain(self.found), "wanted": _plain(self.wanted), "right": self.right}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _plain(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
