import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mlstack.errors import MLStackError
from mlstack.local.processes import ProcessRecord, end, spawn, started_with, tail, write_private


def sleeper(directory: Path, *command: str) -> ProcessRecord:
    return spawn(
        command or ("sleep", "987"),
        environment={"PATH": os.environ["PATH"]},
        directory=directory,
        log=directory / "log",
    )


def test_a_record_finds_its_process_and_no_other(tmp_path: Path) -> None:
    record = sleeper(tmp_path)
    process = record.running()
    assert process is not None
    recycled = ProcessRecord(record.pid, record.created - 60)
    assert recycled.running() is None, "a process that started at another time is another process"
    end([process])
    assert record.running() is None


def test_a_record_survives_being_written_and_read(tmp_path: Path) -> None:
    record = ProcessRecord(1, 2.5, "to test")
    record.write(tmp_path / "record.json")
    assert ProcessRecord.read(tmp_path / "record.json") == record


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', '{"pid": "x", "created": 1, "purpose": ""}'])
def test_a_broken_record_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "record.json").write_text(text)
    assert ProcessRecord.read(tmp_path / "record.json") is None


def test_a_process_gets_the_given_environment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPERATORS_OWN_SECRET", "x")
    record = spawn(
        ["env"], environment={"PATH": os.environ["PATH"], "A": "1"}, directory=tmp_path, log=tmp_path / "log"
    )
    psutil.Process(record.pid).wait(10)
    assert sorted(line.partition("=")[0] for line in (tmp_path / "log").read_text().splitlines()) == ["A", "PATH"]
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


def test_a_command_that_starts_a_process_can_be_piped_and_interrupted(tmp_path: Path) -> None:
    """As in `make demo | tee log`: the pipe must end with the command, not with what it left running."""
    program = f"""
from pathlib import Path
from mlstack.local.processes import spawn
record = spawn(["sleep", "987"], environment={{"PATH": "/usr/bin:/bin"}}, directory=Path({str(tmp_path)!r}),
               log=Path({str(tmp_path / "log")!r}))
print(record.pid, flush=True)
"""
    begun = time.monotonic()
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert time.monotonic() - begun < 30
    left = psutil.Process(int(made.stdout))
    assert os.getsid(left.pid) == left.pid, "Ctrl-C in the terminal would end it"
    end([left])


def test_ending_ends_children_too_and_insists(tmp_path: Path) -> None:
    record = sleeper(tmp_path, "sh", "-c", "trap '' TERM; sleep 987 & while true; do sleep 1; done")
    process = record.running()
    assert process is not None
    deadline = time.monotonic() + 10
    while not process.children() and time.monotonic() < deadline:
        time.sleep(0.05)
    family = [process, *process.children(recursive=True)]
    end([process], patience=1)
    assert not [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def test_a_process_is_found_by_its_command_line(tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    record = sleeper(tmp_path, "sh", "-c", "sleep 987; true", "--marked-with", mark)
    deadline = time.monotonic() + 10
    while not (found := list(started_with("--marked-with", mark))) and time.monotonic() < deadline:
        time.sleep(0.05)
    # Between fork and exec the child of a process has its command line too.
    assert record.pid in [process.pid for process in found]
    assert list(started_with("--marked-with", mark + "-not")) == []
    end(found)


def test_a_command_that_is_missing_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(MLStackError, match="no-such-command cannot be started"):
        sleeper(tmp_path, "no-such-command")


def test_a_private_file_is_private_from_the_first_moment(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"{n}\n" for n in range(40)))
    assert tail(tmp_path / "log", 2) == "38\n39"
    assert tail(tmp_path / "missing") == ""


def test_a_dead_child_is_not_running(tmp_path: Path) -> None:
    record = sleeper(tmp_path)
    os.kill(record.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while record.running() is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert record.running() is None, "a zombie, which nobody waited for, runs no more"
