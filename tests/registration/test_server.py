"""A server that is not there, not ZenML, or does not let us in: one message each, nothing changed."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mlstack.registration.server import ServerError, connection
from tests.components.stacks import program
from tests.recording import record

KEY = "ZENKEY_of-the-test"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user who never logged in anywhere."""
    for name in list(os.environ):
        if name.startswith("ZENML_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))


def refused(monkeypatch: pytest.MonkeyPatch, url: str) -> str:
    monkeypatch.setenv("ZENML_STORE_URL", url)
    monkeypatch.setenv("ZENML_STORE_API_KEY", KEY)
    with pytest.raises(ServerError) as error, connection():
        pass
    assert KEY not in str(error.value)
    assert error.value.hint
    return str(error.value)


@contextmanager
def answering(status: int, body: str, *, content: str = "application/json", after: float = 0) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(after)
            self.send_response(status)
            self.send_header("Content-Type", content)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_closed_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    assert f"the ZenML server {url} refuses connections" in refused(monkeypatch, url)


def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "has a name that cannot be resolved" in refused(monkeypatch, "https://zenml.invalid")


def test_a_slow_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSTACK_SERVER_TIMEOUT", "0.3")
    with answering(200, "{}", after=2) as url:
        assert "did not answer within 0 s" in refused(monkeypatch, url)


def test_a_page_of_html(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, "<html>hello</html>", content="text/html") as url:
        assert "answers, but not like a ZenML server" in refused(monkeypatch, url)


def test_json_of_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, '["hello"]') as url:
        assert "answers, but not like a ZenML server" in refused(monkeypatch, url)


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_an_error(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with answering(status, "{}") as url:
        assert f"{url} answers {status}" in refused(monkeypatch, url)


def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not the address of a ZenML server" in refused(monkeypatch, "sqlite:///zenml.db")


def test_credentials_in_an_address_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hunter2" not in refused(monkeypatch, "http://user:hunter2@127.0.0.1:9")


def test_an_address_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENML_STORE_URL", "https://zenml.example.com")
    with pytest.raises(ServerError, match="there is no key for it"), connection():
        pass


def test_nobody_logged_in_anywhere() -> None:
    with pytest.raises(ServerError, match="the one you are logged in to is none") as error, connection():
        pass
    assert "ZENML_STORE_URL" in str(error.value)
    assert "zenml login" in str(error.value)


def test_a_login_to_the_local_database_only(tmp_path: Path) -> None:
    (tmp_path / "zenml").mkdir()
    (tmp_path / "zenml" / "config.yaml").write_text("store:\n  type: sql\n  url: sqlite:///x.db\n")
    with pytest.raises(ServerError, match="is only ZenML's local database"), connection():
        pass


def test_a_login_is_copied_read_and_left_as_it_was(tmp_path: Path) -> None:
    own = tmp_path / "zenml"
    own.mkdir()
    with answering(200, '{"version": "0.98.0"}') as url:
        written = {"config.yaml": f"store:\n  type: rest\n  url: {url}\n", "credentials.yaml": f"token: {KEY}\n"}
        for name, text in written.items():
            (own / name).write_text(text)
        with connection() as server:
            copy = Path(os.environ["ZENML_CONFIG_PATH"])
            assert server.url == url
            assert copy != own
            assert (copy / "credentials.yaml").read_text() == written["credentials.yaml"]
            assert copy.stat().st_mode & 0o077 == 0
    assert not copy.exists(), "a copy of the credentials is left behind"
    assert {file.name: file.read_text() for file in own.iterdir()} == written
    assert os.environ["ZENML_CONFIG_PATH"] == str(own)


def test_the_directory_is_deleted_however_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, '{"version": "0.98.0"}') as url:
        monkeypatch.setenv("ZENML_STORE_URL", url)
        monkeypatch.setenv("ZENML_STORE_API_KEY", KEY)
        with pytest.raises(KeyboardInterrupt), connection():
            directory = Path(os.environ["ZENML_CONFIG_PATH"])
            (directory / "credentials.yaml").write_text(KEY)
            raise KeyboardInterrupt
        assert not directory.exists()


def test_what_a_killed_run_left_is_deleted_by_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen(["true"])
    dead.wait()
    killed, alive = tmp_path / f"mlstack-zenml-{dead.pid}-x", tmp_path / f"mlstack-zenml-{os.getpid()}-x"
    for directory in (killed, alive):
        directory.mkdir()
    refused(monkeypatch, "http://127.0.0.1:1")
    assert not killed.exists()
    assert alive.exists()


def test_on_the_command_line_it_is_one_message_and_exit_code_1(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(record(program()).of("MLStack").outputs[0]["contract"])
    environment = {**os.environ, "ZENML_STORE_URL": "http://127.0.0.1:9", "ZENML_STORE_API_KEY": KEY}
    done = subprocess.run(
        [sys.executable, "-m", "mlstack", "register", "--outputs", str(outputs)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: the ZenML server http://127.0.0.1:9 refuses connections")
    assert len(done.stderr.strip().splitlines()) == 2
    assert done.stdout == ""
