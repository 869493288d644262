"""Records real previews for the tests of `mlstack review`: python -m tools.previews

Against an embedded cloud of its own. What differs from run to run (times, the machine's paths) is taken out.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from mlstack.local.cloud import Cloud
from mlstack.local.engine import find_engine

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "tests" / "review" / "recorded"

SMALL: dict[str, Any] = {
    "name": "rec",
    "imageBuilder": False,
    "stepOperator": False,
    "encryption": {"mode": "aws-managed"},
}
SERVER = "arn:aws:iam::123456789012:user/zenml-server"

CASES: dict[str, dict[str, Any]] = {
    "no-change": {},
    "broadened-trust": {"connector": {"principal": "arn:aws:iam::123456789012:role/another"}},
    "opened-to-another-account": {"connector": {"principal": "arn:aws:iam::210987654321:role/zenml"}},
    "narrowed-role": {"orchestrator": "local"},
    "replaced-bucket": {"name": "moved"},
    "deleted-repository": {"containerRegistry": False, "orchestrator": "local"},
    "unprotected-and-forced": {"protect": False, "artifactStoreForceDestroy": True},
    "new-key": {"encryption": {"mode": "kms"}},
}
"""Settings that differ from what is deployed: SMALL, protected, nothing emptied by force."""


_PROTECTED = {"protect": True, "artifactStoreForceDestroy": False}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mlstack-previews-") as directory:
        root = Path(directory)
        cloud = Cloud(root / "cloud")
        engine = find_engine(print)
        cloud.start(print)
        try:
            environment = {**os.environ, **cloud.pulumi_environment(engine.bin), **cloud.zenml_environment()}
            environment["PULUMI_DEBUG_COMMANDS"] = "true"
            _pulumi(environment, "stack", "select", "--create", "local")
            deployed = _settings(root, _PROTECTED)
            _record(environment, root, deployed, "create-all")
            _pulumi(environment, "up", "--yes", "--skip-preview", "--config-file", str(deployed))
            for name, changes in CASES.items():
                settings = _settings(root, {**_PROTECTED, **changes})
                _record(environment, root, settings, name)
            key = {"connector": {"auth": "iam-role"}}
            _record(environment, root, _settings(root, {**_PROTECTED, **key}), "key-of-a-user")
            strict = ("--policy-pack", "policies/run", "--policy-pack-config", "policies/production.json")
            forced = _settings(root, {**_PROTECTED, "artifactStoreForceDestroy": True, "roles": {"path": "/ml/"}})
            _record(environment, root, forced, "policy-failure", *strict)
            wrong = _settings(root, {"protect": True, "instanceType": "t3.large"})
            _record(environment, root, wrong, "failed-program")
            unjudged = _settings(root, {**_PROTECTED, "encryption": {"mode": "kms"}, "network": {"mode": "isolated"}})
            _record(environment, root, unjudged, "rule-that-could-not-run", *strict)
            _secret(environment, root)
            _drift(environment, root, cloud)
            _three(environment, root)
        finally:
            cloud.stop(print)


def _secret(environment: dict[str, str], root: Path) -> None:
    """A second access key of ZenML's user, which then is the one that is given out."""
    key = {**_PROTECTED, "connector": {"auth": "iam-role", "keys": [1]}}
    _pulumi(environment, "up", "--yes", "--skip-preview", "--config-file", str(_settings(root, key)))
    second = {**_PROTECTED, "connector": {"auth": "iam-role", "keys": [1, 2]}}
    _record(environment, root, _settings(root, second), "secret-change")


def _drift(environment: dict[str, str], root: Path, cloud: Cloud) -> None:
    """Somebody suspends the versions of the artifacts, and deletes a lifecycle."""
    s3 = cloud.aws_client("s3")
    bucket = next(each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith("rec-local"))
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_bucket_lifecycle(Bucket=bucket)
    key = {**_PROTECTED, "connector": {"auth": "iam-role", "keys": [1]}}
    _record(environment, root, _settings(root, key), "drift", command=("refresh", "--preview-only"))


