"""One run of `pulumi preview` that gives both the digest and the event log."""

from collections.abc import Callable
from pathlib import Path

from mlstack.engine import Pulumi
from mlstack.review.preview import Preview, read


def preview(stack: str | None, config_file: str | None, more: list[str], say: Callable[[str], None]) -> Preview:
    """A preview that fails is one too, a partial one.

    `more`: arguments for `pulumi preview`, such as a policy pack. Raises MLStackError when there is nothing to read.
    """
    # Or a protected resource ends the preview before everything was looked at; a guard says it instead.
    return _run(stack, config_file, ["preview", "--ignore-protect", *more], "previewing", say)


def drift(stack: str | None, config_file: str | None, say: Callable[[str], None]) -> Preview:
    """What differs in AWS from what was deployed. Nothing is changed. Raises MLStackError as `preview` does."""
    return _run(stack, config_file, ["refresh", "--preview-only"], "looking at", say)


def _run(
    stack: str | None, config_file: str | None, arguments: list[str], doing: str, say: Callable[[str], None]
) -> Preview:
    pulumi = Pulumi(Path.cwd(), stack, config_file=config_file)
    pulumi.check()
    say(f"{doing} {pulumi.stack}")
    digest, events = map(_without_paths, pulumi.recorded(*arguments))
    made = read(digest, events)
    made.engine = pulumi.releases()
    return made


def _without_paths(text: str) -> str:
    """Where the program lies on this machine is nobody's business."""
    return text.replace(str(Path.cwd()), ".").replace(str(Path.home()), "~")
