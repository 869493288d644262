"""`mlstack deploy` and `mlstack destroy`."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from mlstack.contract import MLStackOutputs
from mlstack.deployment import data, shown
from mlstack.deployment.pending import refuse_unclear
from mlstack.deployment.work import Work
from mlstack.engine import Pulumi
from mlstack.errors import MLStackError, UsageError
from mlstack.images.pipeline import BaseOption, Choice, ImageOption, NoImageOption, PipelineImage, image_for
from mlstack.outcome import Step
from mlstack.registration import source
from mlstack.registration.server import ServerError, connection
from mlstack.registration.session import BY_COMMAND, HOOKED
from mlstack.registration.sessions import sessions
from mlstack.review.approval import refuse_unless_approved
from mlstack.review.model import Statement
from mlstack.review.statements import iam_changes

StackOption = Annotated[str | None, typer.Option("--stack", help="Pulumi stack. Default: the selected one.")]
ConfigOption = Annotated[str | None, typer.Option("--config-file", help="Settings file. Default: Pulumi.<stack>.yaml.")]
WaitOption = Annotated[
    float, typer.Option("--wait-for-runs", min=0, help="Seconds to wait for pipeline runs that this would break.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def deploy(
    stack: StackOption = None,
    config_file: ConfigOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Acknowledge all changes, for CI.")] = False,
    verify: Annotated[bool, typer.Option(help="Let the server try new and changed connectors.")] = True,
    adopt: Annotated[bool, typer.Option("--adopt", help="Take over ZenML objects of our names.")] = False,
    wait: WaitOption = 0,
    approved: Annotated[
        str | None, typer.Option("--approved", help="Plan's hash, or report of `mlstack review`: do that or nothing.")
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Run `mlstack verify` too: a pipeline on the stack.")] = False,
    image: ImageOption = None,
    no_image: NoImageOption = False,
    base: BaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything at once: preview, changes to acknowledge, `pulumi up`, registration in ZenML, verification.

    Run again, it goes on from what is there; without changes it asks nothing and writes nothing.

    Examples:  mlstack deploy --stack dev   |   mlstack deploy --stack prod --yes --json
    """
    console = _console()
    choice = Choice.of(image, base, build=not no_image)
    if not smoke and (image or no_image or base):
        raise UsageError("--image, --no-image and --base are of the pipeline that --smoke runs", hint="add --smoke")
    pulumi = _pulumi(stack, config_file)
    with connection():
        pass  # a server that is not there is said before anything is touched
    pulumi.make()
    refuse_unclear(pulumi.pending(), pulumi.stack)
    todo = ["preview", "pulumi up", "registration", *(["image", "smoke pipeline"] if smoke else [])]
    with (
        Work(console, _again("deploy"), todo, as_json=as_json) as work,
        TemporaryDirectory(prefix="mlstack-plan-") as directory,
    ):
        plan = Path(directory) / "plan.json"
        with work.stage("preview") as stage:
            planned = pulumi.preview(stage.news, plan=plan)
            stage.result = shown.would(planned)
        if approved:
            refuse_unless_approved(approved, pulumi.project, pulumi.stack, planned)
        permissions = iam_changes(planned.changes)
        lost = data.lost_in(planned.changes)
        if planned.changed or planned.unprotected:
            shown.show_preview(console, planned)
            lost += [f"{name} is no longer protected" for name in planned.unprotected]
            _acknowledge(console, permissions, lost, yes=yes or approved is not None)
        progress = shown.Progress(console, planned.changes)
        with work.stage("pulumi up") as stage, progress.shown():

            def one_more(step: Step) -> None:
                progress.step(step)
                stage.result = f"{progress.done} of {len(planned.changes)} done"

            done = pulumi.up(stage.news, plan=plan, on_step=one_more)
            stage.result = str(done)
        with work.stage("registration") as stage:
            told = source.read_all(stack or pulumi.stack, None)
            with sessions([(each.contract, each.key()) for each in told], stage.news) as zenml:
                registered = zenml.register(verify=verify, adopt=adopt, wait=wait, despite_runs=False)
            stage.result = shown.of_plan(registered)
        proven: dict[str, Any] = {}
        if smoke:
            with work.stage("image") as stage:
                images = [image_for(choice, each.contract, stage, otherwise="ZenML builds it") for each in told]
                stage.result = "; ".join(dict.fromkeys(each.told for each in images))
            with work.stage("smoke pipeline") as stage:
                for each, chosen in zip(told, images, strict=True):
                    proven[each.contract.stack.name] = _prove(each.contract, chosen)
                stage.result = "the stack works"
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "stack": pulumi.stack,
                    "changed": done.changed or registered["changed"],
                    "resources": done.counts,
                    "iam_changes": [each.model_dump(mode="json") for each in permissions],
                    "data_lost": lost,
                    "registration": registered,
                    "smoke": proven,
                    "dashboard": registered["dashboard"],
                    "seconds": work.seconds,
                }
            )
        )
        return
    typer.echo(f"{pulumi.stack}: AWS {done}; ZenML {shown.of_plan(registered)}; {work.seconds:.0f} s")
    typer.echo(f"look at it: {registered['dashboard']}")
    for each in told:
        typer.echo(f"use it:     zenml stack set {each.contract.stack.name}")


