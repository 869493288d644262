"""The supervisor, with the real servers. Only these tests end servers of the shared cloud, and they mend it again."""

import dataclasses
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from mlstack import local
from mlstack.errors import MLStackError, UsageError
from mlstack.local.aws.inventory import inventory
from mlstack.local.cloud import ZENML_PORT, Cloud, CloudState
from mlstack.local.processes import ProcessRecord
from mlstack.local.servers import Place, Server, aws_server, provider_server
from mlstack.local.zenml_access import login, rest


def root_of(cloud: Cloud) -> Path:
    return cloud._root


def process_of(cloud: Cloud, name: str) -> psutil.Process:
    record = ProcessRecord.read(Place(root_of(cloud), name).record)
    process = record.running() if record else None
    assert process is not None, f"{name} is not running"
    return process


def pids(cloud: Cloud) -> dict[str, int]:
    return {name: process_of(cloud, name).pid for name in ("aws", "zenml", "provider")}


def start(cloud: Cloud) -> tuple[CloudState, list[str]]:
    said: list[str] = []
    return cloud.start(said.append), said


def test_a_second_start_changes_nothing(cloud: Cloud) -> None:
    before, running = cloud.state(), pids(cloud)
    written = (root_of(cloud) / "cloud.json").stat().st_mtime_ns
    begun = time.monotonic()
    state, said = start(cloud)
    assert (root_of(cloud) / "cloud.json").stat().st_mtime_ns == written
    assert (state, pids(cloud), said) == (before, running, [])
    assert time.monotonic() - begun < 3, "a start with nothing to do took more than 3 s"


def test_it_is_one_account_at_a_time_and_says_which(cloud: Cloud) -> None:
    state = cloud.state()
    with pytest.raises(UsageError, match="runs already, as account 123456789012"):
        Cloud(cloud._root, "210987654321").start(print)
    assert cloud.state() == state


def test_the_emulator_holds_nothing_but_the_identity_of_the_zenml_server(cloud: Cloud) -> None:
    state = cloud.state()
    assert state is not None
    users = [each.arn for each in inventory(state.aws_endpoint) if each.kind == "user"]
    assert users == [f"arn:aws:iam::{state.account_id}:user/zenml-server"]


def test_zenml_accepts_the_key_and_the_administrator(cloud: Cloud) -> None:
    state = cloud.state()
    assert state is not None
    port = int(state.zenml_url.rpartition(":")[2])
    token = login(port, {"password": cloud.zenml_environment()["ZENML_STORE_API_KEY"]})
    assert token is not None
    assert rest(port, "GET", "/api/v1/current-user", token)["body"]["is_service_account"]
    user, password = cloud.admin_login()
    assert login(port, {"username": user, "password": password}) is not None
    assert login(port, {"username": user, "password": password + "x"}) is None


