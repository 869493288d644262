"""Options that the commands of `mlstack image` share, and how they show an image."""

from typing import Annotated, Any

import typer

from mlstack.errors import UsageError
from mlstack.images.context import shown_size

ENGINES = ("auto", "codebuild", "docker", "podman", "buildah")

EngineOption = Annotated[
    str,
    typer.Option(help="auto: CodeBuild where the stack has it, else what is here; codebuild, docker, podman, buildah."),
]
ConnectorOption = Annotated[
    bool, typer.Option("--connector", help="With credentials of the stack's connector in ZenML, not your own.")
]
TeamOption = Annotated[str | None, typer.Option("--team", help="Which of several teams. Each has a registry.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Without the lines of the build's log.")]


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raises UsageError when it is none of them."""
    if value not in allowed:
        raise UsageError(f"{option} is {value!r}", hint=f"it is one of {', '.join(allowed)}")


def show(result: dict[str, Any]) -> None:
    """Of `ImageBuild`: the image by digest, its tag and size, and what the scan found."""
    from mlstack.images.registry import Scan

    typer.echo(f"image   {result['image']}")
    typer.echo(f"tag     {result['tag']}")
    typer.echo(f"size    {shown_size(result['bytes'])}")
    if "scan" in result:
        typer.echo(f"scan    {Scan(**result['scan']).shown}")
