"""`mlstack:register: automatic`: plain `pulumi up` registers the stack in ZenML, and `pulumi destroy` deregisters it.

ZenML is found as by `mlstack register`: ZENML_STORE_URL and ZENML_STORE_API_KEY, or `zenml login`.
"""

import os
from collections.abc import Mapping
from typing import Any, Protocol, cast

import pulumi
from pulumi import ComponentResource, Output, Resource, ResourceHook, ResourceHookArgs, ResourceHookBinding

from mlstack.access_key import AccessKey
from mlstack.contract import MLStackOutputs
from mlstack.registration.session import BY_COMMAND, HOOKED, session

_DEREGISTER = "mlstack-deregister"


class Registrable(Protocol):
    """A stack, as far as it is registered."""

    contract: Output[str]
    """MLStackOutputs as JSON."""
    connector_key: Output[str | None]
    """AccessKey as JSON, secret, when the connectors need one."""


class Registration(ComponentResource):
    """Carries the hooks: ZenML hears of the stack after everything is there, and forgets it before anything goes.

    They run *before* it is created, updated or deleted. When ZenML refuses, it stays as it was, `pulumi up` fails, and
    the next one tries again; with hooks that run afterwards the state would say that all is done. In a preview they do
    not run. Its input is the contract, so that it changes when that does.
    """

    def __init__(
        self, stack: Registrable, deregister: ResourceHook, *, team: str | None = None, after: Resource | None = None
    ) -> None:
        """`after`: what else has to be done first."""
        # Secret, when the connectors need one. It is not kept in the state once more.
        self._key = stack.connector_key
        of_team = f"-{team}" if team else ""
        register = ResourceHook(f"mlstack-register{of_team}", self._register)
        hooks = ResourceHookBinding(before_create=[register], before_update=[register], before_delete=[deregister])
        options = pulumi.ResourceOptions(
            depends_on=[each for each in (cast("Resource", stack), after) if each], hooks=hooks
        )
        super().__init__(HOOKED, f"registration{of_team}", {"contract": stack.contract}, options)
        self.register_outputs({})

    async def _register(self, about: ResourceHookArgs) -> None:
        if os.environ.get(BY_COMMAND):
            return
        text = await self._key.future()
        with session(_contract(about.new_inputs), AccessKey.parse(text) if text else None, pulumi.log.info) as zenml:
            result = zenml.register()
        pulumi.log.info(f"ZenML stack {result['stack']}: {result['dashboard']}")


def register_all(stacks: Mapping[str | None, Registrable]) -> None:
    """Of each team, one after the other: ZenML's client is one for a process."""
    deregister = ResourceHook(_DEREGISTER, _deregister)
    before = None
    for team, stack in stacks.items():
        before = Registration(stack, deregister, team=team, after=before)


def leave_registered() -> None:
    """For a program that does not register, or not any more: what carries the hooks goes, and ZenML keeps the stack.

    The engine refuses to delete a resource whose hooks no program knows.
    """
    ResourceHook(_DEREGISTER, lambda _: None)


def _deregister(about: ResourceHookArgs) -> None:
    if os.environ.get(BY_COMMAND):
        return
    with session(_contract(about.old_inputs), None, pulumi.log.info) as zenml:
        zenml.deregister()


def _contract(inputs: Mapping[str, Any] | None) -> MLStackOutputs:
    return MLStackOutputs.parse((inputs or {})["contract"], origin="the program")