def test_secrets_are_files_of_this_user_only(cloud: Cloud) -> None:
    root = root_of(cloud)
    secrets = [*(root / "zenml" / name for name in ("admin-password", "jwt-key", "api-key"))]
    for file in [*secrets, root / "aws" / "zenml-server.credentials", root / "cloud.json"]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, f"{file.name} can be read by others"
    for directory in (root, root / "zenml", root / "aws", root / "run", root / "logs"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700, f"{directory} is open to others"
    told = "".join(log.read_text() for log in (root / "logs").glob("*.log"))
    told += "".join(" ".join(process_of(cloud, name).cmdline()) for name in pids(cloud))
    for file in secrets:
        assert file.read_text() not in told, f"{file.name} is in a log or a command line"


@pytest.mark.parametrize("name", ["aws", "zenml", "provider"])
def test_the_operators_environment_does_not_reach_the_servers(cloud: Cloud, name: str) -> None:
    environment = process_of(cloud, name).environ()
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert not [key for key in environment if key.startswith("PYTEST")]
    assert environment["HOME"] == str(root_of(cloud) / "home")


def test_clients_are_pointed_at_this_cloud_alone(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet")
    state = cloud.state()
    assert state is not None
    environment = cloud.pulumi_environment(Path("/engine/bin"))
    assert environment["PULUMI_DEBUG_PROVIDERS"] == f"aws:{state.provider_port}"
    assert environment["PULUMI_BACKEND_URL"] == f"file://{root_of(cloud)}/pulumi"
    assert (root_of(cloud) / "pulumi").is_dir()
    assert environment["PATH"].split(":")[:2] == ["/engine/bin", str(Path(sys.executable).parent)]
    assert environment["AWS_ENDPOINT_URL"] == state.aws_endpoint
    assert environment["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert cloud.zenml_environment()["ZENML_CONFIG_PATH"].startswith(str(root_of(cloud)))


def test_aws_clients_ignore_the_users_own_profile_and_token(cloud: Cloud) -> None:
    users = {"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "real", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    made = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **users, **cloud.aws_environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.stdout.startswith("123456789012"), made.stderr


@pytest.mark.parametrize("name", ["aws", "zenml", "provider"])
def test_a_killed_server_is_started_again_and_the_others_are_left_alone(cloud: Cloud, name: str) -> None:
    before, running = cloud.state(), pids(cloud)
    process_of(cloud, name).kill()
    deadline = time.monotonic() + 10
    while cloud.state() is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert cloud.state() is None, "a cloud with a dead server does not count as running"
    state, said = start(cloud)
    assert before is not None
    now = pids(cloud)
    assert {each for each in now if now[each] != running[each]} == {name}
    assert (state.aws_endpoint, state.zenml_url) == (before.aws_endpoint, before.zenml_url), (
        "addresses were told already"
    )
    assert (state.boot_id != before.boot_id) == (name == "aws")
    assert len(said) == 2, said


def test_a_server_of_yesterdays_program_is_not_taken_for_todays(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After an update of this checkout a provider that still runs would not know the new resource types."""
    server = provider_server(root_of(cloud), "http://127.0.0.1:1")
    assert {"types/s3_settings.py", "operations.py", "../../iam/policy.py"} <= {
        os.path.relpath(file, Path(local.__file__).parent / "provider") for file in server.sources()
    }
    changed = tmp_path / "types.py"
    changed.write_text("# changed")
    before = server.purpose
    monkeypatch.setattr(Server, "sources", lambda _: [changed])
    assert provider_server(root_of(cloud), "http://127.0.0.1:1").purpose != before


def test_a_hung_server_is_replaced(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlstack.local import cloud as supervisor

    monkeypatch.setattr(supervisor, "_HUNG_SECONDS", 1.0)
    hung = process_of(cloud, "provider")
    aws = process_of(cloud, "aws")
    aws.suspend()
    start(cloud)
    assert not aws.is_running()
    assert hung.is_running(), "the provider was told the emulator's address, which is still the same"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"aws_endpoint": 1, "what": 2}'])
def test_a_broken_state_file_is_written_anew(cloud: Cloud, text: str) -> None:
    before, running = cloud.state(), pids(cloud)
    (root_of(cloud) / "cloud.json").write_text(text)
    assert cloud.state() is None
    state, _ = start(cloud)
    assert (state, pids(cloud)) == (before, running)


def test_lost_records_do_not_leave_servers_behind(cloud: Cloud) -> None:
    lost = [process_of(cloud, name) for name in ("aws", "provider")]
    for name in ("aws", "provider"):
        Place(root_of(cloud), name).record.write_text("{broken")
    start(cloud)
    assert not [process for process in lost if process.is_running()]


def test_a_lost_key_is_made_again(cloud: Cloud) -> None:
    key = root_of(cloud) / "zenml" / "api-key"
    former = key.read_text()
    key.write_text("ZENKEY_broken")
    (root_of(cloud) / "cloud.json").unlink()
    start(cloud)
    assert key.read_text() not in (former, "ZENKEY_broken")
    test_zenml_accepts_the_key_and_the_administrator(cloud)


def test_two_starts_at_once_are_one_after_the_other(cloud: Cloud) -> None:
    said: list[str] = []
    with cloud._lock(said.append):
        second = threading.Thread(target=lambda: Cloud(root_of(cloud)).start(said.append))
        second.start()
        deadline = time.monotonic() + 10
        while not said and time.monotonic() < deadline:
            time.sleep(0.02)
        assert said == ["waiting for another mlstack that is starting or stopping the embedded cloud"]
        assert second.is_alive()
    second.join(60)
    assert not second.is_alive()


def test_a_copied_directory_does_not_own_the_originals_servers(cloud: Cloud, tmp_path: Path) -> None:
    running = pids(cloud)
    copy = tmp_path / "copy"
    shutil.copytree(root_of(cloud), copy, ignore=shutil.ignore_patterns("jobs", "pulumi*", "zenml"))
    assert Cloud(copy).state() is None
    Cloud(copy).stop(print)
    assert pids(cloud) == running


def test_stop_ends_all_of_ours_and_nothing_else(cloud: Cloud, tmp_path: Path) -> None:
    ours = [process_of(cloud, name) for name in ("aws", "zenml", "provider")]
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "-m", "mlstack.local.aws"])
    recycled = ProcessRecord.of(psutil.Process(other.pid))
    Place(root_of(cloud), "aws").record.write_text(json.dumps({"pid": recycled.pid, "created": 1.0, "purpose": ""}))
    said: list[str] = []
    cloud.stop(said.append)
    assert not [process for process in ours if process.is_running()]
    assert other.poll() is None, "a process that only has a number in common was ended"
    other.kill()
    other.wait()
    assert cloud.state() is None
    assert said == ["stopping the embedded cloud"]
    cloud.stop(said.append)
    assert said[1:] == ["the embedded cloud is not running"]
    with pytest.raises(MLStackError, match="not running"):
        cloud.aws_environment()
    former = (root_of(cloud) / "zenml" / "api-key").read_text()
    start(cloud)
    assert (root_of(cloud) / "zenml" / "api-key").read_text() == former, "the service account outlives a restart"


def test_servers_whose_directory_was_removed_end(tmp_path: Path) -> None:
    """As after `make clean`: no later command could find them."""
    cloud = Cloud(tmp_path / ".mlstack")
    start(cloud)
    servers = [process_of(cloud, name) for name in ("aws", "zenml", "provider")]
    shutil.rmtree(tmp_path / ".mlstack")
    _, alive = psutil.wait_procs(servers, timeout=20)
    assert alive == []


def test_a_start_that_was_interrupted_is_gone_on_with(tmp_path: Path) -> None:
    root = tmp_path / ".mlstack"
    program = (
        f"from pathlib import Path; from mlstack.local.cloud import Cloud; Cloud(Path({str(root)!r})).start(print)"
    )
    first = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert "AWS" in first.stdout.readline()
    while ProcessRecord.read(Place(root, "zenml").record) is None:
        time.sleep(0.02)
    first.kill()
    first.wait()
    cloud = Cloud(root)
    interrupted = process_of(cloud, "zenml").pid
    try:
        start(cloud)
        assert process_of(cloud, "zenml").pid == interrupted
    finally:
        cloud.stop(print)


def test_a_port_that_is_taken_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv(ZENML_PORT, str(port))
        cloud = Cloud(tmp_path / ".mlstack")
        try:
            with pytest.raises(MLStackError, match=f"port {port}, which {ZENML_PORT} asks for, is in use"):
                start(cloud)
        finally:
            cloud.stop(print)


def test_a_fixed_port_moves_a_running_zenml_and_nothing_else(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    running = pids(cloud)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv(ZENML_PORT, str(port))
    state, _ = start(cloud)
    assert state.zenml_url == f"http://127.0.0.1:{port}"
    now = pids(cloud)
    assert {name for name in now if now[name] != running[name]} == {"zenml"}
    monkeypatch.delenv(ZENML_PORT)
    assert start(cloud) == (state, []), "a port that suits is kept when nobody asks for it any more"


@pytest.mark.parametrize("value", ["zenml", "80", "65536", "-1", "8080.5"])
def test_a_port_that_is_none_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(ZENML_PORT, value)
    with pytest.raises(UsageError, match=f"{ZENML_PORT} is '{value}'"):
        start(Cloud(tmp_path / ".mlstack"))
    assert not (tmp_path / ".mlstack").exists()


def test_a_server_that_ends_shows_the_end_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlstack.local import cloud as supervisor

    def broken(root: Path, account_id: str, region: str) -> Server:
        server = aws_server(root, account_id, region)
        return dataclasses.replace(server, arguments=(*server.arguments, "--no-such-option"))

    monkeypatch.setattr(supervisor, "aws_server", broken)
    cloud = Cloud(tmp_path / ".mlstack")
    try:
        with pytest.raises(MLStackError, match="the AWS emulator ended while it was starting") as failure:
            start(cloud)
        assert "unrecognized arguments: --no-such-option" in failure.value.message
        assert "aws.log" in str(failure.value.hint)
    finally:
        cloud.stop(print)


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    root = tmp_path / ".mlstack"
    root.mkdir()
    if os.getuid() != 0:
        pytest.skip("only root can give a directory away")
    os.chown(root, 12345, -1)
    with pytest.raises(MLStackError, match="belongs to user 12345"):
        start(Cloud(root))
    with pytest.raises(MLStackError, match="belongs to user 12345"):
        Cloud(root).stop(print)
    assert list(root.iterdir()) == []


def test_a_file_in_the_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / ".mlstack").write_text("")
    with pytest.raises(MLStackError, match="cannot be used"):
        start(Cloud(tmp_path / ".mlstack"))


def test_stopping_what_never_ran_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    Cloud(tmp_path / ".mlstack").stop(said.append)
    assert said == ["the embedded cloud is not running"]
    assert not (tmp_path / ".mlstack").exists()
