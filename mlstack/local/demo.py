"""`make demo`: the whole way from nothing to a trained model, on this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console

from components.configuration import from_file
from mlstack.contract import MLStackOutputs
from mlstack.deployment.shown import of_plan
from mlstack.engine import Pulumi
from mlstack.errors import MLStackError
from mlstack.images.aws import Clients
from mlstack.images.pipeline import EXAMPLE, Choice, image_for
from mlstack.local import summary
from mlstack.local.aws.build import TOOLS, missing_tools
from mlstack.local.cloud import REGION, Cloud, CloudState
from mlstack.local.engine import Engine, find_engine
from mlstack.outcome import Outcome
from mlstack.stages import Stages

ENVIRONMENT = "local"
"""The Pulumi stack of the embedded cloud: Pulumi.local.yaml."""
STATE = ".mlstack"
# The emulated SageMaker runs the steps with this interpreter, in no image: where none could be built the tag says so.
IMAGE_TAG = "not-built-the-embedded-cloud-runs-steps-as-processes"


class Memory(BaseModel):
    """What the last demo left: lets the next one see that there is nothing to do."""

    boot_id: str
    """Of the emulator that everything was deployed to; after a restart of it nothing is there any more."""
    result: dict[str, Any] | None = None
    """What the pipeline gave."""
    image: str | None = None
    """By digest, what it ran in; None when that could not be built."""


def up(project: Path, *, base: str | None = None, build: bool = True) -> None:
    """Start, deploy, register, build the pipeline's image, train. What is there already is left as it is.

    `base`: what the image is built upon. Raises MLStackError; whatever was done so far stays, and the next run goes on
    from there.
    """
    choice = Choice.of(None, base, build=build, program=project)
    stages = Stages(Console(stderr=True))
    root = state_directory(project)
    from_file(project / f"Pulumi.{ENVIRONMENT}.yaml")  # a wrong setting is said before anything is started
    cloud = Cloud(root)
    engine, state = _start(stages, cloud)
    memory = _recall(root)
    fresh = memory is None or memory.boot_id != state.boot_id
    known = None if fresh else memory

    environment = {**cloud.pulumi_environment(engine.bin), **cloud.zenml_environment()}
    with stages.stage("pulumi up") as stage:
        pulumi = Pulumi(project, ENVIRONMENT, environment=environment, log=root / "logs" / "pulumi.log")
        deployed = _past_a_stale_lock(pulumi, root, lambda: _deploy(pulumi, stage.news, refresh=fresh))
        stage.result = str(deployed)
    _remember(root, known or Memory(boot_id=state.boot_id))

    with stages.stage("mlstack register") as stage:
        registered = _json_of(
            [sys.executable, "-m", "mlstack", "register", "--stack", ENVIRONMENT, "--json"],
            project,
            environment,
            stage.news,
        )
        stage.result = of_plan(registered)

    contract = MLStackOutputs.parse(json.loads(pulumi.output("mlstack")), origin="the stack's outputs")
    with stages.stage("image") as stage:
        image = image_for(
            choice, contract, stage, otherwise="the steps run without it", as_whom=lambda: _builders_clients(cloud)
        )
        stage.result = image.told
    changed = deployed.changed or summary.plan_changes(registered)
    result, ran_in = (known.result, known.image) if known else (None, None)
    # What was trained in an image stays as it is when that cannot be built today.
    if result is None or changed or (image.image and image.image != ran_in):
        changed = True
        with stages.stage("training pipeline") as stage:
            result = _train(project, cloud, image.image or _no_image(contract), registered, stage.news)
            stage.result = f"{result['status']}, accuracy {result['accuracy']:.3f}"
        ran_in = image.image
        _remember(root, Memory(boot_id=state.boot_id, result=result, image=ran_in))
    name = contract.stack.name
    summary.show(stages.done, cloud, state, result, image=ran_in, stack_name=name, changed=changed)


def down(project: Path) -> None:
    """Deregister, destroy, stop; then look whether anything is left."""
    stages = Stages(Console(stderr=True))
    root = state_directory(project)
    if not root.exists():
        typer.echo("there is no demo here: nothing to take down")
        return
    cloud = Cloud(root)
    engine, state = _start(stages, cloud)
    memory = _recall(root)
    environment = {**cloud.pulumi_environment(engine.bin), **cloud.zenml_environment()}
    pulumi = Pulumi(project, ENVIRONMENT, environment=environment, log=root / "logs" / "pulumi.log")
    pulumi.select()
    if pulumi.state():
        _take_down(
            project, pulumi, environment, stages, root, refresh=memory is None or memory.boot_id != state.boot_id
        )
    (root / "demo.json").unlink(missing_ok=True)
    _remove_runs(cloud)
    left = summary.left_behind(state)
    with stages.stage("stop") as stage:
        cloud.stop(stage.news)
        stage.result = "no process of the embedded cloud is running"
    if left:
        raise MLStackError(
            "the emulator still held: " + ", ".join(left), hint="it has been stopped, and its memory with it"
        )
    typer.echo("nothing is left in the emulator, and ZenML holds no stack, component or connector of this project")


def _take_down(
    project: Path, pulumi: Pulumi, environment: Mapping[str, str], stages: Stages, root: Path, *, refresh: bool
) -> None:
    with stages.stage("mlstack deregister") as stage:
        plan = _json_of(
            [sys.executable, "-m", "mlstack", "deregister", "--stack", ENVIRONMENT, "--json"],
            project,
            environment,
            stage.news,
        )
        stage.result = of_plan(plan)
    with stages.stage("pulumi destroy") as stage:
        outcome = _past_a_stale_lock(pulumi, root, lambda: pulumi.destroy(stage.news, refresh=refresh))
        stage.result = str(outcome)


def state_directory(project: Path) -> Path:
    """Where everything local lies: below the program, ignored by git."""
    if not (project / "Pulumi.yaml").is_file():
        raise MLStackError(
            f"there is no Pulumi.yaml in {project}", hint="run it in the directory of the MLStack program"
        )
    return project / STATE


def _start(stages: Stages, cloud: Cloud) -> tuple[Engine, CloudState]:
    """The engine and the cloud at the same time: the first may be built for minutes, and neither needs the other."""
    with stages.stage("embedded cloud") as stage, ThreadPoolExecutor(max_workers=2) as pool:
        starting = pool.submit(cloud.start, stage.news)
        engine = find_engine(stage.news)
        state = starting.result()
        stage.result = f"pulumi {engine.version}, AWS and ZenML on loopback"
    return engine, state


def _deploy(pulumi: Pulumi, news: Callable[[str], None], *, refresh: bool) -> Outcome:
    pulumi.select()
    try:
        return pulumi.up(news, refresh=refresh)
    except MLStackError as error:
        if "AlreadyExists" in error.message or "AlreadyOwnedByYou" in error.message:
            raise MLStackError(
                f"{error.message}\nthe emulator holds what the engine does not know of: an earlier run was killed",
                hint="mlstack local stop empties the emulator; then run this again",
            ) from None
        raise


def _past_a_stale_lock(pulumi: Pulumi, root: Path, run: Callable[[], Outcome]) -> Outcome:
    """An engine that was killed leaves its lock behind; nobody else works on this state."""
    for lock in (root / "pulumi").glob(".pulumi/locks/**/*.json"):
        if not _is_an_engine(json.loads(lock.read_text(encoding="utf-8")).get("pid")):
            pulumi.release_lock()
            break
    return run()


def _is_an_engine(pid: Any) -> bool:
    try:
        process = psutil.Process(pid)
        return "pulumi" in process.name() and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, TypeError, ValueError):
        return False


def _builders_clients(cloud: Cloud) -> Clients:
    """Of the emulator. Raises MLStackError where it cannot build."""
    if missing := missing_tools():
        raise MLStackError(
            f"the embedded cloud builds with {' and '.join(TOOLS)}, and there is no {' and no '.join(missing)} here",
            hint=f"apt-get install {' '.join(missing)}, then again",
        )
    return Clients(_Session(cloud), REGION)


class _Session:
    """What boto3's is to `Clients`, of the emulator."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def client(self, service: str, **_: object) -> Any:
        return self._cloud.aws_client(service)


