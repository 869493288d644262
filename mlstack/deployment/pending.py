"""What an engine that was killed had begun to create: it may be there or not, and the state knows it only as begun."""

import shlex
from collections.abc import Iterable, Iterator

from mlstack.errors import MLStackError
from mlstack.outcome import Pending, Step

_CREATING = "creating"
_UNKNOWN = "ID"


def refuse_unclear(pending: Iterable[Pending], stack: str) -> None:
    """Raises MLStackError when somebody has to look first: what exists would be in the way, or be made twice.

    Updates and deletions that were cut off need nobody: the engine does them again.
    """
    lines = list(described(pending, stack))
    if lines:
        raise MLStackError("\n".join(lines), hint="docs/state.md, `A killed deployment`; nothing was changed")


def described(pending: Iterable[Pending], stack: str) -> Iterator[str]:
    """What is unclear, and the commands that make it clear."""
    unclear = [each for each in pending if each.kind == _CREATING]
    if not unclear:
        return
    yield "a run was cut off while it created these; whether they are there, only AWS knows. Of each that is there, run"
    for each in unclear:
        yield f"  {_import(each, stack)}"
    yield "and when all that is there is imported"
    yield f"  pulumi refresh --stack {stack} --yes --clear-pending-creates"


def _import(each: Pending, stack: str) -> str:
    # Not `pulumi refresh --import-pending-creates`: 3.259 forgets what it is told to import.
    step = Step(operation="", urn=each.urn)
    identifier = str(each.inputs.get("name") or each.inputs.get("bucket") or _UNKNOWN)
    command = ["pulumi", "import", step.type, step.name, identifier]
    parent = ["--parent", f"parent={each.parent}"] if each.parent else []
    return shlex.join([*command, *parent, "--stack", stack, "--protect=false", "--generate-code=false", "--yes"])
