"""What the demo says at its end: what exists, how long it took, where to look, what to do next."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from mlstack.local.aws.inventory import Resource, inventory
from mlstack.local.cloud import Cloud, CloudState
from mlstack.stages import Stage

_SHOWN = {
    ("s3", "bucket"): "bucket",
    ("ecr", "repository"): "repository",
    ("iam", "role"): "role",
    ("kms", "alias"): "key",
    ("codebuild", "project"): "image builder",
    ("logs", "log group"): "build logs",
    ("sagemaker", "pipeline"): "pipeline",
}

_NEXT = (
    ('eval "$(.venv/bin/mlstack local env)"', "point pulumi, the AWS tools and zenml at this cloud; then"),
    ("pulumi preview --stack local", "what a change of Pulumi.local.yaml would do"),
    ("mlstack register --stack local --dry-run", "what ZenML would be told"),
    ("python examples/digits/run.py --help", "the pipeline on your own terms"),
    ("make demo-down", "take everything away"),
)


def plan_changes(plan: Mapping[str, Any]) -> bool:
    return any(change["action"] != "same" for change in plan["changes"])


def left_behind(state: CloudState) -> list[str]:
    """What the emulator still holds of what was deployed or run on it."""
    return [f"{item.kind} {item.name}" for item in inventory(state.aws_endpoint) if not item.given]


def show(
    stages: list[Stage],
    cloud: Cloud,
    state: CloudState,
    result: Mapping[str, Any],
    *,
    image: str | None,
    stack_name: str,
    changed: bool,
) -> None:
    """To stdout, so that it can be kept; the stages went to stderr. `image`: what the pipeline ran in, by digest."""
    user, password = cloud.admin_login()
    seconds = [(stage.name, f"{stage.seconds:.1f} s") for stage in stages]
    of_pipeline = [*([("image", image)] if image else []), *_model(result)]
    _section("what exists", [*_resources(inventory(state.aws_endpoint)), ("ZenML stack", stack_name), *of_pipeline])
    _section("seconds", [*seconds, ("in all", f"{sum(stage.seconds for stage in stages):.1f} s")])
    _section(
        "where to look",
        [("ZenML", state.zenml_url), ("", f"user {user}, password {password}"), ("AWS, emulated", state.aws_endpoint)],
    )
    _section("next", _NEXT, width=42)
    typer.echo("" if changed else "\nnothing changed: everything was there already")
    sys.stdout.flush()


def _resources(found: list[Resource]) -> Iterator[tuple[str, str]]:
    for item in found:
        if not item.given and (shown := _SHOWN.get((item.service, item.kind))):
            yield shown, item.name


def _model(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "model", result["artifacts"]["model"]
    yield "metrics", result["artifacts"]["metrics"]
    yield "accuracy", f"{result['accuracy']:.3f}"


def _section(title: str, rows: Any, *, width: int = 20) -> None:
    typer.echo(f"\n{typer.style(title, bold=True)}")
    for left, right in rows:
        typer.echo(f"  {left:<{width}}  {right}")
