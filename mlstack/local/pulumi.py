"""Runs `pulumi` for the embedded cloud and reads its event stream."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlstack.errors import MLStackError

ENVIRONMENT = "local"
"""The Pulumi stack of the embedded cloud: Pulumi.local.yaml."""


@dataclass
class Outcome:
    """What one run of the engine did."""

    counts: dict[str, int] = field(default_factory=dict)
    """Operations by kind: `create`, `update`, `replace`, `delete`, `same`."""
    problems: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(count for operation, count in self.counts.items() if operation != "same")

    def __str__(self) -> str:
        changes = [f"{count} {operation}d" for operation, count in self.counts.items() if operation != "same" and count]
        return ", ".join(changes) if changes else f"unchanged, {self.counts.get('same', 0)} resources"


class Pulumi:
    """The engine in a project, with the environment of an embedded cloud."""

    def __init__(self, project: Path, environment: Mapping[str, str], log: Path) -> None:
        self._project = project
        self._environment = dict(environment)
        self._log = log

    def select(self) -> None:
        """Make the stack when it is not there yet."""
        self._plain("stack", "select", "--create", ENVIRONMENT)

    def up(self, news: Callable[[str], None], *, refresh: bool) -> Outcome:
        """Create or update everything. With `refresh`, first see what is really there.

        Raises MLStackError with what the engine said.
        """
        # Without a preview first: the events of the update say what changed, and this environment needs no assent.
        arguments = ["up", "--yes", "--skip-preview", "--json", *(["--refresh"] if refresh else [])]
        return self._stream(arguments, news, "deploying")

    def destroy(self, news: Callable[[str], None], *, refresh: bool) -> Outcome:
        """Delete everything that the stack holds."""
        arguments = ["destroy", "--yes", "--skip-preview", "--json", *(["--refresh"] if refresh else [])]
        return self._stream(arguments, news, "destroying")

    def output(self, name: str) -> Any:
        """A stack output. Raises MLStackError when there is none."""
        return json.loads(self._plain("stack", "output", name, "--json", "--stack", ENVIRONMENT))

    def release_lock(self) -> None:
        """Forget a lock that a killed engine left behind."""
        self._plain("cancel", "--yes", "--stack", ENVIRONMENT)

    def _plain(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self._project,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise MLStackError(f"pulumi {arguments[0]}: {_last_words(done.stderr or done.stdout)}")
        return done.stdout

    def _stream(self, arguments: list[str], news: Callable[[str], None], doing: str) -> Outcome:
        outcome = Outcome()
        counted: dict[str, str] = {}
        with self._log.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                ["pulumi", *arguments, "--stack", ENVIRONMENT, "--non-interactive"],
                cwd=self._project,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
            )
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    log.write(line)
                    _read_event(line, outcome, counted, news)
                code = process.wait()
            except KeyboardInterrupt:
                # The engine got the signal too: it finishes what it is doing, so that the state stays true.
                news("interrupted: waiting for the engine to finish what it is doing")
                process.wait()
                raise
        if code:
            # The engine's own last word, that the program ended with an error, says nothing beside the error itself.
            causes = [text for text in outcome.problems if "program exited with non-zero exit code" not in text]
            said = "\n".join(causes or outcome.problems) or _last_words(self._log.read_text(encoding="utf-8"))
            raise MLStackError(f"{doing} failed:\n{said}", hint=f"everything the engine said is in {self._log}")
        return outcome


def _read_event(line: str, outcome: Outcome, counted: dict[str, str], news: Callable[[str], None]) -> None:
    try:
        event = json.loads(line)
    except ValueError:
        return
    if finished := event.get("resOutputsEvent"):
        metadata = finished["metadata"]
        counted[metadata["urn"]] = metadata["op"]
        if metadata["op"] != "same":
            news(f"{metadata['op']} {metadata['urn'].rsplit('::', 1)[1]} ({len(counted)} done)")
    elif said := event.get("diagnosticEvent"):
        if said["severity"] == "error" and (text := _plain_text(said["message"])):
            outcome.problems.append(text)
    elif summary := event.get("summaryEvent"):
        outcome.counts = dict(summary.get("resourceChanges") or {})


def _plain_text(message: str) -> str:
    """A diagnostic without the engine's colour marks."""
    for mark in ("<{%reset%}>", "<{%fg 1%}>", "<{%bold%}>"):
        message = message.replace(mark, "")
    return message.strip()


def _last_words(text: str) -> str:
    return "\n".join(line for line in text.strip().splitlines() if line.strip())[-2000:]
