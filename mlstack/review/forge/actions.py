"""GitHub Actions' own channels: the summary of a step, and annotations on lines of the change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from mlstack.errors import MLStackError, UsageError
from mlstack.review.forge.limits import STEP_SUMMARY

Level = Literal["error", "warning", "notice"]
_LEVELS: tuple[Level, ...] = ("error", "warning", "notice")
PER_LEVEL = 10
"""Annotations of one level that a step may make; GitHub drops the rest in silence (docs.github.com, `Usage limits`)."""


@dataclass(frozen=True, kw_only=True)
class Annotation:
    level: Level
    file: str
    """Relative to the repository."""
    line: int
    message: str
    title: str = ""


def annotations(found: Iterable[Annotation]) -> str:
    """Workflow commands for standard output, one per line: the first ten of each level, errors first.

    What is beyond ten is counted in the last one's message, rather than dropped. A file outside of the repository
    gets an annotation without a place, since its path belongs to the machine.
    """
    every = list(found)
    lines: list[str] = []
    for level in _LEVELS:
        these = [a for a in every if a.level == level]
        lines += [_command(a) for a in these[:PER_LEVEL]]
        if beyond := these[PER_LEVEL:]:
            lines[-1] += _data(f" (and {len(beyond)} more: see the comment)")
    return "".join(f"{line}\n" for line in lines)


def write_summary(environment: Mapping[str, str], text: str) -> None:
    """Append to the summary of this step. Raises `MLStackError` when GitHub would then show none of it."""
    target = environment.get("GITHUB_STEP_SUMMARY")
    if not target:
        raise UsageError("GITHUB_STEP_SUMMARY is not set", hint="it is set in every step of GitHub Actions")
    path = Path(target)
    try:
        before = path.stat().st_size if path.exists() else 0
        size = before + STEP_SUMMARY.count(text) + 1
        if size > STEP_SUMMARY.maximum:
            raise MLStackError(
                f"the step's summary would have {size:,} bytes, the limit is {STEP_SUMMARY.maximum:,}",
                hint="render it for the summary, which leaves out what matters least, or in a step of its own",
            )
        with path.open("a", encoding="utf-8", newline="\n") as summary:
            summary.write(f"{text}\n")
    except OSError as error:
        raise MLStackError(
            f"GITHUB_STEP_SUMMARY ({target}) cannot be written: {error.strerror}", hint="it must be a file of this job"
        ) from None


def _command(annotation: Annotation) -> str:
    file = PurePosixPath(annotation.file.replace("\\", "/"))
    inside = file.parts and not file.is_absolute() and ".." not in file.parts and ":" not in file.parts[0]
    properties = {"file": str(file), "line": str(annotation.line)} if inside else {}
    if annotation.title:
        properties["title"] = annotation.title
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{annotation.level}{' ' if given else ''}{given}::{_data(annotation.message)}"


def _data(text: str) -> str:
    """As the runner reads it: the percent sign first, then what would end the line and begin another command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
