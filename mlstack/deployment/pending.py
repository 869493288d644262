"""What an engine that was killed had begun to create: it may be there or not, and the state knows it only as begun."""

from collections.abc import Iterable, Iterator

from mlstack.engine import Pending
from mlstack.errors import MLStackError

_CREATING = "creating"


def refuse_unclear(pending: Iterable[Pending], stack: str) -> None:
    """Raises MLStackError when somebody has to look first: what exists would be made twice, or be in the way.

    Updates and deletions that were cut off need nobody: the engine does them again.
    """
    unclear = [each for each in pending if each.kind == _CREATING]
    if unclear:
        raise MLStackError("\n".join(described(unclear, stack)), hint="docs/state.md, `A killed deployment`")


def described(pending: Iterable[Pending], stack: str) -> Iterator[str]:
    """What is unclear, and the commands that make it clear."""
    unclear = [each for each in pending if each.kind == _CREATING]
    if not unclear:
        return
    yield "a run was cut off while it created these, and whether they are there only AWS knows:"
    for each in unclear:
        yield f"  {each}"
    yield f"`pulumi refresh --stack {stack}` asks for each of them whether it is there, and under which id"
