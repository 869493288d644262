"""A rotation interrupted at each of its steps. AWS, engine and ZenML are stand-ins: see end_to_end/test_key.py."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlstack.errors import MLStackError, UsageError
from mlstack.registration import engine, key_setting, rotate

SETTINGS = "config:\n  mlstack:connector:\n    auth: iam-role  # outside AWS\n"


class KilledError(Exception):
    """As if the process had been killed."""


@dataclass
class World:
    """A stack, its user at AWS and ZenML, which watches what may never happen."""

    file: Path
    at_aws: set[int] = field(default_factory=lambda: {1})
    output: tuple[int, ...] = (1,)
    in_zenml: int = 1
    steps: int = 0
    ends_at: int | None = None
    """Which step is the last: an odd one before it has an effect, an even one after it."""

    def step(self, effect: Callable[[], None]) -> None:
        self.pass_by()
        effect()
        self.pass_by()

    def pass_by(self) -> None:
        assert self.in_zenml in self.at_aws, "ZenML has a key that does not exist"
        self.steps += 1
        if self.steps == self.ends_at:
            raise KilledError

    def set_keys(self) -> None:
        wanted = set(key_setting.read(self.file))
        for added in wanted - self.at_aws:
            assert len(self.at_aws) < 2, "AWS allows two keys for a user"
            self.at_aws.add(added)
        self.at_aws &= wanted

    def set_output(self) -> None:
        self.output = key_setting.read(self.file)

    def up(self, stack: str, file: Path, news: Callable[[str], None]) -> None:
        # The engine's outputs are written after everything else.
        self.step(self.set_keys)
        self.step(self.set_output)

    def register(self) -> None:
        self.step(lambda: setattr(self, "in_zenml", self.output[-1]))

    def shown(self, name: str, stack: str | None, *, show_secrets: bool = False) -> str:
        newest = self.output[-1]
        return json.dumps(
            {
                "access_key_id": f"AKIA{newest}",
                "secret_access_key": "of the test",
                "generation": newest,
                "generations": self.output,
            }
        )

    def rotate(self) -> rotate.Rotation:
        rotation = rotate.find("dev", self.file)
        rotate.carry_out(rotation, self.register, lambda _: None)
        return rotation


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(SETTINGS)
    world = World(file)
    monkeypatch.setattr(engine, "up", lambda *given: world.up(*given))
    monkeypatch.setattr(engine, "output", lambda *given, **more: world.shown(*given, **more))
    monkeypatch.setattr(engine, "is_deployed", lambda *_: world.output == key_setting.read(file))
    write = key_setting.write

    def writes(where: Path, keys: tuple[int, ...], team: str | None = None) -> None:
        world.step(lambda: write(where, keys, team))

    monkeypatch.setattr(key_setting, "write", writes)
    return world


def test_it_ends_with_the_next_key_alone(world: World) -> None:
    rotation = world.rotate()
    assert (rotation.old, rotation.new, rotation.resumed) == (1, 2, False)
    assert (world.at_aws, world.output, world.in_zenml) == ({2}, (2,), 2)
    assert world.file.read_text() == SETTINGS + "    keys: [2]\n"


def test_interrupted_at_any_step_it_goes_on_and_zenml_always_has_a_key_that_exists(world: World) -> None:
    world.rotate()
    steps, fresh = world.steps, {2}
    assert steps >= 14
    for step in range(1, steps):
        before = max(fresh)
        world.steps, world.ends_at = 0, step
        with pytest.raises(KilledError):
            world.rotate()
        began = world.file.read_text() != SETTINGS + f"    keys: [{before}]\n"
        world.ends_at = None
        assert world.rotate().resumed == began, f"step {step}"
        fresh = {before + 1}
        assert (world.at_aws, world.output, world.in_zenml) == (fresh, tuple(fresh), before + 1), f"step {step}"


def test_a_server_that_cannot_use_the_new_key_keeps_the_old_one(world: World) -> None:
    def refuse() -> None:
        raise MLStackError("the server cannot use it")

    with pytest.raises(MLStackError, match="cannot use it"):
        rotate.carry_out(rotate.find("dev", world.file), refuse, lambda _: None)
    assert (world.at_aws, world.in_zenml) == ({1, 2}, 1)
    assert world.rotate().resumed


def test_a_stack_with_other_changes_is_not_deployed_on_the_side(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "is_deployed", lambda *_: False)
    with pytest.raises(UsageError, match="changes that are not deployed yet"):
        world.rotate()
    assert world.steps == 0


def test_keys_that_were_chosen_by_hand_are_deployed_first(world: World) -> None:
    world.file.write_text(SETTINGS + "    keys: [7]\n")
    with pytest.raises(UsageError, match="asks for access key 7, and the stack has 1; nothing was touched"):
        world.rotate()
    assert world.steps == 0


def test_a_third_key_that_somebody_made_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MLStackError("pulumi up failed: LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2")

    monkeypatch.setattr(engine, "up", refuse)
    with pytest.raises(MLStackError) as refused:
        world.rotate()
    assert (
        refused.value.hint
        == "AWS allows two keys for a user: delete in IAM the one that this stack does not know, then again"
    )
