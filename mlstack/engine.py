"""Runs `pulumi` on one stack and reads its event stream."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from mlstack import engine_process
from mlstack.causes import cause
from mlstack.errors import MLStackError, UsageError
from mlstack.existing.asked import UNREAD
from mlstack.outcome import SAYS_NOTHING, News, Outcome, Pending, Step, read_event


class EngineError(MLStackError):
    """The engine failed; `outcome` is what it did until then."""

    def __init__(self, message: str, *, hint: str | None, outcome: Outcome) -> None:
        super().__init__(message, hint=hint)
        self.outcome = outcome


class NoStackError(UsageError):
    """The stack that was named does not exist."""


class Pulumi:
    """The engine in a project, on one stack."""

    def __init__(
        self,
        project: Path,
        stack: str | None = None,
        *,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        config_file: str | None = None,
    ) -> None:
        """`stack`: None for the one that is selected.

        `log`: what the engine says goes there, readable by its owner; by default below the project.
        """
        self._project = project
        self._stack = stack
        file = f"pulumi-{(stack or 'selected').replace('/', '-')}.log"
        self._log = log or project / ".mlstack" / "logs" / file
        self._environment = {**(os.environ if environment is None else environment), **_QUIETLY}
        self._configuration = ["--config-file", config_file] if config_file else []

    def check(self) -> None:
        """Raises MLStackError when there is no engine, project or stack."""
        self._check_tools()
        _ = self.stack

    def make(self) -> None:
        """Make the stack when there is none, but settings for it. Raises UsageError as `check` does."""
        try:
            self.check()
        except NoStackError:
            settings = self._project / f"Pulumi.{str(self._stack).rpartition('/')[2]}.yaml"
            if not (self._configuration or settings.is_file()):
                raise
            try:
                self._plain("stack", "init", str(self._stack), "--no-select")
            except MLStackError as error:
                if "passphrase" not in error.message:
                    raise
                way_out = f"pulumi stack init {self._stack} --secrets-provider=... makes it with a key (docs/state.md)"
                raise MLStackError(error.message, hint=way_out) from None

    @cached_property
    def project(self) -> str:
        """Its name in Pulumi.yaml."""
        import yaml

        return str(yaml.safe_load((self._project / "Pulumi.yaml").read_text(encoding="utf-8"))["name"])

    @cached_property
    def stack(self) -> str:
        """Its name, which is that of the environment."""
        name = self._stack or self._plain("stack", "--show-name").strip()
        try:
            self._plain("stack", "--show-name", "--stack", name)
        except MLStackError as error:
            if "no stack named" in error.message:
                raise NoStackError(
                    f"there is no Pulumi stack {name!r}",
                    hint=f"pulumi stack ls shows those that there are; pulumi stack init {name} makes it",
                ) from None
            raise
        return name.rpartition("/")[2]

    def select(self) -> None:
        """Make the stack when it is not there yet."""
        assert self._stack is not None
        self._plain("stack", "select", "--create", self._stack)

    def preview(self, news: News, *, plan: Path | None = None) -> Outcome:
        """What `up` would do, for `up` also in the file `plan`. Raises EngineError."""
        return self._stream(["preview", "--json", *(["--save-plan", str(plan)] if plan else [])], news, "the preview")

    def recorded(self, *arguments: str) -> tuple[str, str]:
        """Digest and event log of one `preview`, or `refresh --preview-only`, however it ended.

        Raises MLStackError when it wrote no digest.
        """
        with tempfile.TemporaryDirectory(prefix="mlstack-preview-") as directory:
            events = Path(directory) / "events.ndjson"
            done = subprocess.run(
                [
                    *("pulumi", *arguments, "--json", "--event-log", str(events)),
                    *(*self._of_the_stack(), *self._configuration, "--non-interactive"),
                ],
                cwd=self._project,
                env={**self._environment, **_BOTH},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            log = events.read_text(encoding="utf-8") if events.exists() else ""
        if "{" not in done.stdout:
            raise MLStackError(f"pulumi {arguments[0]}: {_last_words(done.stderr) or 'it said nothing'}")
        return done.stdout, log

    def up(
        self,
        news: News,
        *,
        plan: Path | None = None,
        refresh: bool = False,
        on_step: Callable[[Step], None] | None = None,
    ) -> Outcome:
        """Create or update everything; with `plan`, what was previewed and no more.

        With `refresh`, first see what is really there. Raises EngineError.
        """
        arguments = ["up", "--yes", "--skip-preview", "--json", *(["--refresh"] if refresh else [])]
        return self._stream([*arguments, *(["--plan", str(plan)] if plan else [])], news, "deploying", on_step)

    def destroy(
        self,
        news: News,
        *,
        refresh: bool = False,
        run_program: bool = False,
        on_step: Callable[[Step], None] | None = None,
    ) -> Outcome:
        """Delete everything that the stack holds. Raises EngineError.

        `run_program`: let it deregister on the way. It is told that nothing will be made.
        """
        arguments = ["destroy", "--yes", "--skip-preview", "--json", *(["--refresh"] if refresh else [])]
        if not run_program:
            return self._stream(arguments, news, "destroying", on_step)
        return self._stream([*arguments, "--run-program"], news, "destroying", on_step, {UNREAD: "true"})

    def write_import_file(self, file: Path) -> None:
        """What the program would create, as an import file that lacks the ids. Raises MLStackError."""
        self._plain("preview", "--import-file", str(file), *self._of_the_stack(), *self._configuration)

    def import_resources(self, file: Path) -> None:
        """Take what exists into the state, as the file says; in AWS nothing changes. Raises MLStackError."""
        self._plain(
            "import",
            *("--file", str(file), "--yes", "--skip-preview", "--generate-code=false"),
            # The program says what is protected.
            "--protect=false",
            *self._of_the_stack(),
            *self._configuration,
        )

    def releases(self) -> tuple[str, str]:
        """Of the engine that wrote the state, empty when nothing did yet, and of the one that runs: `v3.259.0`."""
        return (self._deployment().get("manifest") or {}).get("version", ""), self._plain("version").strip()

    def output(self, name: str, *, show_secrets: bool = False) -> str:
        """A stack output as JSON. Raises MLStackError when there is none, or when it cannot be decrypted."""
        self._check_tools()
        secrets = ["--show-secrets"] if show_secrets else []
        try:
            return self._plain("stack", "output", name, "--json", *secrets, *self._of_the_stack())
        except MLStackError as error:
            said = error.message
        if "does not have output property" in said or "no stack output" in said.lower():
            raise MLStackError(
                f"{f'stack {self._stack}' if self._stack else 'the selected stack'} has no `{name}` output",
                hint="run `pulumi up` for it first",
            )
        hint = "pulumi stack ls shows the stacks there are"
        if "decrypt" in said or "passphrase" in said:
            hint = (
                "it needs what the stack's secrets are encrypted with: the passphrase, or the right to use the KMS key"
            )
        raise MLStackError(said, hint=hint)

    def state(self) -> list[dict[str, Any]]:
        """The resources of the stack as the engine wrote them down, secrets encrypted."""
        return list(self._deployment().get("resources") or [])

    def pending(self) -> list[Pending]:
        """What a killed engine left unfinished."""
        return [
            Pending(
                kind=each["type"],
                urn=each["resource"]["urn"],
                inputs=each["resource"].get("inputs") or {},
                parent=each["resource"].get("parent") or "",
            )
            for each in self._deployment().get("pending_operations") or []
        ]

    def backend(self) -> str:
        """Where the state is kept, as it was given to `pulumi login`."""
        self._check_tools()
        return str(json.loads(self._plain("whoami", "--json"))["url"])

    def processes(self) -> list[dict[str, Any]]:
        """`pid`, `host` and `since` of the last runs that were started here, the newest first."""
        return engine_process.those_of(self._log)

    def _deployment(self) -> dict[str, Any]:
        return json.loads(self._plain("stack", "export", *self._of_the_stack()))["deployment"] or {}

    def release_lock(self) -> None:
        """Forget a lock that a killed engine left behind."""
        self._plain("cancel", "--yes", *self._of_the_stack())

    def _check_tools(self) -> None:
        if shutil.which("pulumi", path=self._environment.get("PATH")) is None:
            raise MLStackError(
                "there is no `pulumi` on PATH",
                hint="https://www.pulumi.com/docs/install/ (for a registration, --outputs FILE does without it)",
            )
        if not (self._project / "Pulumi.yaml").is_file():
            raise UsageError(
                f"there is no Pulumi.yaml in {self._project}", hint="run it in the directory of the program"
            )

    def _of_the_stack(self) -> list[str]:
        return ["--stack", self._stack] if self._stack else []

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
            words = " ".join(each for each in arguments[:2] if not each.startswith("-"))
            said = _last_words(done.stderr or done.stdout).replace("error: ", "")
            raise MLStackError(f"pulumi {words}: {said or 'failed'}")
        return done.stdout

    def _stream(
        self,
        arguments: list[str],
        news: News,
        doing: str,
        on_step: Callable[[Step], None] | None = None,
        told: Mapping[str, str] | None = None,
    ) -> Outcome:
        outcome = Outcome()
        exit_code = engine_process.run(
            ["pulumi", *arguments, *self._of_the_stack(), *self._configuration, "--non-interactive"],
            directory=self._project,
            environment={**self._environment, **(told or {})},
            log=self._log,
            on_line=lambda line: read_event(line, outcome, news, on_step),
            news=news,
        )
        if exit_code:
            # The engine's own last word, that the program ended with an error, says nothing beside the error itself.
            causes = [text for text in outcome.problems if not any(empty in text for empty in SAYS_NOTHING)]
            said = "\n".join(dict.fromkeys(causes or outcome.problems)) or cause(
                _last_words(engine_process.said(self._log)).removeprefix("error: ")
            )
            raise EngineError(
                f"{doing} failed:\n{said}", hint=f"everything the engine said is in {self._log}", outcome=outcome
            )
        return outcome


_QUIETLY = {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}


_BOTH = {"PULUMI_DEBUG_COMMANDS": "true", "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "false"}
"""`--event-log` exists only with the first, the digest only without the second (pulumi/pkg/cmd/pulumi/operations)."""


def _last_words(text: str) -> str:
    return "\n".join(line for line in text.strip().splitlines() if line.strip())[-2000:]
