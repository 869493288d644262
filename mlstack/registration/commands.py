"""`mlstack plan`, `register`, `status` and `deregister`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlstack.access_key import AccessKey
from mlstack.contract import MLStackOutputs
from mlstack.errors import UsageError

if TYPE_CHECKING:
    from mlstack.registration.client import ZenML
    from mlstack.registration.objects import Held
    from mlstack.registration.plan import Plan

CHANGES = 7
"""Exit code of `plan` and `status` when ZenML does not hold what the contract says."""

StackOption = Annotated[str | None, typer.Option("--stack", help="Pulumi stack to read. Default: the selected one.")]
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
    stack: StackOption = None, outputs: OutputsOption = None, adopt: AdoptOption = False, as_json: JsonOption = False
) -> None:
    """What `mlstack register` would change in ZenML. Exit code 0 for nothing, 7 for changes.

    Examples:  mlstack plan --stack dev   |   mlstack plan --stack dev --json
    """
    with _session(stack, outputs) as session:
        made = session.plan(session.held(), adopt=adopt)
        session.show(made, as_json=as_json, dry_run=True)
    raise typer.Exit(0 if made.empty else CHANGES)


def status(stack: StackOption = None, outputs: OutputsOption = None, as_json: JsonOption = False) -> None:
    """Whether ZenML still holds what the contract says, or what changed since, there or by hand. Exit code 0 or 7.

    Examples:  mlstack status --stack prod   |   mlstack status --stack prod --json
    """
    with _session(stack, outputs) as session:
        made = session.plan(session.held())
        session.show(made, as_json=as_json, status=True)
    raise typer.Exit(0 if made.empty else CHANGES)


def register(
    stack: StackOption = None,
    outputs: OutputsOption = None,
    dry_run: DryRunOption = False,
    verify: Annotated[bool, typer.Option(help="Let the server try new and changed connectors.")] = True,
    adopt: AdoptOption = False,
    wait: WaitOption = 0,
    despite: DespiteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make ZenML hold what the stack's contract says, all of it or nothing. Run again, it changes nothing.

    Examples:  mlstack register --stack dev   |   mlstack register --outputs outputs.json --dry-run
    """
    with _session(stack, outputs) as session:
        from mlstack.registration import apply
        from mlstack.registration.running import until_nothing_runs

        made = session.plan(session.held(), adopt=adopt)
        stack_id = session.stack_id(made)
        if made.empty and not dry_run:
            session.sweep()
        elif not dry_run:
            if verify:
                apply.verify(session.zenml, made, _say)
            with session.claimed():
                before = session.held()
                made = session.plan(before, adopt=adopt)
                if not despite:
                    until_nothing_runs(session.zenml, made, wait, _say)
                stack_id = apply.apply(session.zenml, made, before, _say)
        session.show(made, as_json=as_json, dry_run=dry_run, stack_id=None if dry_run else stack_id)


