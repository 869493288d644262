"""What a finished run must have left, looked up where it is to be, each a check of its own."""

from typing import Any

from zenml.client import Client

from mlstack.verification.aws_side import AwsSide
from mlstack.verification.events import Request, Teller

_PATIENCE = 180.0
"""Seconds that SageMaker has to end an execution whose last step has reported its end."""


def look_at(run_id: Any, aws: AwsSide | None, request: Request, teller: Teller) -> bool:
    """Whether everything is there; each check is told."""
    run = Client().get_pipeline_run(run_id, hydrate=True)
    steps = {step.name: step for step in Client().list_run_steps(pipeline_run_id=run_id, hydrate=True).items}
    artifacts = {name: next(iter(step.outputs.values()))[0] for name, step in steps.items()}
    values: dict[str, dict[str, str]] = {name: artifact.load() for name, artifact in artifacts.items()}
    execution = str(run.run_metadata.get("orchestrator_run_id") or run.orchestrator_run_id)
    if aws is not None:
        # A step reports its end to ZenML before its container ends.
        aws.wait(execution, _PATIENCE)
    done = [
        _told(teller, "run completed", True, f"{run.name}"),
        *(_artifact(name, artifacts[name].uri, values[name], request, teller) for name in ("write", "read")),
        *(_executed(name, values[name].get("job", ""), execution, aws, teller) for name in ("write", "read")),
        *(_step_log(name, steps[name], request, teller) for name in ("write", "read")),
    ]
    if aws is not None:
        done += [_job_log(name, values[name].get("job", ""), aws, teller) for name in ("write", "read")]
    return all(done)


def _told(teller: Teller, name: str, ok: bool, text: str) -> bool:
    teller.tell("check", name, text, ok=ok)
    return ok


def _artifact(step: str, uri: str, value: dict[str, str], request: Request, teller: Teller) -> bool:
    from zenml.io import fileio

    name = f"artifact of {step}"
    if request.bucket and not uri.startswith(f"{request.bucket}/"):
        return _told(teller, name, False, f"lies at {uri}, outside of {request.bucket}")
    if value.get("mark") != request.mark:
        return _told(teller, name, False, f"{uri} holds something else than was written")
    files = sorted(fileio.listdir(uri))
    return _told(teller, name, bool(files), f"{uri}/{files[0]}" if files else f"there is nothing below {uri}")


def _executed(step: str, job: str, execution: str, aws: AwsSide | None, teller: Teller) -> bool:
    name = f"{step} executed"
    if aws is None:
        return _told(teller, name, True, "by the local orchestrator, on this machine")
    if not job:
        return _told(teller, name, False, "the step does not know a SageMaker job: it ran somewhere else")
    found = aws.job(job)
    state, whole = found["TrainingJobStatus"], aws.status(execution)
    kind = found.get("ResourceConfig", {}).get("InstanceType", "an unknown type")
    text = f"{job} {state} on {kind}; {execution} {whole}"
    return _told(teller, name, state == "Completed" and whole == "Succeeded", text)


def _step_log(step: str, run_step: Any, request: Request, teller: Teller) -> bool:
    from zenml.io import fileio

    name = f"log of {step} in ZenML"
    wanted = f"mlstack verify {request.mark}"
    uris = [each.uri for each in run_step.log_collection or () if each.uri]
    for uri in uris:
        files = [f"{uri}/{file}" for file in sorted(fileio.listdir(uri))] if fileio.isdir(uri) else [uri]
        for file in files:
            if fileio.exists(file):
                with fileio.open(file, "r") as opened:
                    if wanted in opened.read():
                        return _told(teller, name, True, file)
    return _told(teller, name, False, f"the step's own line is not in {', '.join(uris) or 'any log'}")


def _job_log(step: str, job: str, aws: AwsSide, teller: Teller) -> bool:
    stream, text = aws.output(job)
    return _told(
        teller, f"log of {step} in CloudWatch", stream is not None, stream or text or "no log stream of the job"
    )
