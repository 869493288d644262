"""What changes of the output contract, leaf by leaf: what `mlstack register` will do after this."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlstack.review.model import ContractChange

_ABSENT = object()


def contract_changes(old: Any, new: Any) -> tuple[ContractChange, ...]:
    """Nothing when one of the two is not known: then it is new, or gone, or the log of events was not given."""
    if old is None or new is None:
        return ()
    return tuple(_differences(old, new, ""))


def _differences(old: Any, new: Any, path: str) -> Iterator[ContractChange]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _differences(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{path}.{key}" if path else key)
    elif old != new:
        yield ContractChange(path=path, old=None if old is _ABSENT else old, new=None if new is _ABSENT else new)
