"""Where the contract comes from, and what is said when there is none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlstack.errors import MLStackError, UsageError
from mlstack.registration.source import load, read
from tests.components.stacks import program
from tests.recording import record


@pytest.fixture(scope="module")
def contract() -> str:
    text: str = record(program()).of("MLStack").outputs[0]["contract"]
    return text


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project directory, and a `pulumi` that says what the test wants."""
    (tmp_path / "Pulumi.yaml").write_text("name: mlstack\n")
    (tmp_path / "bin").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path / "bin" / "pulumi"


def says(pulumi: Path, body: str) -> None:
    pulumi.write_text(f"#!/bin/sh\n{body}\n")
    pulumi.chmod(0o755)


def test_a_file(tmp_path: Path, contract: str) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(contract)
    assert load(None, str(file)).stack.name == "mlstack-dev"


def test_a_stack_is_asked_for_by_its_name(pulumi: Path, contract: str, tmp_path: Path) -> None:
    (tmp_path / "contract").write_text(contract)
    says(pulumi, f'echo "$@" > {tmp_path}/asked; cat {tmp_path}/contract')
    assert load("dev", None).environment == "dev"
    asked = (tmp_path / "asked").read_text()
    assert asked.split() == ["stack", "output", "mlstack", "--json", "--stack", "dev", "--non-interactive"]


def test_the_contract_of_another_environment_is_refused(pulumi: Path, contract: str, tmp_path: Path) -> None:
    (tmp_path / "contract").write_text(contract)
    says(pulumi, f"cat {tmp_path}/contract")
    assert load("organization/mlstack/dev", None).environment == "dev"
    with pytest.raises(MLStackError, match="stack prod holds the contract of environment dev"):
        load("prod", None)


def test_two_sources_at_once_are_refused() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        load("dev", "outputs.json")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.json cannot be read: No such file or directory"):
        load(None, str(tmp_path / "nowhere.json"))


def test_no_pulumi(pulumi: Path) -> None:
    with pytest.raises(MLStackError, match="there is no `pulumi` on PATH") as error:
        load("dev", None)
    assert "--outputs FILE" in str(error.value)


def test_not_in_a_project(pulumi: Path, tmp_path: Path) -> None:
    says(pulumi, "exit 0")
    (tmp_path / "Pulumi.yaml").unlink()
    with pytest.raises(UsageError, match=r"there is no Pulumi\.yaml in"):
        load("dev", None)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            "echo \"error: current stack does not have output property 'mlstack'\" >&2; exit 1",
            "has no `mlstack` output",
        ),
        ("echo \"error: no stack named 'dev' found\" >&2; exit 1", "no stack named 'dev' found"),
        ("echo 'error: PULUMI_ACCESS_TOKEN must be set for login' >&2; exit 1", "PULUMI_ACCESS_TOKEN must be set"),
        ("exit 1", "pulumi stack output: failed"),
    ],
)
def test_what_pulumi_says_no_with_is_passed_on_with_a_way_out(pulumi: Path, answer: str, said: str) -> None:
    says(pulumi, answer)
    with pytest.raises(MLStackError) as error:
        load("dev", None)
    assert said in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("not json", 1, "standard input is not JSON"),
        ('{"schema_version": 3}', 1, "schema_version 3; this mlstack reads up to 2"),
        ('{"bucket": "b"}', 1, "standard input holds no `mlstack` output"),
        (
            json.dumps({"schema_version": 1, "stack": {"name": "n" * 256, "description": ""}}),
            1,
            "stack.name: String should have at most 255 characters",
        ),
    ],
)
def test_on_the_command_line_it_is_one_message_before_anything_else(text: str, code: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlstack", "register", "--outputs", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert said in done.stderr
    assert "connecting" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def with_key() -> str:
    text: str = record(program({"mlstack:connector": '{"auth": "iam-role"}'})).of("MLStack").outputs[0]["contract"]
    return text


KEY = '{"access_key_id": "AKIAOFTHETEST", "secret_access_key": "hunter2", "generation": 1, "generations": [1]}'


def test_the_key_is_asked_for_alone_and_only_when_the_contract_needs_one(
    pulumi: Path, contract: str, with_key: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(json.dumps(KEY))
    body = (
        f'echo "$@" >> {tmp_path}/asked; case "$3" in mlstack) cat {tmp_path}/contract;; *) cat {tmp_path}/key;; esac'
    )
    says(pulumi, body)
    (tmp_path / "contract").write_text(contract)
    assert read("dev", None).key() is None
    assert "show-secrets" not in (tmp_path / "asked").read_text()

    (tmp_path / "contract").write_text(with_key)
    key = read("dev", None).key()
    assert key is not None
    assert key.secret_access_key.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{key} {key!r}"
    assert (tmp_path / "asked").read_text().splitlines()[-1].split() == [
        *("stack", "output", "connector_key", "--json", "--show-secrets"),
        *("--stack", "dev", "--non-interactive"),
    ]


def test_a_key_that_cannot_be_decrypted_is_the_engines_message(pulumi: Path, with_key: str, tmp_path: Path) -> None:
    (tmp_path / "contract").write_text(with_key)
    refusal = "error: get stack outputs: passphrase must be set with PULUMI_CONFIG_PASSPHRASE"
    says(pulumi, f'[ "$3" = mlstack ] && exec cat {tmp_path}/contract; echo "{refusal}" >&2; exit 1')
    with pytest.raises(MLStackError, match="passphrase must be set with PULUMI_CONFIG_PASSPHRASE") as refused:
        read("dev", None).key()
    assert "the passphrase, or the right to use the KMS key" in str(refused.value)


def test_the_stacks_own_key_is_not_the_one_of_the_environment(
    with_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({"mlstack": with_key, "connector_key": KEY}))
    monkeypatch.setenv("MLSTACK_CONNECTOR_KEY_ID", "AKIAOFANOTHER")
    monkeypatch.setenv("MLSTACK_CONNECTOR_SECRET", "of another")
    told = read(None, str(file))
    assert [key.access_key_id for key in (told.key(), told.key(own=True)) if key] == ["AKIAOFANOTHER", "AKIAOFTHETEST"]
