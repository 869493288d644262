"""The calls that must work: recorded from real runs, and documented where nobody can record them."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.least_privilege.operations import OPERATIONS
from tools.calls.normal import read

HERE = Path(__file__).parent
RECORDED = HERE / "recorded.json"
DOCUMENTED = HERE / "documented.toml"


@dataclass(frozen=True, kw_only=True)
class Call:
    """Who calls which operation on what. Placeholders such as `{bucket}` stand for the names of a stack."""

    who: str
    """`access/s3`: the access role in a session of that connector. `sagemaker`: that role. A service's principal."""
    operation: str
    """`s3:PutObject`, with the name of the API operation and not of the right."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    inside: bool = False
    """Made by a step or a build: in an isolated network it goes through an endpoint."""
    needs: frozenset[str] = frozenset()
    """Parts of a stack (`Granted.parts`) that it takes, all of them."""
    source: str = "recorded"

    def made_in(self, parts: frozenset[str]) -> bool:
        """Whether a stack of these parts makes it."""
        makers = OPERATIONS[self.operation].made_by if self.source == "recorded" else ()
        if self.who == "access/ecr" and "registry" not in parts:
            return False
        return self.needs <= parts and (not makers or bool(parts.intersection(makers)))


@lru_cache(maxsize=1)
def recorded() -> tuple[Call, ...]:
    return tuple(call for record in read(RECORDED) for call in _of_record(record))


@lru_cache(maxsize=1)
def documented() -> tuple[Call, ...]:
    written = tomllib.loads(DOCUMENTED.read_text(encoding="utf-8"))["call"]
    return tuple(
        Call(
            who=each["who"],
            operation=operation,
            parameters=each.get("parameters", {}),
            inside=each.get("inside", False),
            needs=frozenset(each.get("needs", ())),
            source=each["source"],
        )
        for each in written
        for operation in each["calls"]
    )


def must_work() -> tuple[Call, ...]:
    return recorded() + documented()


def _of_record(record: Mapping[str, Any]) -> Iterator[Call]:
    parameters = dict(record["parameters"])
    call = {"who": record["who"], "inside": "step" in record["at"]}
    if record["call"] == "s3:DeleteObjects":
        for each in parameters["Delete"]:
            yield Call(**call, operation="s3:DeleteObject", parameters={"Bucket": parameters["Bucket"], **each})
        return
    if "VersionId" in parameters:
        yield Call(**call, operation=f"{record['call']}Version", parameters=parameters)
        return
    if record["call"] == "codebuild:BatchGetBuilds":
        # A build is named <project>:<id>.
        parameters["projectName"] = parameters["ids"][0].partition(":")[0]
    texts = {name: str(value) for name, value in parameters.items()}
    yield Call(**call, operation=record["call"], parameters=texts)
