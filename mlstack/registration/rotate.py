"""Replaces the access key that ZenML's server works with, without a moment in which it has none that works.

The settings file and the stack's outputs say what is done already: interrupted anywhere, it goes on from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlstack.access_key import OUTPUT, AccessKey
from mlstack.errors import MLStackError, UsageError
from mlstack.registration import engine, key_setting

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Rotation:
    """One key goes, the next comes."""

    stack: str
    file: Path
    old: int
    new: int
    resumed: bool
    """An earlier run began it."""
    team: str | None = None
    """Whose key; None for that of the one stack, or of all teams without keys of their own."""

    def as_json(self, key: AccessKey) -> dict[str, Any]:
        return {
            "stack": self.stack,
            **({"team": self.team} if self.team else {}),
            "file": str(self.file),
            "old": self.old,
            "new": self.new,
            "resumed": self.resumed,
            "access_key_id": key.access_key_id,
        }


def find(stack: str, file: Path, team: str | None = None) -> Rotation:
    """What there is to do. Raises UsageError when the stack is not as its settings say, and nothing was touched."""
    written, deployed = key_setting.read(file, team), _key(stack, file, team).generations
    if len(deployed) > 1 and written in (deployed, deployed[-1:]):
        return Rotation(stack, file, old=deployed[0], new=deployed[1], resumed=True, team=team)
    if len(written) > 1 and written[:1] == deployed:
        return Rotation(stack, file, old=written[0], new=written[1], resumed=True, team=team)
    if written != deployed:
        raise UsageError(
            f"{file} asks for access key {_said(written)}, and the stack has {_said(deployed)}; nothing was touched",
            hint=f"pulumi up --stack {stack}, then mlstack register --stack {stack}",
        )
    if not engine.is_deployed(stack, file):
        raise UsageError(
            f"stack {stack} has changes that are not deployed yet, and this would deploy them; nothing was touched",
            hint=f"pulumi up --stack {stack}, then run it again",
        )
    return Rotation(stack, file, old=written[0], new=written[0] + 1, resumed=False, team=team)


def carry_out(rotation: Rotation, register: Callable[[], None], progress: Progress) -> AccessKey:
    """The key that ZenML has afterwards. `register` gives ZenML the stack's key and fails unless the server can use it.

    Raises MLStackError; run again, it goes on.
    """
    stack, file, both = rotation.stack, rotation.file, (rotation.old, rotation.new)
    team = rotation.team
    if key_setting.read(file, team) != both[1:]:
        key_setting.write(file, both, team)
        progress(f"adding access key {rotation.new} (pulumi up)")
        _up(stack, file, progress)
    progress(f"giving access key {rotation.new} to ZenML")
    register()
    key_setting.write(file, both[1:], team)
    progress(f"removing access key {rotation.old} (pulumi up)")
    _up(stack, file, progress)
    return _key(stack, file, team)


def _up(stack: str, file: Path, progress: Progress) -> None:
    try:
        engine.up(stack, file, progress)
    except MLStackError as error:
        hint = "mlstack rotate-key goes on from here"
        if "AccessKeysPerUser" in error.message or "LimitExceeded" in error.message:
            hint = "AWS allows two keys for a user: delete in IAM the one that this stack does not know, then again"
        raise MLStackError(error.message, hint=hint) from None


def _key(stack: str, file: Path, team: str | None) -> AccessKey:
    """Of the team; of all that have the environment's keys, which are of the same generations, the first's."""
    from mlstack.registration.source import of_teams, parsed

    output = engine.output(OUTPUT, stack, show_secrets=True)
    if team is None:
        own = key_setting.with_their_own(file)
        team = next((each for each in of_teams(output) if each not in own), None)
    key = parsed(output, team)
    if key is None:
        raise MLStackError(f"stack {stack} has no `{OUTPUT}` output that can be read", hint="run `pulumi up` for it")
    return key


def _said(generations: tuple[int, ...]) -> str:
    return " and ".join(map(str, generations))
