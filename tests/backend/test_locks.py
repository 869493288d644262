"""Which locks may go. Processes are real ones; other machines, a restart and a CI system are said to be there."""

import getpass
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from mlstack.backend.locks import Lock, judge, locks_of
from mlstack.backend.place import Place
from mlstack.backend.store import open_store
from mlstack.errors import UsageError
from tests.backend.test_bootstrap import Aws

HERE, ME = socket.gethostname(), getpass.getuser()
NOW = datetime.now(UTC)
ID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(autouse=True)
def outside_of_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def running() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def ended() -> int:
    """Number of a process that is over."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def lock(pid: int, *, user: str = ME, host: str = HERE, since: datetime | None = None) -> Lock:
    return Lock(name="lock", pid=pid, user=user, host=host, since=since or datetime.now(UTC))


def test_ones_own_whose_process_has_ended_may_go(ended: int) -> None:
    verdict = judge(lock(ended), [])
    assert verdict.free
    assert verdict.because == f"process {ended} of {HERE} has ended"


def test_of_a_process_that_still_runs_it_stays(running: "subprocess.Popen[bytes]") -> None:
    time.sleep(0.1)
    verdict = judge(lock(running.pid), [])
    assert not verdict.free
    assert f"process {running.pid} (python" in verdict.because


def test_a_younger_process_that_got_the_number_again_holds_nothing(running: "subprocess.Popen[bytes]") -> None:
    assert judge(lock(running.pid, since=datetime.now(UTC) - timedelta(minutes=1)), []).free


def test_a_process_that_nobody_has_buried_holds_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert judge(lock(process.pid), []).free
    process.wait()


@pytest.mark.parametrize("other", [{"user": "somebody"}, {"host": "elsewhere"}])
def test_that_of_another_user_or_machine_stays_whatever_its_number(other: dict[str, Any], ended: int) -> None:
    verdict = judge(lock(ended, **other), [])
    assert not verdict.free
    assert f"it is not of {ME}@{HERE}" in verdict.because


def test_a_machine_that_was_started_anew_since_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "boot_time", lambda: (NOW - timedelta(hours=1)).timestamp())
    # Whatever has that number now.
    verdict = judge(lock(os.getpid(), since=NOW - timedelta(hours=2)), [])
    assert verdict.free
    assert "was started anew since" in verdict.because


def test_machines_of_a_ci_system_may_share_a_name_so_only_what_this_checkout_started_may_go(
    ended: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    refused = judge(lock(ended), [])
    assert not refused.free
    assert "may all be called" in refused.because
    started = [
        {"pid": pid, "host": HERE, "since": (NOW - timedelta(minutes=minutes)).isoformat()}
        for pid, minutes in ((ended + 2, 0.5), (ended, 1))
    ]
    assert judge(lock(ended), started).free, "the one since then was turned away by this lock"
    assert not judge(lock(ended + 1), started).free
    assert not judge(lock(ended, since=NOW - timedelta(minutes=2)), started).free, "that is of an earlier run"
    assert not judge(lock(ended, since=NOW + timedelta(minutes=20)), started).free, "that is of a later one"


def test_localhost_is_no_name_of_a_machine(ended: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "localhost.localdomain")
    assert not judge(lock(ended, host="localhost.localdomain"), []).free


CONTENT = {"pid": 7, "username": ME, "hostname": HERE, "timestamp": "2026-01-02T03:04:05.123456789+01:00"}


def test_locks_in_a_directory_are_those_of_the_stack_alone(tmp_path: Path) -> None:
    for stack, content in (("dev", json.dumps(CONTENT)), ("dev2", json.dumps(CONTENT)), ("prod", "of the future")):
        directory = tmp_path / ".pulumi" / "locks" / "organization" / "mlstack" / stack
        directory.mkdir(parents=True)
        (directory / f"{ID}.json").write_text(content, encoding="utf-8")
    for url, below in ((f"file://{tmp_path}", Path("/")), ("file://./state?no_tmp_dir=true", tmp_path)):
        if "state" in url:
            (tmp_path / "state").symlink_to(tmp_path)
        store = open_store(url, below)
        (found,) = locks_of(store, "mlstack", "dev")
        assert str(found) == f"{ME}@{HERE}, pid 7, since 2026-01-02 02:04:05 UTC"
    (unknown,) = locks_of(store, "mlstack", "prod")
    assert not judge(unknown, []).free, "what cannot be read stays"
    store.delete(found.name)
    assert locks_of(store, "mlstack", "dev") == []
    assert len(locks_of(store, "mlstack", "dev2")) == 1


@pytest.mark.parametrize("below", ["", "/teams/ml"])
def test_locks_in_a_bucket_with_and_without_a_path(aws: Aws, place: Place, below: str) -> None:
    s3 = aws("s3")
    s3.create_bucket(Bucket=place.names.bucket, CreateBucketConfiguration={"LocationConstraint": place.region})
    name = f".pulumi/locks/organization/mlstack/dev/{ID}.json"
    key = f"{below.strip('/')}/{name}".lstrip("/")
    s3.put_object(Bucket=place.names.bucket, Key=key, Body=json.dumps(CONTENT).encode())
    endpoint = s3.meta.endpoint_url.removeprefix("http://")
    query = f"endpoint={endpoint}&disableSSL=true&s3ForcePathStyle=true&region={place.region}&awssdk=v2"
    store = open_store(f"s3://{place.names.bucket}{below}?{query}", Path())
    (found,) = locks_of(store, "mlstack", "dev")
    assert (found.name, found.pid) == (name, 7)
    store.delete(found.name)
    assert "Contents" not in s3.list_objects_v2(Bucket=place.names.bucket)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://app.pulumi.com/acme", "is Pulumi Cloud"),
        ("gs://bucket", "locks of a backend gs://"),
        ("s3://bucket?role=arn:aws:iam::123456789012:role/state", "names a role"),
    ],
)
def test_where_locks_are_kept_in_another_way_it_says_what_to_use(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        open_store(url, Path())
    assert "pulumi cancel" in str(refused.value) or "AWS_PROFILE" in str(refused.value)
