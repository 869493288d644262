"""`mlstack register` and `mlstack deregister`."""

import json
from typing import Annotated, Any

import typer

from mlstack.contract import MLStackOutputs

StackOption = Annotated[str | None, typer.Option("--stack", help="Pulumi stack to read. Default: the selected one.")]
OutputsOption = Annotated[
    str | None, typer.Option("--outputs", help="File with the stack's outputs as JSON, or - for standard input.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def register(
    stack: StackOption = None,
    outputs: OutputsOption = None,
    dry_run: DryRunOption = False,
    verify: Annotated[bool, typer.Option(help="Let the server try new and changed connectors.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Make ZenML hold what the stack's contract says. Run again, it changes nothing.

    Examples:  mlstack register --stack dev   |   mlstack register --outputs outputs.json --dry-run
    """
    from mlstack.registration import source

    contract = source.load(stack, outputs)

    from mlstack.registration import apply
    from mlstack.registration.client import ZenML
    from mlstack.registration.objects import wanted
    from mlstack.registration.plan import make_plan
    from mlstack.registration.server import connection

    with connection() as server:
        _say(f"connecting to {server.url} (ZenML {server.version})")
        zenml = ZenML(server)
        desired = [zenml.normalised(each) for each in wanted(contract)]
        plan = make_plan(desired, zenml.snapshot(), contract.project, contract.environment)
        stack_id = None
        if not dry_run:
            if verify:
                apply.verify(zenml, plan, _say)
            stack_id = apply.apply(zenml, plan, _say)
    _show({**plan.as_json(), **_about(contract, server.url, dry_run), "stack_id": stack_id}, as_json=as_json)


def deregister(
    stack: StackOption = None,
    outputs: OutputsOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove from ZenML what `mlstack register` made for this environment, and nothing else.

    Examples:  mlstack deregister --stack dev   |   mlstack deregister --stack dev --dry-run
    """
    from mlstack.registration import source

    contract = source.load(stack, outputs)

    from mlstack.registration import apply
    from mlstack.registration.client import ZenML
    from mlstack.registration.plan import removal_plan
    from mlstack.registration.server import connection

    with connection() as server:
        _say(f"connecting to {server.url} (ZenML {server.version})")
        zenml = ZenML(server)
        plan = removal_plan(zenml.snapshot(), contract.project, contract.environment)
        if not dry_run:
            apply.apply(zenml, plan, _say)
    _show({**plan.as_json(), **_about(contract, server.url, dry_run)}, as_json=as_json)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _about(contract: MLStackOutputs, url: str, dry_run: bool) -> dict[str, Any]:
    return {"server": url, "stack": contract.stack.name, "dry_run": dry_run}


def _show(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result))
        return
    from mlstack.registration.table import show

    show(result)
