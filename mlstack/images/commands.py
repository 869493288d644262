"""`mlstack image ...`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mlstack.images.builder.commands import builder
from mlstack.images.context import LIMIT, parse_size, shown_size
from mlstack.images.options import ENGINES, ConnectorOption, EngineOption, QuietOption, one_of, show
from mlstack.registration.commands import JsonOption, OutputsOption, StackOption

FINDINGS = 9
"""Exit code of `build` when the image is there and its scan found what --fail-on names."""

image = typer.Typer(help="Images for pipelines: from code to the stack's registry.", no_args_is_help=True)

image.add_typer(builder, name="builder")


@image.command(
    epilog="Examples:  mlstack image build   |   mlstack image build code --stack dev --tag v1.2.0 --fail-on high"
    "   |   mlstack image build --engine docker --json"
)
def build(
    context: Annotated[
        Path, typer.Argument(help="Directory with the code. .dockerignore says what stays out.")
    ] = Path(),
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Dockerfile. Default: that of the context.")] = None,
    tag: Annotated[
        str | None, typer.Option("--tag", "-t", help="One more tag. Without it the content's digest names the image.")
    ] = None,
    stack: StackOption = None,
    outputs: OutputsOption = None,
    engine: EngineOption = "auto",
    connector: ConnectorOption = False,
    fail_on: Annotated[
        str | None, typer.Option(help="End with 9 when the scan finds this severity or worse: critical, high, ...")
    ] = None,
    max_size: Annotated[str, typer.Option(help="Limit for the context.")] = shown_size(LIMIT).replace(" ", ""),
    not_secret: Annotated[
        list[str] | None, typer.Option(help="File of the context that looks like a secret and is none. Repeatable.")
    ] = None,
    timeout: Annotated[int, typer.Option(min=5, max=480, help="Minutes that a build on CodeBuild may take.")] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at the context only.")] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Build an image of this code and put it into the stack's registry; the same content is built once.

    No Docker is needed here: the stack's CodeBuild project builds. Ends with the digest, what ECR's scan found, and
    the DockerSettings that use exactly this image. Exit code 0; 9 with --fail-on; 1 and 2 for what went wrong.
    """
    from mlstack.images.build import Asked, ImageBuild
    from mlstack.images.connector import clients
    from mlstack.images.registry import SEVERITIES
    from mlstack.images.target import Target
    from mlstack.registration import source

    one_of("--engine", engine, ENGINES)
    if fail_on is not None:
        one_of("--fail-on", fail_on, SEVERITIES[:-1])
    asked = Asked(
        context=context,
        dockerfile=file,
        tag=tag,
        engine=engine,
        limit=parse_size(max_size),
        not_secret=tuple(not_secret or ()),
        minutes=timeout,
        quiet=quiet,
    )
    contract = source.load(stack, outputs)
    made = ImageBuild(asked, Target.of(contract))
    try:
        packed = made.pack()
        if not dry_run:
            made.run(packed, clients(contract, connector=connector))
    finally:
        if as_json:
            typer.echo(json.dumps(made.result))
    if dry_run:
        return
    if not as_json:
        show(made.result)
        typer.echo("\nfrom zenml.config import DockerSettings\n")
        typer.echo(f"docker = {made.result['docker_settings']}")
    scan = made.scanned()
    if fail_on and scan:
        if scan.status != "complete":
            typer.echo(f"--fail-on {fail_on}: the scan has {scan.shown}", err=True)
            raise typer.Exit(FINDINGS)
        if count := scan.at_least(fail_on):
            typer.echo(f"--fail-on {fail_on}: {count} findings are {fail_on} or worse", err=True)
            raise typer.Exit(FINDINGS)