def _no_image(contract: MLStackOutputs) -> str | None:
    """None for a stack without a registry, which needs none."""
    if (registry := contract.components.get("container_registry")) is None:
        return None
    return f"{registry.configuration['uri']}/{registry.configuration['default_repository']}:{IMAGE_TAG}"


def _train(
    project: Path, cloud: Cloud, image: str | None, registered: Mapping[str, Any], news: Callable[[str], None]
) -> dict[str, Any]:
    command = [sys.executable, "run.py", *(["--image", image] if image else []), "--timeout", "600", "--json"]
    # ZenML's client writes the key that it is given into its configuration, where it would stay.
    with TemporaryDirectory(prefix="mlstack-zenml-") as configuration:
        environment = {
            **_bare_environment(),
            **cloud.aws_environment(),
            **cloud.zenml_environment(),
            "ZENML_CONFIG_PATH": configuration,
            "ZENML_LOCAL_STORES_PATH": configuration,
            "ZENML_ACTIVE_STACK_ID": str(registered["stack_id"]),
        }
        return _json_of(command, project / EXAMPLE, environment, news)


def _remove_runs(cloud: Cloud) -> None:
    """ZenML makes a SageMaker pipeline for each run and never deletes one."""
    sagemaker = cloud.aws_client("sagemaker")
    for page in sagemaker.get_paginator("list_pipelines").paginate():
        for pipeline in page["PipelineSummaries"]:
            sagemaker.delete_pipeline(PipelineName=pipeline["PipelineName"], ClientRequestToken="0" * 32)


def _bare_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "LANG", "TERM", "TMPDIR") if name in os.environ}


def _json_of(
    command: list[str], directory: Path, environment: Mapping[str, str], news: Callable[[str], None]
) -> dict[str, Any]:
    """The JSON document that a command prints; what it says on stderr is news."""
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    said: list[str] = []
    assert process.stderr is not None
    assert process.stdout is not None
    with ThreadPoolExecutor(max_workers=1) as pool:
        reading = pool.submit(process.stdout.read)
        for line in process.stderr:
            if text := line.strip():
                said.append(text)
                news(text)
        printed = reading.result()
    if process.wait():
        raise MLStackError("\n".join(said[-15:]) or f"{command[-1]} ended with {process.returncode}")
    # ZenML itself writes to stdout too: the document is the last line.
    document: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    return document


def _recall(root: Path) -> Memory | None:
    try:
        return Memory.model_validate_json((root / "demo.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def _remember(root: Path, memory: Memory) -> None:
    (root / "demo.json").write_text(memory.model_dump_json(), encoding="utf-8")
