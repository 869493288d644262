"""What AWS's APIs have in common."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, TypeVar

from botocore.exceptions import ClientError

T = TypeVar("T")


def unless_gone(work: Callable[[], T], *codes: str) -> T | None:
    """`work`'s result, or None when AWS answers that the thing is not there."""
    try:
        return work()
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise


@contextmanager
def or_undone(undo: Callable[[], object]) -> Iterator[None]:
    """A creation of several calls that fails halfway leaves nothing, which nobody's state would know of."""
    try:
        yield
    except Exception:
        with suppress(Exception):
            undo()
        raise


def refusal(operation: str, code: str, message: str) -> ClientError:
    """AWS's own answer, where the emulator lets something pass."""
    error = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": HTTPStatus.CONFLICT}}
    return ClientError(error, operation)


def given(**values: Any) -> dict[str, Any]:
    """Arguments of a call, without those that nobody gave."""
    return {name: value for name, value in values.items() if value is not None}


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in sorted(tags.items())]


def from_pairs(tags: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {tag[key]: tag[value] for tag in tags}


def upper(name: str) -> str:
    """`sseAlgorithm` as AWS's API writes it: `SseAlgorithm`; abbreviations are each service's own matter."""
    return name[0].upper() + name[1:]
