"""`mlstack verify`."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from mlstack.images.pipeline import BaseOption, ImageOption, NoImageOption
from mlstack.registration.commands import JsonOption, OutputsOption, StackOption, TeamOption


def verify(
    stack: StackOption = None,
    outputs: OutputsOption = None,
    team: TeamOption = None,
    image: ImageOption = None,
    no_image: NoImageOption = False,
    base: BaseOption = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the run.")] = 3600,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the run, its artifacts and its logs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Prove the registered stack: run a pipeline of two steps on it and look at what came of it. Exit code 0 or 1.

    The image of the steps is built first, from examples/digits, unless the registry holds it; where it cannot be
    built that is said in one line, and ZenML is left to it.

    Examples:  mlstack verify --stack dev   |   mlstack verify --stack dev --image code --json
    """
    from mlstack.images.pipeline import Choice, image_for
    from mlstack.registration import source
    from mlstack.registration.server import connection
    from mlstack.registration.versions import client_version, refuse_unreadable
    from mlstack.stages import Stages
    from mlstack.verification.run import Verification

    choice = Choice.of(image, base, build=not no_image)
    told = source.read_all(stack, outputs, team)
    results: dict[str | None, dict[str, Any]] = {}
    with connection() as server:
        typer.echo(f"connecting to {server.url} (ZenML {server.version})", err=True)
        refuse_unreadable(server, client_version())
        try:
            for each in told:
                results[each.contract.team] = {"ok": False, "stack": each.contract.stack.name}  # until more is known
                with Stages(Console(stderr=True)).stage("image") as stage:
                    chosen = image_for(choice, each.contract, stage, otherwise="ZenML builds it")
                    stage.result = chosen.told
                verification = Verification(each.contract, server, image=chosen, timeout=timeout, keep=keep)
                results[each.contract.team] = verification.result
                verification.run()
        finally:
            if as_json:
                typer.echo(json.dumps(_together(results)))
    if not as_json:
        for result in results.values():
            _show(result)
    raise typer.Exit(0 if _together(results)["ok"] else 1)


def _together(results: dict[str | None, dict[str, Any]]) -> dict[str, Any]:
    """Of the one stack, or by team."""
    if None in results:
        return results[None]
    return {"ok": all(result["ok"] for result in results.values()), "teams": results}


def _show(result: dict[str, Any]) -> None:
    from rich.markup import escape

    console = Console()
    width = max((len(check["name"]) for check in result["checks"]), default=0)
    for check in result["checks"]:
        sign = "[green]✓[/]" if check["ok"] else "[red]✗[/]"
        line = f"{sign} {check['name']:<{width}}  {escape(check['detail'])}"
        console.print(line, soft_wrap=True, highlight=False)
    if result["left"]:
        console.print(f"could not be removed: {escape(result['left'])}", soft_wrap=True)
    wrong = sum(not check["ok"] for check in result["checks"])
    verdict = f"{wrong} of {len(result['checks'])} checks failed" if wrong else "the stack works"
    console.print(f"{result['stack']} on {result['server']}: {verdict}")
