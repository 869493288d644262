"""A stand-in for the engine that writes down what a program registers: parents, options, inputs and component outputs.

It runs no provider. Outputs that the real one computes are made up here, so nothing in these tests proves that AWS, or
the emulator, accepts what is declared.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime import mocks, rpc
from pulumi.runtime.stack import run_pulumi_func

# Echoed inputs are known in a preview; these are computed, and so unknown until an update.
COMPUTED = {
    "aws:kms/key:Key": {"arn": "arn:aws:kms:eu-west-1:123456789012:key/1234", "keyId": "1234"},
    "aws:s3/bucket:Bucket": {"arn": "arn:aws:s3:::computed"},
}


@dataclass
class Registered:
    """One RegisterResource request."""

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    inputs: dict[str, Any]
    protect: bool
    provider: str
    aliases: list[Any]
    ignore_changes: list[str]
    outputs: list[dict[str, Any]] = field(default_factory=list)
    """Each RegisterResourceOutputs request of a component."""


class _Echo(mocks.Mocks):
    def __init__(self, *, preview: bool) -> None:
        self._preview = preview

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if self._preview:
            return "", dict(args.inputs)
        return f"{args.name}-id", {**args.inputs, **COMPUTED.get(args.typ, {})}

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"the program asked AWS for {args.token}: names and ARNs come from settings alone")


class _Monitor(mocks.MockMonitor):
    def __init__(self, echo: _Echo) -> None:
        super().__init__(echo)
        self.registered: dict[str, Registered] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the engine's name)
        response: Any = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        assert response.urn not in self.registered, f"{response.urn} is registered twice"
        self.registered[response.urn] = Registered(
            urn=response.urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=request.custom,
            inputs=rpc.deserialize_properties(request.object),
            protect=request.protect,
            provider=request.provider or "".join(request.providers.values()),
            aliases=list(request.aliases),
            ignore_changes=list(request.ignoreChanges),
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        outputs = rpc.deserialize_properties(request.outputs, keep_unknowns=True)
        self.registered[request.urn].outputs.append(outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Recording:
    resources: tuple[Registered, ...]

    def of(self, type_: str) -> Registered:
        """The only resource of a type, or whose type ends in it."""
        found = [
            resource for resource in self.resources if resource.type == type_ or resource.type.endswith(f":{type_}")
        ]
        assert len(found) == 1, f"{len(found)} resources of type {type_}"
        return found[0]

    def named(self, name: str) -> Registered:
        found = [resource for resource in self.resources if resource.name == name]
        assert len(found) == 1, f"{len(found)} resources named {name}"
        return found[0]

    @property
    def components(self) -> tuple[Registered, ...]:
        return tuple(resource for resource in self.resources if not resource.custom)

    @property
    def customs(self) -> tuple[Registered, ...]:
        return tuple(resource for resource in self.resources if resource.custom)

    def under(self, type_: str) -> "Recording":
        """What belongs to the only component of a type."""
        component = self.of(type_)
        return Recording(tuple(resource for resource in self.resources if component.urn == resource.parent))

    def children(self, component: Registered) -> tuple[Registered, ...]:
        return tuple(resource for resource in self.resources if resource.parent == component.urn)


def record(program: Callable[[], object], *, preview: bool = False) -> Recording:
    """Run `program` as the engine would and return what it registered, in order. What it raises comes through."""
    echo = _Echo(preview=preview)
    monitor = _Monitor(echo)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(echo, project="mlstack", stack="dev", preview=preview, monitor=monitor)
        loop.run_until_complete(run_pulumi_func(lambda: (program(), None)[1]))
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    # The root stack is registered by the first recording of a process only.
    return Recording(tuple(r for r in monitor.registered.values() if r.type != "pulumi:pulumi:Stack"))
