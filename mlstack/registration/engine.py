"""The calls of `pulumi` that the hook makes: a stack's outputs, and an update without questions."""

import os
import shutil
import subprocess
from pathlib import Path

from mlstack.errors import MLStackError, UsageError


def output(name: str, stack: str | None, *, show_secrets: bool = False) -> str:
    """A stack output as JSON. Raises MLStackError when there is none, or when it cannot be decrypted."""
    arguments = ["stack", "output", name, "--json", *(["--show-secrets"] if show_secrets else [])]
    done = _pulumi(arguments, stack)
    if done.returncode == 0:
        return done.stdout
    said = _last_words(done)
    if "does not have output property" in said or "no stack output" in said.lower():
        raise MLStackError(
            f"{f'stack {stack}' if stack else 'the selected stack'} has no `{name}` output",
            hint="run `pulumi up` for it first",
        )
    hint = "pulumi stack ls shows the stacks there are"
    if "decrypt" in said or "passphrase" in said:
        hint = "it needs what the stack's secrets are encrypted with: the passphrase, or the right to use the KMS key"
    raise MLStackError(f"pulumi stack output: {said or 'failed'}", hint=hint)


def up(stack: str, settings: Path) -> None:
    """Create or update everything with the settings of that file, without a question.

    Raises MLStackError with what the engine said.
    """
    done = _pulumi(["up", "--yes", "--skip-preview", "--color", "never", "--config-file", str(settings)], stack)
    if done.returncode:
        raise MLStackError(f"pulumi up failed:\n{_errors(done)}")


def is_deployed(stack: str, settings: Path) -> bool:
    """Whether `pulumi up` would change nothing. Raises MLStackError when a preview fails for another reason."""
    done = _pulumi(["preview", "--expect-no-changes", "--color", "never", "--config-file", str(settings)], stack)
    if done.returncode and "no changes were expected" not in f"{done.stdout}{done.stderr}":
        raise MLStackError(f"pulumi preview failed:\n{_errors(done)}")
    return done.returncode == 0


def _pulumi(arguments: list[str], stack: str | None) -> subprocess.CompletedProcess[str]:
    if shutil.which("pulumi") is None:
        raise MLStackError(
            "there is no `pulumi` on PATH to ask for the stack's outputs",
            hint="install it, or give the outputs with --outputs FILE",
        )
    if not Path("Pulumi.yaml").is_file():
        raise UsageError(f"there is no Pulumi.yaml in {Path.cwd()}", hint="run it in the directory of the program")
    command = ["pulumi", *arguments, "--non-interactive", *(["--stack", stack] if stack else [])]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
    ) as process:
        try:
            stdout, stderr = process.communicate()
        except KeyboardInterrupt:
            # The engine got the signal too: it finishes what it is doing, so that the state stays true.
            process.communicate()
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(line.removeprefix("error: ") for line in done.stderr.splitlines() if line.strip())


def _errors(done: subprocess.CompletedProcess[str]) -> str:
    """The lines that say error, else the end of all: the engine shows no secret in either."""
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return "\n".join([line for line in lines if "error:" in line] or lines[-20:])[-2000:]