def _three(environment: dict[str, str], root: Path) -> None:
    """dev has it already, staging a part of it, prod nothing."""
    for stack, before, after in (
        ("dev", {}, {}),
        ("staging", {"orchestrator": "local"}, {}),
        ("prod", None, {"encryption": {"mode": "kms"}}),
    ):
        committed = PROJECT / f"Pulumi.{stack}.yaml"
        settings_of_the_team = committed.read_bytes()
        _pulumi(environment, "stack", "select", "--create", stack)
        committed.write_bytes(settings_of_the_team)  # the engine writes the salt of its secrets into it
        if before is not None:
            deployed = str(_settings(root, {**_PROTECTED, **before}))
            _pulumi(environment, "up", "--yes", "--skip-preview", "--config-file", deployed, stack=stack)
        settings = _settings(root, {**_PROTECTED, **after})
        _record(environment, root, settings, f"three-environments/{stack}", stack=stack)


def _settings(root: Path, changes: dict[str, Any]) -> Path:
    yaml = YAML()
    document = yaml.load((PROJECT / "Pulumi.local.yaml").read_text(encoding="utf-8"))
    document["config"].update({f"mlstack:{key}": value for key, value in {**SMALL, **changes}.items()})
    file = root / "Pulumi.local.yaml"
    with file.open("w", encoding="utf-8") as written:
        yaml.dump(document, written)
    return file


def _record(
    environment: dict[str, str],
    root: Path,
    settings: Path,
    name: str,
    *more: str,
    command: tuple[str, ...] = ("preview", "--ignore-protect"),
    stack: str = "local",
) -> None:
    events = root / "events.ndjson"
    events.unlink(missing_ok=True)
    arguments = (*command, "--json", "--event-log", str(events), "--config-file", str(settings))
    digest = _pulumi(environment, *arguments, *more, check=False, stack=stack)
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "digest.json").write_text(json.dumps(_trimmed(json.loads(digest)), indent=1) + "\n", encoding="utf-8")
    kept = [event for line in events.read_text(encoding="utf-8").splitlines() if _matters(event := json.loads(line))]
    lines = [json.dumps(_trimmed(_short(event)), separators=(",", ":")) for event in kept]
    (folder / "events.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}: {len(lines)} events")


def _pulumi(environment: dict[str, str], *arguments: str, check: bool = True, stack: str = "local") -> str:
    command = ["pulumi", *arguments, "--non-interactive", *(["--stack", stack] if "stack" not in arguments else [])]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise SystemExit(f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _matters(event: dict[str, Any]) -> bool:
    if ended := event.get("resOutputsEvent"):
        return "pulumi:pulumi:Stack" in ended["metadata"]["urn"]
    return "summaryEvent" in event or "policyEvent" in event or "resourcePreEvent" in event


def _short(event: dict[str, Any]) -> dict[str, Any]:
    """Of what was begun, only what: the digest says the rest."""
    begun = event.get("resourcePreEvent")
    if begun is None:
        return event
    return {"resourcePreEvent": {"metadata": {key: begun["metadata"][key] for key in ("op", "urn")}}}


def _trimmed(value: Any) -> Any:
    """Without what only fills the file or differs from run to run; outputs of resources are never read."""
    if isinstance(value, dict):
        gone = {"created", "modified", "timestamp", "duration", "durationSeconds", "stackTrace", "detailedDiff"}
        return {
            key: _trimmed({"mlstack": each["mlstack"]} if key == "outputs" and "mlstack" in each else each)
            for key, each in value.items()
            if key not in gone and not (key == "outputs" and "mlstack" not in (each or {}))
        }
    if isinstance(value, list):
        return [_trimmed(each) for each in value]
    return value.replace(str(PROJECT), ".") if isinstance(value, str) else value


if __name__ == "__main__":
    main()
