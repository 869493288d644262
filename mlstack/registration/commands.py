"""`mlstack plan`, `register`, `status`, `deregister` and `rotate-key`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlstack.errors import UsageError

if TYPE_CHECKING:
    from mlstack.registration.session import Result
    from mlstack.registration.sessions import Sessions

CHANGES = 7
"""Exit code of `plan` and `status` when ZenML does not hold what the contract says."""

StackOption = Annotated[str | None, typer.Option("--stack", help="Pulumi stack to read. Default: the selected one.")]
TeamOption = Annotated[str | None, typer.Option("--team", help="One team of several. Default: all of them.")]
OutputsOption = Annotated[
    str | None, typer.Option("--outputs", help="File with the stack's outputs as JSON, or - for standard input.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]
AdoptOption = Annotated[
    bool, typer.Option("--adopt", help="Take over objects of the names that we need, which somebody else made.")
]
WaitOption = Annotated[
    float, typer.Option("--wait-for-runs", min=0, help="Seconds to wait for pipeline runs that this would break.")
]
DespiteOption = Annotated[bool, typer.Option("--despite-runs", help="Break them: they use what is taken away.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def plan(
    stack: StackOption = None,
    outputs: OutputsOption = None,
    team: TeamOption = None,
    adopt: AdoptOption = False,
    as_json: JsonOption = False,
) -> None:
    """What `mlstack register` would change in ZenML. Exit code 0 for nothing, 7 for changes.

    Examples:  mlstack plan --stack dev   |   mlstack plan --stack dev --json
    """
    with _sessions(stack, outputs, team) as session:
        result = session.plan(adopt=adopt)
    _show(result, as_json=as_json)
    raise typer.Exit(CHANGES if result["changed"] else 0)


def status(
    stack: StackOption = None, outputs: OutputsOption = None, team: TeamOption = None, as_json: JsonOption = False
) -> None:
    """Whether ZenML still holds what the contract says, or what changed since, there or by hand. Exit code 0 or 7.

    Examples:  mlstack status --stack prod   |   mlstack status --stack prod --json
    """
    with _sessions(stack, outputs, team) as session:
        result = session.plan()
    _show(result, as_json=as_json, status=True)
    raise typer.Exit(CHANGES if result["changed"] else 0)


def register(
    stack: StackOption = None,
    outputs: OutputsOption = None,
    team: TeamOption = None,
    dry_run: DryRunOption = False,
    verify: Annotated[bool, typer.Option(help="Let the server try new and changed connectors.")] = True,
    adopt: AdoptOption = False,
    wait: WaitOption = 0,
    despite: DespiteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make ZenML hold what the stack's contract says, all of it or nothing. Run again, it changes nothing.

    Examples:  mlstack register --stack dev   |   mlstack register --stack dev --team vision --dry-run
    """
    with _sessions(stack, outputs, team) as session:
        if dry_run:
            result = session.plan(adopt=adopt)
        else:
            result = session.register(verify=verify, adopt=adopt, wait=wait, despite_runs=despite)
    _show(result, as_json=as_json)


def deregister(
    stack: StackOption = None,
    outputs: OutputsOption = None,
    team: TeamOption = None,
    dry_run: DryRunOption = False,
    wait: WaitOption = 0,
    despite: DespiteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove from ZenML what `mlstack register` made for this environment, and nothing else.

    Examples:  mlstack deregister --stack dev   |   mlstack deregister --stack dev --dry-run
    """
    with _sessions(stack, outputs, team, needs_key=False) as session:
        result = session.deregister(dry_run=dry_run, wait=wait, despite_runs=despite)
    _show(result, as_json=as_json)


def rotate_key(
    stack: Annotated[str, typer.Option("--stack", help="Pulumi stack whose access key is replaced.")],
    config_file: Annotated[
        Path | None, typer.Option("--config-file", help="Its settings. Default: Pulumi.<stack>.yaml.")
    ] = None,
    team: Annotated[
        str | None, typer.Option("--team", help="Whose key. Default: of all teams that have no keys of their own.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Replace the access key of `connector.auth: iam-role` without downtime. Interrupted, run it again: it goes on.

    Adds a second key (`pulumi up`), gives it to ZenML, has the server try it, and only then removes the old one.

    Examples:  mlstack rotate-key --stack prod   |   mlstack rotate-key --stack prod --yes --json
    """
    from mlstack.registration import key_setting, rotate

    rotation = rotate.find(stack, config_file or key_setting.file_of(stack), team)
    words = f"access key {rotation.old} of stack {stack} is replaced by key {rotation.new}"
    words += f", for team {team}" if team else ""
    _say(words + (", as an earlier run began" if rotation.resumed else ""))
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody can be asked whether to go on; nothing was touched", hint="say it with --yes")
        typer.confirm("Two updates of the stack and a registration. Go on?", abort=True, err=True)
    key = rotate.carry_out(rotation, lambda: _register_and_try(stack, team), _say)
    if as_json:
        typer.echo(json.dumps(rotation.as_json(key)))
    else:
        typer.echo(f"ZenML works with access key {rotation.new} ({key.access_key_id}); key {rotation.old} is deleted")


def _register_and_try(stack: str, team: str | None) -> None:
    # A key in the environment may be the one that is about to be deleted.
    with _sessions(stack, None, team, own_key=True) as session:
        session.register()
        session.try_connectors()


@contextmanager
def _sessions(
    stack: str | None, outputs: str | None, team: str | None, *, needs_key: bool = True, own_key: bool = False
) -> "Iterator[Sessions]":
    from mlstack.registration import source
    from mlstack.registration.sessions import sessions

    told = source.read_all(stack, outputs, team)
    stacks = [(each.contract, each.key(own=own_key) if needs_key else None) for each in told]
    with sessions(stacks, _say, complete=team is None) as opened:
        yield opened


def _show(result: "Result", *, as_json: bool, status: bool = False) -> None:
    if as_json:
        typer.echo(json.dumps(result))
        return
    from mlstack.registration.table import show, show_status

    for each in result.get("teams", {"": result}).values():
        (show_status if status else show)(each)


def _say(text: str) -> None:
    typer.echo(text, err=True)
