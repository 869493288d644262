"""`mlstack adopt`."""

import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlstack.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from mlstack.adoption.adopt import Adoption


def adopt(
    origin: Annotated[str, typer.Option("--from", help="Who made it: cloudformation, terraform, or discover.")],
    stack: Annotated[str, typer.Option("--stack", help="Environment that it becomes: Pulumi.<stack>.yaml.")],
    what: Annotated[
        str | None,
        typer.Argument(help="CloudFormation stack, Terraform state file, or with discover the access role's name."),
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region. Default: that of the credentials.")] = None,
    module: Annotated[str | None, typer.Option(help="Address of ZenML's module, where a state has several.")] = None,
    zenml_stack: Annotated[
        str | None, typer.Option("--zenml-stack", help="Name of the stack in ZenML, where the origin does not say.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Import without asking, for CI.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Take over a stack that ZenML's own template or module made: same bucket, images, roles and ids, no downtime.

    Finds it, writes Pulumi.<stack>.yaml and the import file, and shows what would change after the import: nothing is
    replaced or deleted. Then it asks; without an answer nothing is imported. Nothing in AWS changes here, but that
    CloudFormation is told to retain.

    Examples:  mlstack adopt --from cloudformation zenml-stack --stack prod   |
    mlstack adopt --from terraform zenml.tfstate --stack prod --yes   |   mlstack adopt --from discover --stack prod
    """
    from rich.console import Console

    from mlstack.adoption import adopt as adoption
    from mlstack.adoption.found import asking_aws
    from mlstack.engine import Pulumi
    from mlstack.stages import Stages

    begun = time.monotonic()
    console = Console(stderr=True) if sys.stderr.isatty() else Console(stderr=True, width=200)
    _check_name(stack)
    stages = Stages(console)
    pulumi = Pulumi(Path.cwd(), stack, environment=os.environ)
    with stages.stage("find") as stage, asking_aws():
        found = adoption.find(origin, what, region=region, module=module).called(zenml_stack)
        stage.result = f"{found.origin}: bucket {found.bucket}"
    with stages.stage("rehearse the import") as stage, asking_aws():
        prepared = adoption.prepare(Path.cwd(), stack, found, pulumi, stage.news)
        stage.result = f"{_counts(prepared)}; nothing replaced, nothing deleted"
    _show(console, prepared)
    agreed = yes or (sys.stdin.isatty() and typer.confirm(f"Import it into stack {stack}?", err=True))
    if agreed:
        if origin == "cloudformation":
            with stages.stage("retain") as stage, asking_aws():
                stage.result = f"CloudFormation keeps {adoption.retain(origin, what, found)} more resources"
        with stages.stage("import") as stage:
            stage.result = f"{adoption.carry_out(prepared, pulumi)} resources of {found.origin} are in stack {stack}"
    _end(prepared, stack, agreed=agreed, as_json=as_json, seconds=time.monotonic() - begun)


def _check_name(stack: str) -> None:
    from components.checks import of_environment

    for problem in of_environment(stack):
        raise UsageError(f"--stack {problem.text}", hint="choose another, such as --stack prod")


def _counts(adoption: "Adoption") -> str:
    imported = sum("id" in each for each in adoption.imports["resources"])
    then = ", ".join(f"{count} to {operation}" for operation, count in sorted(adoption.counts.items()))
    return f"{imported} to import, then {then or 'no change'}"


def _show(console: "Console", adoption: "Adoption") -> None:
    from rich.markup import escape
    from rich.table import Table

    from mlstack.adoption.explained import NEEDED, Explanation

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("setting that leaves it out", "why", "what"):
        table.add_column(title, overflow="fold")
    by_reason: dict[Explanation, list[str]] = {}
    for each in sorted(adoption.changes, key=lambda change: (change.operation != "update", change.name)):
        for reason in each.reasons:
            style = "yellow" if each.operation == "update" else "green"
            said = f"[{style}]{each.operation}[/] {each.type.rpartition(':')[2]} {escape(each.name)}"
            by_reason.setdefault(reason, []).append(said)
    for reason, several in sorted(by_reason.items(), key=lambda item: item[0].off == NEEDED):
        table.add_row(escape(reason.off), escape(reason.why), "\n".join(several))
    console.print("After the import, at the next deployment:")
    console.print(table)
    for what, why in sorted(adoption.seen.keep.items()):
        console.print(f"kept as it is: {what}: {escape(why)}", highlight=False, soft_wrap=True)


def _end(adoption: "Adoption", stack: str, *, agreed: bool, as_json: bool, seconds: float) -> None:
    following = [f"mlstack deploy --stack {stack} --adopt", *adoption.found.leave]
    if adoption.found.user:
        following.insert(1, f"mlstack rotate-key --stack {stack}")
    if not agreed:
        following = [shlex.join(["mlstack", *sys.argv[1:], "--yes"])]
    if as_json:
        document: dict[str, Any] = {
            "stack": stack,
            "adopted": agreed,
            **adoption.as_json(),
            "next": following,
            "seconds": round(seconds, 1),
        }
        typer.echo(json.dumps(document))
        return
    said = "is adopted" if agreed else "can be adopted; nothing was imported"
    typer.echo(f"{adoption.found.origin} {said}: {adoption.settings_file.name}, {adoption.import_file}")
    for each in following:
        typer.echo(f"next: {each}")
