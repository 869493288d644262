"""Errors meant for people: one message, a way out, an exit code; never a traceback."""

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
