"""What two environments would consist of, side by side, from the program itself, without engine and AWS."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlstack.environments.declared import FAILED
from mlstack.environments.values import Environment
from mlstack.errors import MLStackError, UsageError


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of both environments that is not the same in them."""

    type: str
    name: str
    properties: dict[str, tuple[Any, Any]]
    """Property to both values; None where it is not set."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Names are those in the program, without the environment's; values without what all of them carry of its names."""

    only: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By environment: type and name of what the other one does not have."""
    different: list[Resource] = field(default_factory=list)
    same: int = 0


def compare(directory: Path, first: Environment, second: Environment, news: Callable[[str], None]) -> Comparison:
    """Raises UsageError for what the program refuses, MLStackError when it cannot be run."""
    running = [(each, _begun(directory, each)) for each in (first, second)]
    try:
        left, right = ({(r["type"], r["name"]): r for r in _ended(each, process, news)} for each, process in running)
    finally:
        for _, process in running:
            if process.poll() is None:
                process.kill()
            process.wait()
    different = [
        Resource(type=key[0], name=key[1], properties=properties)
        for key in left
        if key in right and (properties := dict(_between(left[key]["inputs"], right[key]["inputs"])))
    ]
    return Comparison(
        only={
            first.name: [key for key in left if key not in right],
            second.name: [key for key in right if key not in left],
        },
        different=different,
        same=len(left.keys() & right.keys()) - len(different),
    )


def _begun(directory: Path, environment: Environment) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "mlstack.environments.declared", environment.settings.project, environment.name],
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    json.dump(environment.written.as_handed_over, process.stdin)
    process.stdin.close()
    process.stdin = None
    return process


def _ended(
    environment: Environment, process: "subprocess.Popen[str]", news: Callable[[str], None]
) -> Iterable[dict[str, Any]]:
    news(f"running the program for {environment.name}")
    out, said = process.communicate()
    if process.returncode:
        _, refused, why = said.partition(FAILED)
        if refused:
            raise UsageError(why.strip())
        last = said.strip().splitlines()[-1:] or ["it says nothing"]
        raise MLStackError(
            f"the program cannot be run for {environment.name}: {last[0]}", hint="pulumi preview says more"
        )
    return [_general(each, environment) for each in json.loads(out)]


def _general(resource: dict[str, Any], environment: Environment) -> dict[str, Any]:
    """Without the environment's own names, which are in almost everything and say nothing."""
    names = environment.settings.names
    replaced = {
        names.base: "<name>-<environment>",
        f"{environment.settings.project}/{names.environment}": "<project>/<environment>",
        names.account_id: "<account>",
        names.region: "<region>",
    }
    name = resource["name"].removeprefix(f"{names.name}-")
    inputs = {**resource["inputs"], **({"protect": True} if resource["protect"] else {})}
    return {"type": resource["type"], "name": name, "inputs": _replaced(inputs, replaced, names.environment)}


def _replaced(value: Any, replaced: dict[str, str], environment: str) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(each, replaced, environment) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, replaced, environment) for each in value]
    if not isinstance(value, str):
        return value
    if value == environment:
        return "<environment>"
    for before, after in replaced.items():
        value = value.replace(before, after)
    return _replaced(json.loads(value), replaced, environment) if value.startswith("{") and _is_json(value) else value


def _is_json(value: str) -> bool:
    try:
        return isinstance(json.loads(value), dict)
    except ValueError:
        return False


def _between(left: Any, right: Any, path: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in dict.fromkeys([*left, *right]):
            yield from _between(left.get(key), right.get(key), f"{path}.{key}" if path else key)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _between(one, other, f"{path}[{index}]")
    elif left != right:
        yield path, (left, right)
