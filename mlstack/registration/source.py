"""Where the contract and its key come from: a file, standard input, or the outputs of a Pulumi stack."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from mlstack.access_key import OUTPUT, AccessKey
from mlstack.contract import MLStackOutputs
from mlstack.errors import MLStackError, UsageError
from mlstack.registration import engine

KEY_ID = "MLSTACK_CONNECTOR_KEY_ID"
KEY_SECRET = "MLSTACK_CONNECTOR_SECRET"  # noqa: S105 -- the name of a variable
"""Environment variables that stand in for the stack's secret output, where that cannot be decrypted."""


@dataclass(frozen=True)
class Told:
    """What the program promises, and on demand the key that its connectors need."""

    contract: MLStackOutputs
    _key_output: Callable[[], object]
    _origin: str

    def key(self, *, own: bool = False) -> AccessKey | None:
        """None when the contract needs none. `own`: the stack's, whatever the environment's variables say.

        Raises MLStackError when one is needed and none is to be had.
        """
        generation = self.contract.key_generation
        if generation is None:
            return None
        key = (None if own else _from_environment(generation)) or parsed(self._key_output())
        if key is None:
            raise MLStackError(
                f"{self._origin} asks for connectors with access key {generation}, and does not hold that key",
                hint="write the outputs with `pulumi stack output --json --show-secrets`, name the stack with --stack, "
                f"or set {KEY_ID} and {KEY_SECRET}",
            )
        if key.generation != generation:
            raise MLStackError(
                f"{self._origin} asks for access key {generation} and holds key {key.generation}",
                hint="the outputs are of two deployments: write both anew",
            )
        return key


def load(stack: str | None, outputs: str | None) -> MLStackOutputs:
    """The contract alone: see `read`."""
    return read(stack, outputs).contract


def read(stack: str | None, outputs: str | None) -> Told:
    """From `outputs` (a file, or - for standard input), else from `stack`, else from the stack that is selected.

    Raises MLStackError when there is no contract.
    """
    if stack and outputs:
        raise UsageError("--stack and --outputs exclude each other", hint="name the one where the contract is")
    if outputs == "-":
        return _told(sys.stdin.read(), "standard input")
    if outputs:
        try:
            text = Path(outputs).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise UsageError(f"{outputs} cannot be read: {reason}", hint="pulumi stack output --json > FILE") from None
        return _told(text, outputs)
    origin = f"stack {stack}" if stack else "the selected stack"
    contract = MLStackOutputs.parse(engine.output("mlstack", stack), origin=origin)
    if stack and stack.rpartition("/")[2] != contract.environment:
        raise MLStackError(
            f"{origin} holds the contract of environment {contract.environment}; nothing was changed",
            hint=f"run `pulumi up --stack {stack}` to write its own",
        )
    return Told(contract, lambda: engine.output(OUTPUT, stack, show_secrets=True), origin)


def _told(text: str, origin: str) -> Told:
    contract = MLStackOutputs.parse(text, origin=origin)
    document = json.loads(text)
    return Told(contract, lambda: document.get(OUTPUT) if isinstance(document, dict) else None, origin)


def _from_environment(generation: int) -> AccessKey | None:
    key_id, secret = os.environ.get(KEY_ID), os.environ.get(KEY_SECRET)
    if bool(key_id) != bool(secret):
        raise UsageError(f"{KEY_ID} and {KEY_SECRET} go together: one of them is not set", hint="set both or neither")
    if not key_id or not secret:
        return None
    return AccessKey(
        access_key_id=key_id,
        secret_access_key=SecretStr(secret),
        generation=generation,
        generations=(generation,),
    )


def parsed(value: object) -> AccessKey | None:
    """From the output's text, or the JSON of that text, as `pulumi stack output --json` prints a single one."""
    if isinstance(value, str) and value.startswith('"'):
        value = json.loads(value)
    return AccessKey.parse(value) if isinstance(value, str) else None
