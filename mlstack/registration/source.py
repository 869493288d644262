"""Where the contract and its key come from: a file, standard input, or the outputs of a Pulumi stack."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
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
        key = (None if own else _from_environment(generation)) or parsed(self._key_output(), self.contract.team)
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


def load(stack: str | None, outputs: str | None, team: str | None = None) -> MLStackOutputs:
    """The one contract alone: see `read`."""
    return read(stack, outputs, team).contract


def read(stack: str | None, outputs: str | None, team: str | None = None) -> Told:
    """The same as `read_all`, of one team when there are several. Raises UsageError when none is named."""
    told = read_all(stack, outputs, team)
    if len(told) > 1:
        raise UsageError("this is about one team, and there are several", hint=f"--team: {_teams(told)}")
    return told[0]


def read_all(stack: str | None, outputs: str | None, team: str | None = None) -> tuple[Told, ...]:
    """From `outputs` (a file, or - for standard input), else from `stack`, else from the stack that is selected.

    Of all teams, or of `team`. Raises MLStackError when there is no contract, UsageError when there is no such team.
    """
    if stack and outputs:
        raise UsageError("--stack and --outputs exclude each other", hint="name the one where the contract is")
    told = _from_outputs(outputs) if outputs else _from_stack(stack)
    if team is None:
        return told
    chosen = tuple(each for each in told if each.contract.team == team)
    if not chosen:
        known = f"--team: {_teams(told)}" if told[0].contract.team else "leave --team away"
        raise UsageError(f"environment {told[0].contract.environment} has no team {team!r}", hint=known)
    return chosen


def _teams(told: tuple[Told, ...]) -> str:
    return " or ".join(str(each.contract.team) for each in told)


def _from_outputs(outputs: str) -> tuple[Told, ...]:
    if outputs == "-":
        return _told(sys.stdin.read(), "standard input")
    try:
        text = Path(outputs).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"{outputs} cannot be read: {reason}", hint="pulumi stack output --json > FILE") from None
    return _told(text, outputs)


def _from_stack(stack: str | None) -> tuple[Told, ...]:
    origin = f"stack {stack}" if stack else "the selected stack"
    contracts = MLStackOutputs.parse_all(engine.output("mlstack", stack), origin=origin)
    environment = contracts[0].environment
    if stack and stack.rpartition("/")[2] != environment:
        raise MLStackError(
            f"{origin} holds the contract of environment {environment}; nothing was changed",
            hint=f"run `pulumi up --stack {stack}` to write its own",
        )
    keys = cache(lambda: engine.output(OUTPUT, stack, show_secrets=True))
    return tuple(Told(each, keys, origin) for each in contracts)


def _told(text: str, origin: str) -> tuple[Told, ...]:
    contracts = MLStackOutputs.parse_all(text, origin=origin)
    document = json.loads(text)
    held = document.get(OUTPUT) if isinstance(document, dict) else None
    return tuple(Told(each, lambda: held, origin) for each in contracts)


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


def of_teams(value: object) -> tuple[str, ...]:
    """Whose keys the output holds; nothing when it is the one of a stack without teams."""
    held = _decoded(value)
    return tuple(held) if isinstance(held, dict) and all(isinstance(key, dict) for key in held.values()) else ()


def parsed(value: object, team: str | None = None) -> AccessKey | None:
    """From the output's text, or the JSON of that text, as `pulumi stack output --json` prints a single one.

    With teams it holds one key for each.
    """
    held = _decoded(value)
    if team is not None and isinstance(held, dict):
        held = held.get(team)
    return AccessKey.parse(json.dumps(held)) if isinstance(held, dict) else None


def _decoded(value: object) -> object:
    for _ in range(2):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return None
    return value
