"""`mlstack backend ...`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from mlstack.errors import MLStackError, UsageError

DIFFERS = 7
"""Exit code of `bootstrap --check` when the backend is not as it should be."""

backend = typer.Typer(
    help="Where Pulumi keeps its state: make it once, outside of every stack, and take away locks that nobody holds.",
    no_args_is_help=True,
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


@backend.command(
    epilog="Examples:  mlstack backend bootstrap --stack dev   |   mlstack backend bootstrap --stack dev --check   |   "
    "mlstack backend bootstrap --account 123456789012 --region eu-west-1 --yes"
)
def bootstrap(
    stack: Annotated[
        list[str] | None, typer.Option("--stack", help="Environment whose Pulumi.<stack>.yaml says account and region.")
    ] = None,
    account: Annotated[str | None, typer.Option("--account", help="Account, when it is another one.")] = None,
    region: Annotated[str | None, typer.Option("--region", help="Region, when it is another one.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="First part of all names. Default: the project's.")] = None,
    preview_by: Annotated[
        list[str] | None, typer.Option("--preview-by", metavar="ARN", help="May assume a role that reads the state.")
    ] = None,
    deploy_by: Annotated[
        list[str] | None, typer.Option("--deploy-by", metavar="ARN", help="May assume a role that writes it.")
    ] = None,
    boundary: Annotated[
        str | None, typer.Option("--permissions-boundary", metavar="ARN", help="Of the policy that limits these roles.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what is not as it should be: exit code 7.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the bucket, the key and the roles for Pulumi's state, and print the commands that use them.

    Everything is looked at first and shown; you agree to it once. Run again, it changes nothing, or goes on.
    """
    from mlstack.backend.bootstrap import Backend, commands
    from mlstack.backend.bootstrap import as_json as described
    from mlstack.backend.place import place_of, trusted_by

    place = place_of(Path.cwd(), stacks=stack or [], account=account, region=region, name=name)
    trusted = trusted_by(place, preview=preview_by or [], deploy=deploy_by or [], boundary=boundary)
    _say(f"looking at the backend {place.name} in {place.account_id}, {place.region}")
    there = Backend(place, trusted)
    wrong = [part for part in there.parts() if not part.right]
    missing = [part.what for part in wrong if part.found is None]
    for part in wrong:
        # What a missing bucket says is missing too; that is no news.
        if not any(part.what.startswith(f"{whole}: ") for whole in missing):
            _say(f"  {part}")
    if wrong and not check:
        _agree(len(wrong), yes=yes)
        there.mend(_say)
    result = {
        "changed": bool(wrong) and not check,
        "deviations": [part.as_json() for part in wrong],
        **described(place, there.key_arn, there.role_arns()),
    }
    if as_json:
        typer.echo(json.dumps(result))
    elif check:
        typer.echo(f"{len(wrong)} of it not as it should be" if wrong else "all of it is as it should be")
    else:
        typer.echo("made" if wrong else "unchanged")
        typer.echo(f"bucket  {place.names.bucket}\nkey     {there.key_arn}")
        for environment, roles in there.role_arns().items():
            for purpose, arn in roles.items():
                typer.echo(f"role    {arn}   {purpose} of {environment}")
        typer.echo("\n" + "\n".join(commands(place)))
    if check and wrong:
        raise typer.Exit(DIFFERS)


def _agree(number: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked whether to go on; nothing was changed", hint="say it with --yes")
    typer.confirm(f"Set these {number} right?", abort=True, err=True)


def _say(text: str) -> None:
    typer.echo(text, err=True)


@backend.command(
    epilog="Examples:  mlstack backend unlock --stack dev   |   mlstack backend unlock --stack dev --dry-run --json"
)
def unlock(
    stack: Annotated[str | None, typer.Option("--stack", help="Pulumi stack. Default: the selected one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take away locks of this stack that a killed engine of yours left on this machine, and say what proves it.

    A lock of anybody else, or of a process that still runs, is kept: exit code 1. Nothing needs to be confirmed.
    """
    from mlstack.backend.aws import speaking
    from mlstack.backend.locks import judge, locks_of
    from mlstack.backend.store import open_store
    from mlstack.deployment.pending import described
    from mlstack.engine import Pulumi

    pulumi = Pulumi(Path.cwd(), stack)
    store = open_store(pulumi.backend(), Path.cwd())
    with speaking():
        verdicts = [judge(each, pulumi.processes()) for each in locks_of(store, pulumi.project, pulumi.stack)]
        for each in verdicts:
            if each.free and not dry_run:
                store.delete(each.lock.name)
    pending = pulumi.pending()
    kept = [each for each in verdicts if not each.free]
    gone = "would be released" if dry_run else "released"
    if as_json:
        locks = [
            {
                "lock": each.lock.name,
                "held_by": str(each.lock),
                "released": each.free and not dry_run,
                "because": each.because,
            }
            for each in verdicts
        ]
        typer.echo(json.dumps({"stack": pulumi.stack, "locks": locks, "pending": [each.urn for each in pending]}))
    else:
        for each in verdicts:
            typer.echo(f"lock of {each.lock}: {gone if each.free else 'kept'}: {each.because}")
        if not verdicts:
            typer.echo(f"{pulumi.stack} is not locked")
        for line in described(pending, pulumi.stack):
            typer.echo(line)
    if kept:
        raise MLStackError(
            f"{len(kept)} of {len(verdicts)} locks of {pulumi.stack} kept",
            hint="ask whoever is named, look at the CI job; when you know that it is over, "
            f"pulumi cancel --stack {pulumi.stack} takes every lock away",
        )
