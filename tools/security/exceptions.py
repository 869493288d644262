"""What checkov may go on complaining about, and the comparison of that list with its verdicts."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.security.judge import Failure, Verdict

FILE = Path(__file__).with_name("exceptions.toml")


@dataclass(frozen=True)
class Allowed:
    """One rule that one resource, or every resource of a type, may fail."""

    id: str
    resource: str
    reason: str

    def covers(self, failure: Failure) -> bool:
        return self.id == failure.id and self.resource in (failure.resource, failure.resource.split(".")[0])


def load(text: str) -> tuple[Allowed, ...]:
    """The exceptions of a TOML text. Raises ValueError for one without an id, a resource and a reason."""
    entries = tomllib.loads(text).get("exception", [])
    for entry in entries:
        if entry.keys() != {"id", "resource", "reason"} or not all(str(value).strip() for value in entry.values()):
            raise ValueError(f"tools/security/exceptions.toml: {entry} needs an id, a resource and a reason, no more")
    return tuple(Allowed(**entry) for entry in entries)


@dataclass(frozen=True)
class Comparison:
    """Verdicts by the name of their settings, beside what is excepted."""

    verdicts: Mapping[str, Verdict]
    exceptions: tuple[Allowed, ...]

    def failed(self, settings: str) -> tuple[Failure, ...]:
        """Failures that no exception covers."""
        return tuple(each for each in self.verdicts[settings].failures if not self._excepted(each))

    def excepted(self, settings: str) -> tuple[Failure, ...]:
        return tuple(each for each in self.verdicts[settings].failures if self._excepted(each))

    def unused(self) -> tuple[Allowed, ...]:
        """Exceptions that no failure needs any more."""
        every = [failure for verdict in self.verdicts.values() for failure in verdict.failures]
        return tuple(allowed for allowed in self.exceptions if not any(allowed.covers(each) for each in every))

    def failed_with(self) -> dict[Failure, list[str]]:
        """Each failure once, with the settings that show it."""
        found: dict[Failure, list[str]] = {}
        for settings in self.verdicts:
            for failure in self.failed(settings):
                found.setdefault(failure, []).append(settings)
        return found

    @property
    def holds(self) -> bool:
        return not self.failed_with() and not self.unused()

    def _excepted(self, failure: Failure) -> bool:
        return any(allowed.covers(failure) for allowed in self.exceptions)

    def table(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        counts = [
            (name, str(verdict.passed), str(len(self.failed(name))), str(len(self.excepted(name))))
            for name, verdict in self.verdicts.items()
        ]
        yield from _columns([("settings", "passed", "failed", "excepted"), *counts])
        if self.exceptions:
            yield "\nexcepted, with the reason:"
            yield from _columns((allowed.id, allowed.resource, allowed.reason) for allowed in self.exceptions)
        if failed := self.failed_with():
            yield "\nfailed:"
            yield from _columns((each.id, each.resource, f"{each.title} ({_all(on)})") for each, on in failed.items())
            yield "mend the program; an exception in tools/security/exceptions.toml is for what cannot be mended"
        if unused := self.unused():
            yield "\nexceptions that nothing needs any more:"
            yield from _columns((allowed.id, allowed.resource, allowed.reason) for allowed in unused)
            yield "take them out of tools/security/exceptions.toml"

    def as_json(self) -> dict[str, object]:
        return {
            "holds": self.holds,
            "settings": {
                name: {
                    "passed": verdict.passed,
                    "failed": [vars(each) for each in self.failed(name)],
                    "excepted": [vars(each) for each in self.excepted(name)],
                }
                for name, verdict in self.verdicts.items()
            },
            "unused": [vars(allowed) for allowed in self.unused()],
        }


def _all(settings: list[str]) -> str:
    return "; ".join(settings)


def _columns(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Rows with all columns but the last as wide as their widest cell."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        yield "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
