"""Where the contract comes from: a file, standard input, or the outputs of a Pulumi stack."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mlstack.contract import MLStackOutputs
from mlstack.errors import MLStackError, UsageError


def load(stack: str | None, outputs: str | None) -> MLStackOutputs:
    """From `outputs` (a file, or - for standard input), else from `stack`, else from the stack that is selected.

    Raises MLStackError when there is none.
    """
    if stack and outputs:
        raise UsageError("--stack and --outputs exclude each other", hint="name the one where the contract is")
    if outputs == "-":
        return MLStackOutputs.parse(sys.stdin.read(), origin="standard input")
    if outputs:
        try:
            text = Path(outputs).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise UsageError(f"{outputs} cannot be read: {reason}", hint="pulumi stack output --json > FILE") from None
        return MLStackOutputs.parse(text, origin=outputs)
    contract = MLStackOutputs.parse(_from_pulumi(stack), origin=f"stack {stack}" if stack else "the selected stack")
    if stack and stack.rpartition("/")[2] != contract.environment:
        raise MLStackError(
            f"stack {stack} holds the contract of environment {contract.environment}; nothing was changed",
            hint=f"run `pulumi up --stack {stack}` to write its own",
        )
    return contract


def _from_pulumi(stack: str | None) -> str:
    if shutil.which("pulumi") is None:
        raise MLStackError(
            "there is no `pulumi` on PATH to ask for the stack's outputs",
            hint="install it, or give the outputs with --outputs FILE",
        )
    if not Path("Pulumi.yaml").is_file():
        raise UsageError(f"there is no Pulumi.yaml in {Path.cwd()}", hint="run it in the directory of the program")
    command = [
        "pulumi",
        "stack",
        "output",
        "mlstack",
        "--json",
        "--non-interactive",
        *(["--stack", stack] if stack else []),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
    )
    if done.returncode == 0:
        return done.stdout
    said = " ".join(line.removeprefix("error: ") for line in done.stderr.splitlines() if line.strip())
    if "does not have output property" in said or "no stack output" in said.lower():
        raise MLStackError(
            f"{f'stack {stack}' if stack else 'the selected stack'} has no `mlstack` output",
            hint="run `pulumi up` for it first",
        )
    raise MLStackError(f"pulumi stack output: {said or 'failed'}", hint="pulumi stack ls shows the stacks there are")
