"""Runs the stack's CodeBuild project and follows it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mlstack.errors import MLStackError
from mlstack.images import buildspec
from mlstack.images.aws import Clients, code, said_clearly
from mlstack.images.causes import build_failed
from mlstack.images.target import Target

_LOOK_EVERY = 1.0
_KEPT = 400
_ENTERING = re.compile(r"\[Container\].* Entering phase (\w+)")
"""Lines of the log that are kept for a failure's message."""


@dataclass
class Followed:
    """A build, as far as it is known."""

    id: str
    status: str = "IN_PROGRESS"
    phases: list[str] = field(default_factory=lambda: ["SUBMITTED"])
    """That it went through, or is in."""
    contexts: list[str] = field(default_factory=list)
    """What CodeBuild says of phases that failed."""
    lines: list[str] = field(default_factory=list)


class CodeBuild:
    def __init__(self, clients: Clients, target: Target, project: str, say: Callable[[str], None]) -> None:
        self._clients, self._target, self._project, self._say = clients, target, project, say

    def run(
        self,
        *,
        content: str,
        content_tag: str,
        tag: str,
        bases: Sequence[str],
        exists: bool,
        minutes: int,
        on_phase: Callable[[str], None],
        on_line: Callable[[str], None],
    ) -> str:
        """Build the uploaded context, or with `exists` only tag its image; the id of the build.

        Raises BuildError. Ctrl-C, and whatever else ends this, stops the build.
        """
        variables = buildspec.variables(self._target, content_tag, tag, bases)
        with said_clearly():
            started = self._clients.codebuild.start_build(
                projectName=self._project,
                sourceTypeOverride="S3",
                sourceLocationOverride=f"{self._target.bucket}/{self._target.key(content)}",
                buildspecOverride=buildspec.TAG if exists else buildspec.BUILD,
                environmentTypeOverride="LINUX_CONTAINER",
                imageOverride=buildspec.IMAGE,
                imagePullCredentialsTypeOverride="CODEBUILD",
                # Of a virtual machine that CodeBuild makes for this build alone: its docker daemon needs it.
                privilegedModeOverride=not exists,
                environmentVariablesOverride=[
                    {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
                ],
                artifactsOverride={"type": "NO_ARTIFACTS"},
                timeoutInMinutesOverride=minutes,
            )["build"]
        followed = Followed(str(started["id"]))
        with self._stopped_unless_done(followed), said_clearly():
            self._follow(followed, on_phase, on_line)
        if followed.status != "SUCCEEDED":
            raise build_failed(followed.status, followed.contexts, followed.lines, minutes=minutes, build=followed.id)
        return followed.id

    def _follow(self, followed: Followed, on_phase: Callable[[str], None], on_line: Callable[[str], None]) -> None:
        log = _Log(self._clients)
        while True:
            build: dict[str, Any] = self._clients.codebuild.batch_get_builds(ids=[followed.id])["builds"][0]
            status = str(build["buildStatus"])
            for line in log.new(build.get("logs", {})):
                if entering := _ENTERING.match(line):
                    self._enter(followed, entering[1], on_phase)
                followed.lines = [*followed.lines[-_KEPT:], line]
                on_line(line)
            self._enter(followed, str(build.get("currentPhase", followed.phases[-1])), on_phase)
            followed.status = status
            if status != "IN_PROGRESS":
                followed.contexts = [
                    str(each["message"])
                    for phase in build.get("phases", ())
                    for each in phase.get("contexts", ())
                    if each.get("message", "").strip()
                ]
                return
            time.sleep(_LOOK_EVERY)

    @staticmethod
    def _enter(followed: Followed, phase: str, on_phase: Callable[[str], None]) -> None:
        if phase not in followed.phases:
            followed.phases.append(phase)
            on_phase(phase)

    @contextmanager
    def _stopped_unless_done(self, followed: Followed) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if followed.status == "IN_PROGRESS":
                try:
                    self._clients.codebuild.stop_build(id=followed.id)
                except Exception as also:
                    raise MLStackError(
                        f"the build {followed.id} could not be stopped and goes on: {also}",
                        hint=f"aws codebuild stop-build --id {followed.id}",
                    ) from error
                self._say(f"stopped the build {followed.id}")
            raise


class _Log:
    """A build's log, read as far as it was written."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._token: str | None = None
        self._denied = False

    def new(self, place: dict[str, Any]) -> Iterator[str]:
        """What came since the last call. `place` is what the build says of its logs."""
        from botocore.exceptions import ClientError

        group, stream = place.get("groupName"), place.get("streamName")
        while group and stream and not self._denied:
            try:
                found = self._clients.logs.get_log_events(
                    logGroupName=group,
                    logStreamName=stream,
                    startFromHead=True,
                    **({"nextToken": self._token} if self._token else {}),
                )
            except ClientError as error:
                if code(error) == "ResourceNotFoundException":
                    return  # nothing was written so far
                if code(error) != "AccessDeniedException":
                    raise
                # The build is no worse for it; only nobody sees its lines.
                self._denied = True
                yield f"the log {group} cannot be read from here: {error}"
                return
            for event in found["events"]:
                yield from event["message"].rstrip("\n").splitlines() or [""]
            # At the end of the log the token stays the same.
            self._token, before = found["nextForwardToken"], self._token
            if self._token == before or not found["events"]:
                return
