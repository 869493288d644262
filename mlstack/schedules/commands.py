"""`mlstack schedule ...`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from mlstack.registration.commands import JsonOption, OutputsOption, StackOption, TeamOption

if TYPE_CHECKING:
    from mlstack.schedules.both_sides import BothSides
    from mlstack.schedules.schedule import Schedule

schedule = typer.Typer(
    help="The schedules of the stack's pipelines, in ZenML and in EventBridge Scheduler. "
    "A pipeline gets one in Python: pipeline.with_options(schedule=Schedule(...)).",
    no_args_is_help=True,
)


@schedule.command(name="list", epilog="Examples:  mlstack schedule list --stack dev   |   mlstack schedule list --json")
def list_(
    stack: StackOption = None, outputs: OutputsOption = None, team: TeamOption = None, as_json: JsonOption = False
) -> None:
    """What runs when, and what only one of the two sides knows of any more."""
    with _sides(stack, outputs, team) as sides:
        found = [each for side in sides for each in side.list()]
    if as_json:
        typer.echo(json.dumps({"schedules": [_as_json(each) for each in found]}))
        return
    if not found:
        typer.echo("no pipeline of this stack has a schedule")
    for each in found:
        typer.echo(f"{each.name}  {each.expression}  {each.state}  {each.aws_name or ''}".rstrip())
        if each.state == "only in AWS":
            typer.echo(f"  ZenML has removed it and AWS still starts it: mlstack schedule remove {each.id}")


@schedule.command(epilog="Examples:  mlstack schedule remove nightly --stack dev   |   mlstack schedule remove <id>")
def remove(
    names: Annotated[list[str], typer.Argument(help="Of schedules: in ZenML, in AWS, or their ids.")],
    stack: StackOption = None,
    outputs: OutputsOption = None,
    team: TeamOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove schedules from EventBridge Scheduler and from ZenML. Runs that were started stay."""
    from mlstack.schedules.schedule import chosen

    with _sides(stack, outputs, team) as sides:
        owners = {each: side for side in sides for each in side.list()}
        meant = list({each.id: each for each in (chosen(name, tuple(owners)) for name in names)}.values())
        for each in meant:
            owners[each].remove(each)
            if not as_json:
                typer.echo(f"removed {each.name} ({each.expression}): {each.aws_name or 'AWS had none'}")
    if as_json:
        typer.echo(json.dumps({"removed": [_as_json(each) for each in meant]}))


@contextmanager
def _sides(stack: str | None, outputs: str | None, team: str | None) -> Iterator[list["BothSides"]]:
    """Of the one stack, or of each team that has schedules."""
    from mlstack.registration import source
    from mlstack.registration.client import ZenML
    from mlstack.registration.server import connection
    from mlstack.registration.versions import client_version, refuse_unreadable

    contracts = [told.contract for told in source.read_all(stack, outputs, team)]
    if len(contracts) > 1:
        contracts = [each for each in contracts if each.components["orchestrator"].flavor == "sagemaker"]
    with connection() as server:
        typer.echo(f"connecting to {server.url} (ZenML {server.version})", err=True)
        refuse_unreadable(server, client_version())
        with ZenML(server).speaking("ask for its schedules"):
            from mlstack.schedules.both_sides import BothSides

            yield [BothSides(contract, server) for contract in contracts]


def _as_json(each: "Schedule") -> dict[str, object]:
    return {**asdict(each), "state": each.state}
