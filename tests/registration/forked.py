"""Runs `mlstack` in forks of a process that has imported ZenML already; one request of a run may go wrong.

python -m tests.registration.forked   reads one JSON object a line, {"arguments": [...], "environment": {...},
"call": 3, "how": "refused"}, and answers each with {"code", "stdout", "stderr", "calls"}. The environment is the run's
whole one.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REFUSED, LOST, KILLED = "refused", "lost", "killed"
"""The server answers 500 and does nothing; it does it and the answer is lost; the run is killed right after it."""
ANSWERS = {
    "401": (401, '{"detail": ["AuthorizationException", "made up for this test"]}'),
    "403": (403, '{"detail": ["IllegalOperationError", "made up for this test"]}'),
    "404": (404, '{"detail": ["KeyError", "made up for this test"]}'),
    "409": (409, '{"detail": ["EntityExistsError", "made up for this test"]}'),
    "422": (422, '{"detail": [{"loc": ["body", "name"], "msg": "made up for this test", "type": "value_error"}]}'),
    "500": (500, '{"detail": ["RuntimeError", "made up for this test"]}'),
    "501": (501, '{"detail": ["NotImplementedError", "made up for this test"]}'),
    "html": (200, "<html><body>made up for this test</body></html>"),
    "503 in html": (503, "<html><body>made up for this test</body></html>"),
}
"""Or one of these, and does nothing."""
SLOW = "slow"
"""Or it does not answer in time."""


ROOT = Path(__file__).parents[2]


@dataclass
class Ended:
    code: int
    stdout: str
    stderr: str
    calls: list[str]


class Forked:
    """The process of this module, from outside."""

    def __init__(self, idle: Path) -> None:
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("ZENML_", "AWS_"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.registration.forked"],
            cwd=ROOT,
            # ZenML reads these where it is imported; mlstack/registration/server.py sets them before that.
            env={
                **mine,
                "ZENML_ANALYTICS_OPT_IN": "false",
                "ZENML_LOGGING_VERBOSITY": "ERROR",
                "ZENML_CONFIG_PATH": str(idle),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *arguments: str, environment: dict[str, str], call: int | None = None, how: str | None = None
    ) -> Ended:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"arguments": arguments, "environment": environment, "call": call, "how": how}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


def _inject(call: int | None, how: str | None, calls: Path) -> None:
    import requests

    send = requests.Session.request
    seen = 0

    def request(self: Any, method: str, url: str, **more: Any) -> Any:
        nonlocal seen
        seen += 1
        with calls.open("a", encoding="utf-8") as file:
            file.write(f"{method} {urlsplit(url).path}\n")
        if seen != call:
            return send(self, method, url, **more)
        if how == SLOW:
            raise requests.exceptions.ReadTimeout("made up for this test")
        if made_up := ANSWERS.get("500" if how == REFUSED else str(how)):
            answer = requests.Response()
            answer.status_code = made_up[0]
            answer.url = url
            answer._content = made_up[1].encode()
            return answer
        send(self, method, url, **more)
        if how == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        raise requests.exceptions.ConnectionError("made up for this test")

    requests.Session.request = request  # type: ignore[method-assign, assignment]


def _run(asked: dict[str, Any], folder: Path) -> dict[str, Any]:
    calls = folder / "calls"
    calls.write_text("")
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(folder / name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), number)
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = ["mlstack", *asked["arguments"]]
        _inject(asked.get("call"), asked.get("how"), calls)
        from mlstack.cli import main

        code: Any = 1
        try:
            main()
        except SystemExit as end:
            code = end.code
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 0 if code is None else 1)
    _, status = os.waitpid(child, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "stdout": (folder / "stdout").read_text(),
        "stderr": (folder / "stderr").read_text(),
        "calls": calls.read_text().split("\n")[:-1],
    }


def main() -> None:
    import zenml.integrations.aws.flavors
    import zenml.integrations.s3.flavors
    import zenml.zen_stores.rest_zen_store  # noqa: F401
    from zenml.service_connectors.service_connector_registry import service_connector_registry

    # Imports the client of Kubernetes, among others.
    service_connector_registry.register_builtin_service_connectors()

    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            print(json.dumps(_run(json.loads(line), Path(folder))), flush=True)


if __name__ == "__main__":
    main()
