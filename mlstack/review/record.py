"""One run of `pulumi preview` that gives both the digest and the event log."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from mlstack.engine import Pulumi
from mlstack.errors import MLStackError
from mlstack.review.preview import Preview, read

_BOTH = {"PULUMI_DEBUG_COMMANDS": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"}
"""`--event-log` exists only with the first (pulumi/pkg/cmd/pulumi/operations/preview.go)."""


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
    with tempfile.TemporaryDirectory(prefix="mlstack-review-") as directory:
        events = Path(directory) / "events.ndjson"
        done = subprocess.run(
            [
                *("pulumi", *arguments, "--json", "--non-interactive", "--event-log", str(events)),
                *(["--stack", stack] if stack else []),
                *(["--config-file", config_file] if config_file else []),
            ],
            env={**os.environ, **_BOTH},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        log = events.read_text(encoding="utf-8") if events.exists() else ""
    if "{" not in done.stdout:
        raise MLStackError(f"pulumi {arguments[0]}: {done.stderr.strip()[-2000:] or 'it said nothing'}")
    return read(_without_paths(done.stdout), _without_paths(log))


def _without_paths(text: str) -> str:
    """Where the program lies on this machine is nobody's business."""
    return text.replace(str(Path.cwd()), ".").replace(str(Path.home()), "~")
