"""Errors meant for people: one message, a way out, an exit code; never a traceback."""

import difflib
from collections.abc import Iterable
from typing import ClassVar


class MLStackError(Exception):
    """Something the user can mend. The command line prints it and ends with `exit_code`."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        """The command or edit that mends it."""

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(MLStackError):
    """What was asked for, or written in a settings file, is wrong: nothing was touched."""

    exit_code = 2


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """`: did you mean X?`, or the list of what there is. `prefix` is put before each known name."""
    names = sorted(known)
    folded = {candidate.lower().replace("_", ""): candidate for candidate in names}
    close = difflib.get_close_matches(name.lower().replace("_", ""), folded, n=1, cutoff=0.6)
    if close:
        return f": did you mean {prefix}{folded[close[0]]}?"
    return f": there {'is' if len(names) == 1 else 'are'} {', '.join(names)}" if names else ""
