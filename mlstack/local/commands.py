"""`mlstack local ...`: the embedded cloud on its own."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from mlstack.errors import MLStackError, UsageError

local = typer.Typer(
    help="The embedded cloud on this machine: emulated AWS, a ZenML server, the engine.", no_args_is_help=True
)


def _say(text: str) -> None:
    typer.echo(text, err=True)


@local.command(epilog="Examples:  mlstack local start   |   mlstack local start --account-id 210987654321")
def start(
    account_id: Annotated[
        str, typer.Option("--account-id", help="Account that it says it is: the one of the settings to be previewed.")
    ] = "123456789012",
) -> None:
    """Start what is not running yet, and say where it is."""
    from mlstack.local.cloud import Cloud
    from mlstack.local.demo import state_directory

    if not (len(account_id) == 12 and account_id.isdecimal() and account_id.isascii()):
        raise UsageError(f"--account-id is {account_id!r}", hint="an AWS account has twelve digits: 123456789012")
    state = Cloud(state_directory(Path.cwd()), account_id).start(_say)
    typer.echo(f"AWS    {state.aws_endpoint}\nZenML  {state.zenml_url}")


@local.command(epilog="Example:  mlstack local stop")
def stop() -> None:
    """Stop it. What was deployed to the emulator is gone then: its memory is all it has."""
    from mlstack.local.cloud import Cloud
    from mlstack.local.demo import state_directory

    Cloud(state_directory(Path.cwd())).stop(_say)


@local.command(epilog="Examples:  mlstack local status   |   mlstack local status --json")
def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> None:
    """What is running, and what exists in the emulator. Ends with 1 when nothing is running."""
    import json
    from dataclasses import asdict

    from mlstack.local.aws.inventory import inventory
    from mlstack.local.cloud import Cloud
    from mlstack.local.demo import state_directory

    state = Cloud(state_directory(Path.cwd())).state()
    if state is None:
        if as_json:
            typer.echo(json.dumps({"running": False}))
            raise typer.Exit(1)
        raise MLStackError("the embedded cloud is not running", hint="mlstack local start, or make demo")
    found = inventory(state.aws_endpoint)
    if as_json:
        typer.echo(json.dumps({"running": True, "state": asdict(state), "resources": [asdict(each) for each in found]}))
        return
    typer.echo(f"AWS    {state.aws_endpoint}\nZenML  {state.zenml_url}")
    for each in found:
        typer.echo(f"  {each.service:<10} {each.kind:<11} {each.name}")


@local.command(epilog='Example:  eval "$(mlstack local env)"; pulumi preview --stack local')
def env() -> None:
    """Shell commands that point pulumi, the AWS tools and ZenML at the embedded cloud."""
    from mlstack.local.cloud import Cloud
    from mlstack.local.demo import state_directory
    from mlstack.local.engine import find_engine

    cloud = Cloud(state_directory(Path.cwd()))
    if cloud.state() is None:
        raise MLStackError("the embedded cloud is not running", hint="mlstack local start, or make demo")
    environment = {**cloud.pulumi_environment(find_engine(_say).bin), **cloud.zenml_environment()}
    for name, value in sorted(environment.items()):
        if os.environ.get(name) != value:
            typer.echo(f"export {name}={shlex.quote(value)}")
