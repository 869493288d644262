"""checkov, in an environment of its own: it asks for older boto3 and networkx than ours."""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCK = Path(__file__).with_name("requirements.txt")
ENVIRONMENT = ROOT / ".venv-security"

NOWHERE = "http://127.0.0.1:9"
"""A proxy that nobody listens on: a request to anywhere is refused at once."""


class JudgeError(RuntimeError):
    """checkov could not be installed, or gave no verdict on a plan."""


@dataclass(frozen=True, order=True)
class Failure:
    id: str
    resource: str
    """Terraform's address: `aws_s3_bucket.mlstack-artifacts-bucket`."""
    title: str


@dataclass(frozen=True)
class Verdict:
    """What checkov says of one plan."""

    passed: int
    failures: tuple[Failure, ...]


def install() -> Path:
    """The Python that has the checkov of the lock: installed when it is missing or the lock has changed."""
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / ".lock"
    lock = LOCK.read_text(encoding="utf-8")
    with ENVIRONMENT.with_name(".venv-security.lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not (python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == lock):
            _install()
            stamp.write_text(lock, encoding="utf-8")
    return python


def _install() -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        raise JudgeError("there is no uv to install checkov with: make setup")
    print("installing checkov into .venv-security", file=sys.stderr)
    _run([str(uv), "venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT)])
    _run([str(uv), "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode", str(LOCK)])


def _run(command: list[str]) -> None:
    environment = {**os.environ, "VIRTUAL_ENV": str(ENVIRONMENT)}
    if subprocess.run(command, env=environment, check=False).returncode:
        raise JudgeError("checkov cannot be installed: uv says why above; with the index in reach run make security")


def judge(python: Path, plans: Mapping[str, Mapping[str, Any]]) -> dict[str, Verdict]:
    """checkov's verdict on each plan, by its name. One process reads all: starting checkov is most of its time."""
    with tempfile.TemporaryDirectory(prefix="mlstack-security-") as folder:
        names = {}
        for number, (name, plan) in enumerate(plans.items()):
            names[f"/{number}.json"] = name
            (Path(folder) / f"{number}.json").write_text(json.dumps(plan), encoding="utf-8")
        flags = ["--framework", "terraform_plan", "--skip-download", "--compact", "-o", "json"]
        command = [str(python), "-m", "checkov.main", "-d", folder, *flags]
        ended = subprocess.run(command, cwd=folder, env=_secluded(folder), capture_output=True, text=True, check=False)
    # checkov ends with 1 for a failed check and for its own trouble alike: only what it printed tells them apart.
    try:
        report = json.loads(ended.stdout)
    except ValueError:
        raise JudgeError(f"checkov gave no report (exit {ended.returncode}): {ended.stderr.strip()[-2000:]}") from None
    return read(report, names, {name: len(plan["resource_changes"]) for name, plan in plans.items()})


def _secluded(home: str) -> dict[str, str]:
    """Neither our settings and credentials nor a network for checkov."""
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
    return {"PATH": os.defpath, "HOME": home, "LOG_LEVEL": "ERROR", "LC_ALL": "C.UTF-8", **proxies}


def read(report: Mapping[str, Any], names: Mapping[str, str], resources: Mapping[str, int]) -> dict[str, Verdict]:
    """Verdicts from checkov's report: `names` by file, `resources` the number declared in each plan."""
    summary = report.get("summary")
    if summary is None:
        raise JudgeError(f"checkov found no Terraform plan: {json.dumps(report)[:500]}")
    unread, seen, declared = summary["parsing_errors"], summary["resource_count"], sum(resources.values())
    if unread:
        raise JudgeError(f"checkov cannot read {unread} of {len(names)} plans")
    if seen != declared:
        raise JudgeError(f"checkov saw {seen} resources, the plans have {declared}: a verdict on a part is none")
    passed = dict.fromkeys(names.values(), 0)
    failures: dict[str, list[Failure]] = {name: [] for name in names.values()}
    for check in report["results"]["passed_checks"]:
        passed[names[check["file_path"]]] += 1
    for check in report["results"]["failed_checks"]:
        found = Failure(check["check_id"], check["resource"], check["check_name"])
        failures[names[check["file_path"]]].append(found)
    return {name: Verdict(passed[name], tuple(sorted(failures[name]))) for name in names.values()}
