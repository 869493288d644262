"""Jobs as real processes."""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from mlstack.local.aws.jobs import Job, JobEnd, JobHost, end_leftovers
from mlstack.local.aws.pipeline_definition import JobRequest
from mlstack.local.processes import spawn

ALLOWED = {
    *("PATH", "HOME", "TMPDIR", "LANG", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_EC2_METADATA_DISABLED", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    *("ZENML_CONFIG_PATH", "ZENML_ANALYTICS_OPT_IN", "TRAINING_JOB_NAME", "OWN"),
}


def job(root: Path, *command: str, name: str = "a-job", seconds: int = 60, **environment: str) -> Job:
    request = JobRequest(kind="Training", command=command, environment=environment, role_arn="arn", max_seconds=seconds)
    return Job(name, request, JobHost(root=root, endpoint="http://127.0.0.1:1", region="eu-west-1"))


def run(given: Job, lines: list[str] | None = None) -> JobEnd:
    return given.run("token", {"TRAINING_JOB_NAME": given.name}, (lines if lines is not None else []).extend)


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_job_sees_its_own_environment_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the operator's")
    lines: list[str] = []
    show = "import json, os, sys; print(json.dumps([dict(os.environ), os.getcwd(), sys.executable, os.listdir()]))"
    assert run(job(tmp_path, "python", "-c", show, OWN="yes", AWS_REGION="us-east-1"), lines) == JobEnd("Completed")
    environment, directory, _, files = json.loads(lines[0])
    assert environment.keys() - {"LC_CTYPE"} == ALLOWED
    assert (environment["OWN"], environment["AWS_REGION"]) == ("yes", "us-east-1")
    assert environment["HOME"] == directory != str(Path.home())
    assert environment["ZENML_CONFIG_PATH"].startswith(directory)
    assert files == []
    assert not Path(directory).exists(), "a scratch directory holds a token and must not stay"


def test_the_images_python_is_this_one(tmp_path: Path) -> None:
    lines: list[str] = []
    run(job(tmp_path, "python", "-c", "import moto, sys; print(sys.prefix)"), lines)
    import sys

    assert lines == [sys.prefix]


def test_the_output_is_kept_in_a_file_and_handed_on_by_line(tmp_path: Path) -> None:
    lines: list[str] = []
    given = job(tmp_path, "sh", "-c", "printf 'one\\ntwo'; printf ' and a half\\n\\nlast' >&2")
    run(given, lines)
    assert lines == ["one", "two and a half", "", "last"]
    assert given.log.read_text() == "one\ntwo and a half\n\nlast"


def test_a_failed_job_says_how_it_ended(tmp_path: Path) -> None:
    end = run(job(tmp_path, "sh", "-c", "echo the reason; echo; exit 3"))
    assert end == JobEnd("Failed", "AlgorithmError: exit code 3: the reason")


def test_a_command_that_does_not_exist_fails_the_job(tmp_path: Path) -> None:
    end = run(job(tmp_path, "no-such-command"))
    assert end.outcome == "Failed"
    assert "no-such-command" in (end.reason or "")


def test_a_job_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert run(job(tmp_path, "sleep", "60", seconds=1)).outcome == "Stopped"
    assert time.monotonic() - begun < 15


def test_stopping_a_job_ends_all_that_it_started(tmp_path: Path) -> None:
    given = job(tmp_path, "sh", "-c", "trap '' TERM; sleep 987 & sleep 987; wait")
    ends: list[JobEnd] = []
    thread = threading.Thread(target=lambda: ends.append(run(given)))
    thread.start()
    record = tmp_path / "jobs" / "a-job.json"
    assert eventually(record.exists)
    pid = json.loads(record.read_text())["pid"]
    assert eventually(lambda: len(psutil.Process(pid).children()) >= 1)
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    given.stop()
    thread.join(30)
    assert ends == [JobEnd("Stopped")]
    assert eventually(lambda: not any(lives(each) for each in family))
    assert not record.exists()


def test_a_job_that_cannot_be_followed_is_ended(tmp_path: Path) -> None:
    given = job(tmp_path, "sh", "-c", f"echo $$ > {tmp_path}/pid; echo hello; exec sleep 987")

    def broken(lines: list[str]) -> None:
        raise RuntimeError("no log group")

    with pytest.raises(RuntimeError, match="no log group"):
        given.run("token", {}, broken)
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_a_job_that_was_stopped_before_it_ran_does_not_run_on(tmp_path: Path) -> None:
    given = job(tmp_path, "sleep", "60")
    given.stop()
    assert run(given) == JobEnd("Stopped")


def test_jobs_of_a_killed_emulator_are_ended_by_the_next(tmp_path: Path) -> None:
    scratch = tmp_path / "jobs"
    (scratch / "work").mkdir(parents=True)
    orphan = spawn(["sleep", "987"], environment=dict(os.environ), directory=tmp_path, log=tmp_path / "log")
    orphan.write(scratch / "a-job.json")
    (scratch / "broken.json").write_text("{")
    end_leftovers(tmp_path)
    assert eventually(lambda: orphan.running() is None)
    assert not scratch.exists()
