"""The command line: `mlstack ...`."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mlstack.errors import MLStackError

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C, or SIGTERM, ended: 128 and the number of the former."""

app = typer.Typer(
    help="A complete ZenML stack on AWS: check the settings, register it in ZenML, try it without an account.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(
    epilog="Examples:  mlstack check Pulumi.dev.yaml   |   mlstack check   (all environments of this directory)"
)
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Settings files. Default: every Pulumi.<environment>.yaml here.")
    ] = None,
) -> None:
    """Check settings files, and that no two environments would own the same, without the engine and without AWS.

    Ends with 2 when one of them is wrong.
    """
    from components.collisions import refuse_collisions
    from components.configuration import beside, from_file
    from mlstack.errors import UsageError

    chosen = files or sorted(Path().glob("Pulumi.*.yaml"))
    if not chosen:
        raise UsageError(
            "there is no Pulumi.<environment>.yaml here", hint="run it where Pulumi.yaml is, or name a file"
        )
    wrong = []
    for file in chosen:
        try:
            settings = from_file(file)
            refuse_collisions(settings, beside(file.parent, settings.environment))
        except UsageError as error:
            wrong.append(str(error))
        else:
            stacks = ", ".join(each.zenml_stack_name for each in settings.stacks)
            typer.echo(f"{file.name}: ok, {stacks} in {settings.account_id}, {settings.aws.region}")
    if wrong:
        raise UsageError("\n".join(wrong))


@app.command(
    epilog="Examples:  mlstack demo   |   mlstack demo --base mirror.example.com/python:3.11   |   mlstack demo --down"
)
def demo(
    down: Annotated[bool, typer.Option("--down", help="Deregister, destroy and stop everything instead.")] = False,
    base: Annotated[
        str | None,
        typer.Option("--base", help="What the pipeline's image is built upon: IMAGE:TAG, or IMAGE@sha256:..."),
    ] = None,
    no_image: Annotated[
        bool, typer.Option("--no-image", help="Build none: the steps run without it all the same.")
    ] = False,
) -> None:
    """Deploy a complete stack to the embedded cloud on this machine and train a model on it. No AWS account needed.

    The pipeline's image is built where that can be (root, buildah, docker-registry, and a base within reach).
    """
    from mlstack.local import demo as local_demo

    if down:
        local_demo.down(Path.cwd())
    else:
        local_demo.up(Path.cwd(), base=base, build=not no_image)


def _mount() -> None:
    from mlstack.adoption.commands import adopt
    from mlstack.backend.commands import backend
    from mlstack.deployment.commands import deploy, destroy
    from mlstack.environments.commands import config, env
    from mlstack.existing.commands import existing
    from mlstack.images.commands import image
    from mlstack.local.commands import local
    from mlstack.registration.commands import deregister, plan, register, rotate_key, status
    from mlstack.review.commands import review
    from mlstack.schedules.commands import schedule
    from mlstack.verification.commands import verify

    for command in (adopt, existing, deploy, destroy, review, plan, register, status, deregister, verify, rotate_key):
        app.command()(command)
    app.add_typer(image, name="image")
    app.add_typer(schedule, name="schedule")
    app.add_typer(backend, name="backend")
    app.add_typer(env, name="env")
    app.add_typer(config, name="config")
    app.add_typer(local, name="local")


def main() -> NoReturn:
    """Entry point. What people can mend is said in their words, without a traceback."""
    # What a cancelled CI job sends takes away what was begun, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _mount()
    try:
        app()
    except MLStackError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader went away (`mlstack ... | head`): nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            typer.echo("interrupted; the same command goes on from here", err=True)
        raise
    sys.exit(0)