def destroy(
    stack: StackOption = None,
    config_file: ConfigOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, where no data is lost.")] = False,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="NAME", help="The environment whose data may go, for CI.")
    ] = None,
    wait: WaitOption = 0,
    despite: Annotated[bool, typer.Option("--despite-runs", help="Break pipeline runs that use the stack.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Takes everything away again: first out of ZenML, which never points at what is gone, then from AWS.

    Asks for the environment's name before it deletes data.

    Examples:  mlstack destroy --stack dev   |   mlstack destroy --stack dev --confirm dev --json
    """
    console = _console()
    pulumi = _pulumi(stack, config_file)
    pulumi.check()
    refuse_unclear(pulumi.pending(), pulumi.stack)
    resources = pulumi.state()
    held = data.in_state(resources)
    contracts = _contracts_of(resources)
    data.refuse(held, data.Look(resources, contracts[0].region) if contracts else None, pulumi.stack)
    _consent(console, pulumi.stack, held, yes=yes, confirm=confirm)
    todo = [*(["deregistration"] if contracts else []), "pulumi destroy"]
    result: dict[str, Any] = {"stack": pulumi.stack, "data_lost": [str(each) for each in held], "registration": None}
    with Work(console, _again("destroy"), todo, as_json=as_json) as work:
        if contracts:
            with work.stage("deregistration") as stage:
                gone = _deregister(contracts, pulumi.stack, stage.news, wait=wait, despite=despite)
                stage.result = shown.of_plan(gone)
                result["registration"] = gone
        steps = [Step(operation="delete", urn=each["urn"], parent=each.get("parent", "")) for each in resources]
        progress = shown.Progress(console, [step for step in steps if not step.type.startswith("pulumi:p")])
        with work.stage("pulumi destroy") as stage, progress.shown():
            # Without the program the engine refuses to delete what carries hooks (mlstack:register: automatic).
            hooked = any(each["type"] == HOOKED for each in resources)
            done = pulumi.destroy(stage.news, run_program=hooked, on_step=progress.step)
            stage.result = str(done)
    left = data.left_behind(resources)
    result |= {"resources": done.counts, "left": left, "seconds": work.seconds}
    if as_json:
        typer.echo(json.dumps(result))
        return
    typer.echo(f"{pulumi.stack}: {done} on AWS; nothing of it is left in ZenML")
    for each in left:
        typer.echo(f"left on AWS, where it is billed: {each} (docs/images.md)")
    typer.echo(f"forget the environment too: pulumi stack rm {pulumi.stack}")


def _deregister(
    contracts: Iterable[MLStackOutputs], stack: str, news: Callable[[str], None], *, wait: float, despite: bool
) -> Mapping[str, Any]:
    try:
        with sessions([(each, None) for each in contracts], news) as zenml:
            return zenml.deregister(wait=wait, despite_runs=despite)
    except ServerError as error:
        hint = f"{error.hint}\n  " if error.hint else ""
        gone = f"when that server is gone for good: pulumi destroy --stack {stack}"
        raise ServerError(error.message, hint=f"{hint}{gone}") from None


def _console() -> Console:
    """Progress goes to stderr; a log has no width of its own."""
    return Console(stderr=True) if sys.stderr.isatty() else Console(stderr=True, width=200)


def _pulumi(stack: str | None, config_file: str | None) -> Pulumi:
    environment = {**os.environ, BY_COMMAND: "true"}
    return Pulumi(Path.cwd(), stack, environment=environment, config_file=config_file)


def _again(command: str) -> str:
    """The command as it was given."""
    return shlex.join(["mlstack", *sys.argv[1:]]) if command in sys.argv else f"mlstack {command}"


def _acknowledge(console: Console, permissions: list[Statement], lost: list[str], *, yes: bool) -> None:
    """Raises UsageError when nobody can be asked, typer.Abort when the answer is no."""
    if permissions:
        shown.show_iam(console, permissions)
    for each in lost:
        console.print(f"[red]data:[/] {escape(each)}", highlight=False)
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked whether to go on; nothing was changed", hint="say it with --yes")
    what = f"{len(permissions)} changes to who may do what" if permissions else "these changes"
    typer.confirm(f"Go on with {what}?", abort=True, err=True)


def _consent(console: Console, environment: str, held: list[data.Held], *, yes: bool, confirm: str | None) -> None:
    """The same for what is destroyed: where data goes with it, by the environment's name."""
    for each in held:
        console.print(f"[red]deleted:[/] {each}")
    if held:
        if confirm is None and sys.stdin.isatty():
            confirm = typer.prompt(f"Type the name of the environment ({environment}) to delete all of it", err=True)
        if confirm is None:
            raise UsageError(
                "nobody can be asked whether the data may go; nothing was changed",
                hint=f"say it with --confirm {environment}",
            )
        if confirm != environment:
            raise UsageError(f"{confirm!r} is not the environment {environment!r}; nothing was changed")
    elif not yes and confirm != environment:
        if not sys.stdin.isatty():
            raise UsageError("nobody can be asked whether to go on; nothing was changed", hint="say it with --yes")
        typer.confirm(f"Delete everything of {environment}?", abort=True, err=True)


def _prove(contract: MLStackOutputs, image: PipelineImage) -> dict[str, Any]:
    """What `mlstack verify` says of it. Raises MLStackError when the stack does not do what it is for."""
    from mlstack.verification.run import Verification

    with connection() as server:
        verification = Verification(contract, server, image=image, timeout=3600, keep=False)
        verification.run()
    wrong = [f"{check['name']}: {check['detail']}" for check in verification.result["checks"] if not check["ok"]]
    if wrong:
        raise MLStackError("\n".join(wrong), hint="mlstack verify --keep leaves the run to look at")
    return verification.result


def _contracts_of(resources: list[dict[str, Any]]) -> tuple[MLStackOutputs, ...]:
    """What was promised to ZenML, as the state has it; nothing when no update ever got that far."""
    for each in resources:
        if each["type"] == "pulumi:pulumi:Stack" and "mlstack" in (each.get("outputs") or {}):
            return MLStackOutputs.parse_all(each["outputs"]["mlstack"], origin="the stack's state")
    return ()
