"""`mlstack existing`: what the resources that were there before lack, for their owners."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mlstack.errors import UsageError

LACKING = 7
"""Exit code when something would have to be changed."""


def existing(
    file: Annotated[Path, typer.Argument(help="Settings file of the environment: Pulumi.<environment>.yaml.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """What existing resources lack for a stack, with the JSON for their owners. Reads only. Exit code 0 or 7.

    Examples:  mlstack existing Pulumi.prod.yaml   |   mlstack existing Pulumi.prod.yaml --json > changes.json
    """
    from components.configuration import from_file

    settings = from_file(file)
    if all(each.uses_nothing_existing for each in settings.stacks):
        raise UsageError(
            f"{file.name} names no existing resource", hint="mode: existing, as docs/existing.md shows, names one"
        )
    typer.echo("reading existing resources ...", err=True)
    from components.existing import asked_of
    from components.ml_stack import MLStackArgs
    from mlstack.existing.check import lacking

    rights = [MLStackArgs.from_settings(each).rights for each in settings.stacks]
    lacks = lacking(asked_of(rights, settings.aws.profile))
    document: dict[str, Any] = {"environment": settings.environment, "lacks": [each.as_json() for each in lacks]}
    if as_json:
        typer.echo(json.dumps(document, indent=2))
    for weight, title in () if as_json else _TITLES:
        if chosen := [str(each) for each in lacks if each.weight == weight]:
            typer.echo("\n".join([f"{title}:", *chosen]))
    if not lacks and not as_json:
        typer.echo("nothing is lacking")
    raise typer.Exit(LACKING if any(each.weight != "advised" for each in lacks) else 0)


_TITLES = (
    ("wrong", "cannot be used"),
    ("lacks", "lacks what the stack needs"),
    ("advised", "works, and could be safer"),
)