def deregister(
    stack: StackOption = None,
    outputs: OutputsOption = None,
    dry_run: DryRunOption = False,
    wait: WaitOption = 0,
    despite: DespiteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove from ZenML what `mlstack register` made for this environment, and nothing else.

    Examples:  mlstack deregister --stack dev   |   mlstack deregister --stack dev --dry-run
    """
    with _session(stack, outputs, needs_key=False) as session:
        from mlstack.registration import apply
        from mlstack.registration.running import until_nothing_runs

        made = session.removal(session.held())
        if made.empty and not dry_run:
            session.sweep()
        elif not dry_run:
            with session.claimed():
                made = session.removal(session.held())
                if not despite:
                    until_nothing_runs(session.zenml, made, wait, _say)
                apply.remove(session.zenml, made, _say)
        session.show(made, as_json=as_json, dry_run=dry_run)


def rotate_key(
    stack: Annotated[str, typer.Option("--stack", help="Pulumi stack whose access key is replaced.")],
    config_file: Annotated[
        Path | None, typer.Option("--config-file", help="Its settings. Default: Pulumi.<stack>.yaml.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Replace the access key of `connector.auth: iam-role` without downtime. Interrupted, run it again: it goes on.

    Adds a second key (`pulumi up`), gives it to ZenML, has the server try it, and only then removes the old one.

    Examples:  mlstack rotate-key --stack prod   |   mlstack rotate-key --stack prod --yes --json
    """
    from mlstack.registration import key_setting, rotate

    rotation = rotate.find(stack, config_file or key_setting.file_of(stack))
    words = f"access key {rotation.old} of stack {stack} is replaced by key {rotation.new}"
    _say(words + (", as an earlier run began" if rotation.resumed else ""))
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody can be asked whether to go on; nothing was touched", hint="say it with --yes")
        typer.confirm("Two updates of the stack and a registration. Go on?", abort=True, err=True)
    key = rotate.carry_out(rotation, lambda: _register_and_try(stack), _say)
    if as_json:
        typer.echo(json.dumps(rotation.as_json(key)))
    else:
        typer.echo(f"ZenML works with access key {rotation.new} ({key.access_key_id}); key {rotation.old} is deleted")


def _register_and_try(stack: str) -> None:
    with _session(stack, None) as session:
        from mlstack.registration import apply

        made = session.plan(session.held())
        if not made.empty:
            apply.verify(session.zenml, made, _say)
            with session.claimed():
                before = session.held()
                apply.apply(session.zenml, session.plan(before), before, _say)
        contract = session.contract
        ours = [each for each in session.held() if each.belongs_to(contract.project, contract.environment)]
        apply.verify_stored(session.zenml, (each for each in ours if each.kind == "connector"), _say)


class _Session:
    """One contract, its key, and one server."""

    def __init__(self, contract: MLStackOutputs, key: AccessKey | None, zenml: "ZenML") -> None:
        self.contract = contract
        self.key = key
        self.zenml = zenml

    def held(self) -> "tuple[Held, ...]":
        return self.zenml.snapshot()

    def plan(self, held: "tuple[Held, ...]", *, adopt: bool = False) -> "Plan":
        from mlstack.registration.objects import wanted
        from mlstack.registration.plan import make_plan

        desired = [self.zenml.normalised(each) for each in wanted(self.contract, self.key)]
        comparable = [self.zenml.comparable(each) for each in held]
        return make_plan(desired, comparable, self.contract.project, self.contract.environment, adopt=adopt)

    def removal(self, held: "tuple[Held, ...]") -> "Plan":
        from mlstack.registration.plan import removal_plan

        return removal_plan(held, self.contract.project, self.contract.environment)

    def claimed(self) -> Any:
        from mlstack.registration.claim import claimed

        return claimed(self.zenml, self.contract.project, self.contract.environment, _say)

    def sweep(self) -> None:
        from mlstack.registration.claim import sweep

        sweep(self.zenml, self.contract.project, self.contract.environment)

    def stack_id(self, made: "Plan") -> str | None:
        return next((each.held.id for each in made.changes if each.kind == "stack" and each.held), None)

    def show(self, made: "Plan", *, as_json: bool, dry_run: bool = False, status: bool = False, **more: Any) -> None:
        about = {"server": self.zenml.server.url, "stack": self.contract.stack.name, "dry_run": dry_run, **more}
        result = {**made.as_json(), **about}
        if as_json:
            typer.echo(json.dumps(result))
            return
        from mlstack.registration.table import show, show_status

        (show_status if status else show)(result)


@contextmanager
def _session(stack: str | None, outputs: str | None, *, needs_key: bool = True) -> Iterator[_Session]:
    from mlstack.registration import source

    told = source.read(stack, outputs)
    key = told.key() if needs_key else None

    from mlstack.registration import identity
    from mlstack.registration.client import ZenML
    from mlstack.registration.server import connection

    with connection() as server:
        _say(f"connecting to {server.url} (ZenML {server.version})")
        if needs_key and (noted := identity.note(server, told.contract)):
            _say(f"note: {noted}")
        yield _Session(told.contract, key, ZenML(server))


def _say(text: str) -> None:
    typer.echo(text, err=True)
