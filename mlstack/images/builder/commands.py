"""`mlstack image builder ...`."""

import json
from typing import Annotated

import typer

from mlstack.images.options import ENGINES, ConnectorOption, EngineOption, QuietOption, one_of, show
from mlstack.registration.commands import JsonOption, OutputsOption, StackOption

builder = typer.Typer(help="The image that ZenML's own image builder builds in.", no_args_is_help=True)


@builder.callback()
def _builder() -> None:
    """Keeps `publish` a command of its own."""


@builder.command(
    epilog="Examples:  mlstack image builder publish --stack dev   |   mlstack image builder publish --stack dev --json"
    "   |   mlstack image builder publish --base 123456789012.dkr.ecr.eu-west-1.amazonaws.com/debian@sha256:..."
)
def publish(
    stack: StackOption = None,
    outputs: OutputsOption = None,
    engine: EngineOption = "auto",
    base: Annotated[
        str | None, typer.Option(help="Debian 12 of your own, by digest (IMAGE@sha256:...), instead of AWS's copy.")
    ] = None,
    connector: ConnectorOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put the image that ZenML's image builder builds in into the stack's registry, and say how it is switched on.

    It holds the AWS command line and buildah behind the name docker. The same definition is built once, and nothing
    uses it before the setting that is printed is deployed. Exit code 0; 1 and 2 for what went wrong.
    """
    from mlstack.images.builder.publish import Publication, definition, only
    from mlstack.images.connector import clients
    from mlstack.registration import source

    one_of("--engine", engine, ENGINES)
    contract = only(source.read_all(stack, outputs))
    with definition(base) as directory:
        publication = Publication(contract, directory, engine=engine, quiet=quiet, stack=stack)
        try:
            publication.run(clients(contract, connector=connector))
        finally:
            if as_json:
                typer.echo(json.dumps(publication.result))
    if as_json:
        return
    show(publication.result)
    if publication.result["used"]:
        typer.echo("\nThe stack's image builder uses it already.")
        return
    typer.echo("\nZenML's image builder uses it after:\n")
    for command in publication.result["commands"]:
        typer.echo(command)
