"""What the demo says at its end: what exists, how long it took, where to look, what to do next."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from mlstack.local.cloud import Cloud, CloudState
from mlstack.stages import Stage

_PAST = {"create": "created", "update": "updated", "replace": "replaced", "remove": "removed", "delete": "deleted"}

_SHOWN = {
    ("s3", "bucket"): "bucket",
    ("ecr", "repository"): "repository",
    ("iam", "role"): "role",
    ("kms", "alias"): "key",
    ("codebuild", "project"): "image builder",
    ("logs", "log group"): "build logs",
    ("sagemaker", "pipeline"): "pipeline",
}


def of_plan(plan: Mapping[str, Any]) -> str:
    """`8 created`, or `unchanged, 9 objects`."""
    actions = [change["action"] for change in plan["changes"]]
    changed = [f"{actions.count(action)} {past}" for action, past in _PAST.items() if action in actions]
    return ", ".join(changed) if changed else f"unchanged, {len(actions)} objects"


def plan_changes(plan: Mapping[str, Any]) -> bool:
    return any(change["action"] != "same" for change in plan["changes"])


def left_behind(state: CloudState) -> list[str]:
    """What the emulator still holds of what was deployed or run on it."""
    from mlstack.local.aws.inventory import inventory

    return [f"{item.kind} {item.name}" for item in inventory(state.aws_endpoint) if not item.given]


def show(
    stages: list[Stage], cloud: Cloud, state: CloudState, result: Mapping[str, Any], *, stack_name: str, changed: bool
) -> None:
    """To stdout, so that it can be kept; the stages went to stderr."""
    from mlstack.local.aws.inventory import inventory

    console = Console()
    table = Table(title="what exists", title_justify="left", box=None, padding=(0, 2, 0, 0), show_header=False)
    for item in inventory(state.aws_endpoint):
        if shown := _SHOWN.get((item.service, item.kind)):
            table.add_row(shown, item.name)
    table.add_row("ZenML stack", stack_name)
    table.add_row("model", result["artifacts"]["model"])
    table.add_row("accuracy", f"{result['accuracy']:.3f}")
    console.print()
    console.print(table)
    console.print(f"\n{sum(stage.seconds for stage in stages):.0f} s in all")

    user, password = cloud.admin_login()
    where = Table(title="where to look", title_justify="left", box=None, padding=(0, 2, 0, 0), show_header=False)
    where.add_row("ZenML", f"{state.zenml_url}  user {user}  password {password}")
    where.add_row("AWS", f"{state.aws_endpoint}  (emulated)")
    console.print(where)
    console.print("\nnext")
    console.print(
        '  eval "$(.venv/bin/mlstack local env)"       pulumi, aws and zenml work with this cloud', highlight=False
    )
    console.print(
        "  pulumi preview --stack local                what a change of Pulumi.local.yaml would do", highlight=False
    )
    console.print("  python examples/digits/run.py --help        the pipeline, on your own terms", highlight=False)
    console.print("  make demo-down                              take everything away", highlight=False)
    if not changed:
        console.print("\nnothing changed: everything was there already")
