"""Takes away what a smoke run left in ZenML and in the bucket, and names what it could not."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from zenml.client import Client
from zenml.io import fileio

from mlstack.verification.events import Teller


def clean_up(name: str, teller: Teller) -> None:
    """Artifacts, logs, run and pipeline of the name. Never raises: what it verifies is over by then.

    The image stays for the next time. The pipeline on SageMaker stays too, as every other run's does: it costs
    nothing, and ZenML has no right to delete one.
    """
    client = Client()
    left: list[str] = []
    try:
        runs = client.list_pipeline_runs(pipeline_name=name, hydrate=True).items
        pipelines = client.list_pipelines(name=f"equals:{name}").items
        for run in runs:
            versions, files = _left_by(client, run)
            for uri in files:
                _attempt(left, uri, partial(_remove, uri))
            # ZenML deletes no artifact that a run still uses.
            client.delete_pipeline_run(run.id)
            for version in versions:
                remove = partial(client.delete_artifact_version, version.id, delete_from_artifact_store=True)
                _attempt(left, f"artifact {version.uri}", remove)
        for each in client.list_artifacts(name=f"startswith:{name}::").items:
            _attempt(left, f"artifact {each.name}", partial(client.delete_artifact, each.id))
        for each in pipelines:
            client.delete_pipeline(each.id)
    except Exception as error:
        left.append(f"{name} in ZenML ({type(error).__name__}: {error})")
    teller.tell("cleaned", text="; ".join(left), ok=not left)


def _left_by(client: Any, run: Any) -> tuple[list[Any], list[str]]:
    """Artifact versions, and where its logs and its code lie."""
    steps = client.list_run_steps(pipeline_run_id=run.id, hydrate=True).items
    versions = [version for step in steps for each in step.outputs.values() for version in each]
    files = [each.uri for owner in (run, *steps) for each in owner.log_collection or () if each.uri]
    # The code that was uploaded for it: an archive made anew for each run.
    code = run.snapshot.code_path if run.snapshot else None
    return versions, [*files, *([code] if code else [])]


def _remove(uri: str) -> None:
    if fileio.isdir(uri):
        fileio.rmtree(uri)
    elif fileio.exists(uri):
        fileio.remove(uri)


def _attempt(left: list[str], what: str, work: Callable[[], object]) -> None:
    try:
        with suppress(KeyError):
            work()
    except Exception as error:
        left.append(f"{what} ({type(error).__name__}: {error})")
