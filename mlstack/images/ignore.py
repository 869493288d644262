"""`.dockerignore`, exactly as Docker reads it.

Docker's own Python SDK and gitignore libraries each differ from it (parents of `**` patterns, exceptions below excluded
directories), so the rules of moby's patternmatcher are kept here: https://github.com/moby/patternmatcher.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlstack.errors import UsageError

_ESCAPED = frozenset(".$+()|{}^")


@dataclass(frozen=True)
class Pattern:
    exception: bool
    """Written with `!`: what it matches is back in."""
    regex: re.Pattern[str]


class Ignore:
    """The patterns of one file. The last that matches a path, or a directory above it, decides."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = patterns
        self.has_exceptions = any(each.exception for each in patterns)
        """Whether something below an excluded directory may be in."""

    @classmethod
    def parse(cls, text: str, origin: str) -> "Ignore":
        """Raises UsageError, with `origin` and the line, for a pattern that Docker refuses."""
        patterns = []
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
            if line.startswith("#") or not (pattern := line.strip()):
                continue
            exception = pattern.startswith("!")
            cleaned = _cleaned(pattern[1:].strip() if exception else pattern)
            if exception and not pattern[1:].strip():
                raise UsageError(f"{origin}, line {number}: `!` without a pattern", hint="write what is to be kept")
            try:
                patterns.append(Pattern(exception, re.compile(_regex(cleaned))))
            except re.error as error:
                hint = "brackets are closed with ], or written as \\["
                raise UsageError(f"{origin}, line {number}: {pattern!r} is no pattern: {error}", hint=hint) from None
        return cls(patterns)

    def match(self, path: str, parent: "Sequence[bool] | None") -> tuple[bool, Sequence[bool]]:
        """Whether `path` is excluded, and which patterns match it, to be given as `parent` for what is below it."""
        excluded, matched = False, []
        for number, pattern in enumerate(self._patterns):
            matches = bool(parent and parent[number]) or pattern.regex.fullmatch(path) is not None
            matched.append(matches)
            if matches:
                excluded = not pattern.exception
        return excluded, matched


def _cleaned(pattern: str) -> str:
    """As Go's filepath.Clean, and relative to the context."""
    cleaned = posixpath.normpath(pattern)
    return cleaned.lstrip("/") if len(cleaned) > 1 else cleaned


def _regex(pattern: str) -> str:
    found, position = "", 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*" and pattern[position : position + 1] == "*":
            position += 1
            if pattern[position : position + 1] == "/":
                position += 1
            found += "(.*/)?" if position < len(pattern) else ".*"
        elif character == "*":
            found += "[^/]*"
        elif character == "?":
            found += "[^/]"
        elif character == "\\" and position < len(pattern):
            found += re.escape(pattern[position])
            position += 1
        elif character == "\\":
            found += r"\\"
        elif character == "[":
            end = pattern.find("]", position)
            if end < 0:
                raise re.error("the bracket is not closed")
            found += "[" + pattern[position:end].replace("[", r"\[") + "]"
            position = end + 1
        else:
            found += "\\" + character if character in _ESCAPED else re.escape(character)
    return found
