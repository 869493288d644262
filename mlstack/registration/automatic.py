"""`mlstack:register: automatic`: plain `pulumi up` registers the stack in ZenML, and `pulumi destroy` deregisters it.

A resource that keeps the contract in the state carries the hooks. They run *before* it is created, updated or deleted:
when ZenML refuses, the resource stays as it was, `pulumi up` fails, and the next one tries again. After everything
else, because it depends on all of it; first when all is destroyed, because nothing may be gone before ZenML forgets it.
A component cannot carry them: the engine sees no change in one. In a preview they do not run.

Set back to manual, the resource goes and the registration stays.

ZenML is found as by `mlstack register`: ZENML_STORE_URL and ZENML_STORE_API_KEY, or `zenml login`.
"""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime.rpc import unwrap_rpc_secret

from mlstack.access_key import AccessKey
from mlstack.contract import MLStackOutputs


def register_automatically(
    contract: pulumi.Output[str], key: pulumi.Output[str | None], after: pulumi.Resource
) -> pulumi.Stash:
    """Register what `contract` says when all of `after` is there, whenever it changed."""
    register = pulumi.ResourceHook("mlstack-register", _register)
    deregister = pulumi.ResourceHook(_DEREGISTER, _deregister)
    return pulumi.Stash(
        "registration",
        input=pulumi.Output.json_dumps({"contract": contract, "key": key}),
        opts=pulumi.ResourceOptions(
            depends_on=[after],
            hooks=pulumi.ResourceHookBinding(
                before_create=[register], before_update=[register], before_delete=[deregister]
            ),
        ),
    )


def leave_registered() -> None:
    """For a program that does not register, or not any more: what carries the hooks goes, and ZenML keeps the stack.

    The engine refuses to delete a resource whose hooks no program knows.
    """
    pulumi.ResourceHook(_DEREGISTER, lambda _: None)


_DEREGISTER = "mlstack-deregister"


def _register(about: pulumi.ResourceHookArgs) -> None:
    from mlstack.registration.session import session

    contract, key = _told(about.new_inputs)
    with session(contract, key, pulumi.log.info) as zenml:
        result = zenml.register()
    pulumi.log.info(f"ZenML stack {result['stack']}: {result['dashboard']}")


def _deregister(about: pulumi.ResourceHookArgs) -> None:
    from mlstack.registration.session import session

    contract, _ = _told(about.old_inputs)
    with session(contract, None, pulumi.log.info) as zenml:
        zenml.deregister()


def _told(inputs: Mapping[str, Any] | None) -> tuple[MLStackOutputs, AccessKey | None]:
    document = json.loads(unwrap_rpc_secret((inputs or {})["input"]))
    contract = MLStackOutputs.parse(document["contract"], origin="the program")
    return contract, AccessKey.parse(document["key"]) if document["key"] else None
