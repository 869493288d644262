"""What the image needs for ZenML on a stack, computed by ZenML, and what of it the project does not lock."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from mlstack.contract import MLStackOutputs
from mlstack.errors import MLStackError
from mlstack.images.project import Project

_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Needed:
    zenml: str
    """Version."""
    integrations: tuple[str, ...]
    requirements: tuple[str, ...]
    """As pip reads them, ZenML itself first."""


def needed(flavors: Iterable[tuple[str, str]]) -> Needed:
    """For [component type, flavor] pairs. ZenML computes it in a process of its own, in seconds.

    Raises MLStackError when that process fails.
    """
    with tempfile.TemporaryDirectory(prefix="mlstack-zenml-") as configuration:
        # Neither the operator's login nor ZenML's own statistics have to do with it.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ZENML_")}
        environment |= {"ZENML_CONFIG_PATH": configuration, "ZENML_ANALYTICS_OPT_IN": "false"}
        # It starts elsewhere: what lies where the command was given is not to be taken for ZenML.
        path = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
        try:
            done = subprocess.run(
                [sys.executable, "-m", "mlstack.images.integrations"],
                input=json.dumps(sorted(flavors)),
                cwd=configuration,
                env={**environment, "PYTHONPATH": os.pathsep.join(path)},
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MLStackError(f"ZenML did not say within {_SECONDS} s what it needs", hint="try again") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise MLStackError(f"ZenML could not be asked what it needs: {last}", hint="try `zenml version`")
    found = json.loads(done.stdout)
    return Needed(
        zenml=found["zenml"],
        integrations=tuple(found["integrations"]),
        requirements=(f"zenml=={found['zenml']}", *found["requirements"]),
    )


def flavors(contract: MLStackOutputs) -> list[tuple[str, str]]:
    return [(str(kind), each.flavor) for kind, each in contract.components.items()]


def missing(wanted: Needed, project: Project) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Requirements that the project does not satisfy, and those of which only the installation will tell."""
    lacks = [each for each in wanted.requirements if project.has(Requirement(each)) is False]
    is_open = [each for each in wanted.requirements if project.has(Requirement(each)) is None]
    return tuple(lacks), tuple(is_open)


def way_out(lacks: Iterable[str], project: Project) -> str:
    """The command, or the lines, that add what is missing."""
    if project.kind == "uv":
        where = [] if str(project.directory) == "." else ["--directory", str(project.directory)]
        member = ["--package", project.adds_to] if project.adds_to else []
        return shlex.join(["uv", "add", *where, *member, *lacks])
    return "\n".join(lacks)
