"""`mlstack image ...`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mlstack.errors import UsageError
from mlstack.images.builder.commands import builder
from mlstack.images.context import LIMIT, parse_size, shown_size
from mlstack.images.options import ENGINES, ConnectorOption, EngineOption, QuietOption, TeamOption, one_of, show
from mlstack.registration.commands import JsonOption, OutputsOption, StackOption

FINDINGS = 9
"""Exit code of `build` when the image is there and its scan found what --fail-on names."""

image = typer.Typer(help="Images for pipelines: from code to the stack's registry.", no_args_is_help=True)

image.add_typer(builder, name="builder")


@image.command(
    epilog="Examples:  mlstack image build   |   mlstack image build code --stack dev --tag v1.2.0 --fail-on high"
    "   |   mlstack image build --team vision --engine docker --json"
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
    team: TeamOption = None,
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
    contract = source.load(stack, outputs, team)
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


@image.command(
    epilog="Examples:  mlstack image init --stack dev   |   mlstack image init code --python 3.12 --force"
    "   |   mlstack image init --base public.ecr.aws/docker/library/python:3.12-slim"
    "   |   mlstack image init --package train   |   mlstack image init --refresh-base"
)
def init(
    directory: Annotated[Path, typer.Argument(help="Directory with uv.lock or requirements.txt.")] = Path(),
    stack: StackOption = None,
    outputs: OutputsOption = None,
    team: TeamOption = None,
    python: Annotated[
        str | None, typer.Option(help="3.10, 3.11 or 3.12. Default: that of .python-version, else 3.11.")
    ] = None,
    package: Annotated[str | None, typer.Option(help="The one member of a uv workspace that the image is for.")] = None,
    base: Annotated[
        str | None, typer.Option(help="IMAGE@sha256:..., or IMAGE:TAG, whose digest its registry is asked for.")
    ] = None,
    user: Annotated[
        str, typer.Option(help="root, zenml (not root), or auto: root where SageMaker runs it, zenml elsewhere.")
    ] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Write over a Dockerfile or .dockerignore.")] = False,
    refresh_base: Annotated[
        bool, typer.Option("--refresh-base", help="Only: pin the base of the Dockerfile to what its tag names now.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a Dockerfile and a .dockerignore for a project with locked dependencies, and say what ZenML lacks in it.

    The base image is pinned by digest, dependencies are a layer of their own before the code. What the stack's
    components need is computed by ZenML. Exit code 0; 1 and 2 for what went wrong, and then nothing was written.
    """
    from mlstack.images.init import PYTHONS, USERS, Init, refresh
    from mlstack.registration import source

    if refresh_base:
        if base or python or package or force or user != "auto":
            raise UsageError("--refresh-base changes the base alone", hint="leave the other options away")
        refreshed = refresh(directory, lambda: source.load(stack, outputs, team))
        if as_json:
            typer.echo(json.dumps(refreshed))
        else:
            for each in refreshed["bases"]:
                typer.echo(f"{each['after']}\n  " + ("is new" if each["after"] != each["before"] else "as before"))
        return
    one_of("--user", user, USERS)
    if python is not None:
        one_of("--python", python, PYTHONS)
    made = Init(directory, python=python, base=base, user=user, force=force, package=package)
    made.write(source.load(stack, outputs, team))
    typer.echo(json.dumps(made.result) if as_json else made.told())
