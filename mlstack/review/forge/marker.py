"""The hidden first line by which a comment is found again, and which says what it shows.

Only a first line counts: a marker that a diff, a quotation or a resource's name brings into the text is text.
"""

import json
import re
from collections.abc import Callable
from typing import Literal
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

VERSION = 1

Style = Literal["html", "reference"]
"""How it is hidden: as an HTML comment, or as a link definition that nothing refers to.

Bitbucket Cloud escapes HTML, so that a comment would be read by people (The-PR-Agent/pr-agent#3283, measured there).
"""

_HTML = re.compile(r"<!-- mlstack-review v(?P<version>\d{1,9}) (?P<json>\{.*\}) -->")
_REFERENCE = re.compile(r"\[mlstack-review-v(?P<version>\d{1,9})\]: #(?P<json>%7B\S*%7D)")


class Marker(BaseModel):
    """What a comment shows. Together, project and environment say which comment it is."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    project: str
    environment: str
    plan: str | None = Field(default=None, pattern=r"^[0-9a-f]+$", max_length=128)
    """The plan's hash in lowercase hex. None when there is nothing to approve, as after a failed preview."""
    truncated: bool = False
    """Something was left out for the sake of the size limit: a reader has not seen the whole plan."""

    def same_place(self, other: "Marker") -> bool:
        return (self.project, self.environment) == (other.project, other.environment)


def write(data: Marker, style: Style = "html") -> str:
    """The marker as one ASCII line without a line break. No value can end it early."""
    text = json.dumps(data.model_dump(exclude_none=True), separators=(",", ":"))
    if style == "reference":
        return f"[mlstack-review-v{VERSION}]: #{quote(text, safe='')}"
    # Within JSON these three occur in strings alone, where an escape means the same.
    for unsafe in ("--", "<", ">"):
        text = text.replace(unsafe, "".join(f"\\u{ord(character):04x}" for character in unsafe))
    return f"<!-- mlstack-review v{VERSION} {text} -->"


def find(body: str) -> Marker | None:
    """The marker of a comment, in either style; None if its first line is none, or one that says nothing.

    One of a newer version is read as far as it is understood: fields that are unknown are passed over, and a hash
    that is not one approves nothing.
    """
    line = body.lstrip("\ufeff \t\r\n").split("\n", 1)[0].rstrip()
    found: re.Match[str] | None = None
    decode: Callable[[str], str] = str
    if found := _HTML.fullmatch(line):
        pass
    elif found := _REFERENCE.fullmatch(line):
        decode = unquote
    else:
        return None
    try:
        raw = json.loads(decode(found["json"]))
        if int(found["version"]) > VERSION:
            raw = {"project": raw.get("project"), "environment": raw.get("environment"), **_understood(raw)}
        return Marker.model_validate(raw, strict=True)
    except (ValueError, ValidationError, RecursionError):
        return None


def _understood(raw: dict[str, object]) -> dict[str, object]:
    plan, truncated = raw.get("plan"), raw.get("truncated", False)
    known = isinstance(plan, str) and re.fullmatch(r"[0-9a-f]{1,128}", plan)
    return {"plan": plan if known else None, "truncated": truncated if isinstance(truncated, bool) else True}
