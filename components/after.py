"""Outputs that a preview already knows."""

from typing import TypeVar

from pulumi import Output

T = TypeVar("T")


def after(value: T, *properties: Output[str]) -> Output[T]:
    """`value`, once the resources of `properties` exist.

    Pass properties that are inputs echoed back (a bucket's name, not its ARN): those are known in a preview, and so
    then is `value`; in an update they resolve when their resource has been made.
    """
    return Output.all(*properties).apply(lambda _: value)
