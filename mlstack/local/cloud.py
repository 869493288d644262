"""Starts, finds and stops the embedded cloud: an AWS emulator, a ZenML server and the aws provider, all on loopback."""

import fcntl
import json
import os
import pwd
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlstack.errors import MLStackError, UsageError
from mlstack.local import environments
from mlstack.local.aws.jobs import end_leftovers
from mlstack.local.loopback import call
from mlstack.local.processes import end, write_private
from mlstack.local.servers import Place, Server, aws_server, provider_server, zenml_server
from mlstack.local.zenml_access import ADMIN, ZenMLAccess

Progress = Callable[[str], None]

ACCOUNT_ID = "123456789012"
REGION = "eu-west-1"
ZENML_PORT = "MLSTACK_ZENML_PORT"
"""Environment variable that asks for a fixed port of the ZenML server."""

# Importing ZenML's server takes 4 s alone on two cores, and half a minute when nothing of it was ever compiled.
_START_SECONDS = 180.0
_HUNG_SECONDS = 15.0
# A killed process gives its port back a moment after it counts as dead.
_FREED_SECONDS = 1.0
_LOOK_EVERY = 0.05
_NAMES = ("aws", "zenml", "provider")


@dataclass(frozen=True, kw_only=True)
class CloudState:
    """Where a running cloud is. Kept in `root/cloud.json`."""

    aws_endpoint: str
    boot_id: str
    """Changes whenever the emulator was started anew, with nothing in it."""
    provider_port: int
    zenml_url: str
    account_id: str = ACCOUNT_ID
    region: str = REGION


class Cloud:
    """The embedded cloud whose state is the directory `root`."""

    def __init__(self, root: Path, account_id: str = ACCOUNT_ID) -> None:
        """`account_id`: the account that the emulator says it is, when it is started anew."""
        self._root = root.absolute()
        self._account_id = account_id
        self._access = ZenMLAccess(self._root)

    def start(self, progress: Progress) -> CloudState:
        """Bring up whatever does not run yet, and say where it all is.

        Raises MLStackError, with the end of its log, when a server does not start; the others stay for the next try.
        """
        asked_port = _asked_port()
        self._make_root()
        with self._lock(progress):
            before = self.state()
            if before is not None and before.account_id != self._account_id:
                raise UsageError(
                    f"the embedded cloud runs already, as account {before.account_id}",
                    hint=f"mlstack local stop, and start it again with --account-id {self._account_id}",
                )
            servers, started = self._bring_up(asked_port, progress)
            aws, zenml, provider = (self._wait(server, progress, tell=server in started) for server in servers)
            if before is not None and not started:
                return before
            self._access.ensure_api_key(zenml)
            state = CloudState(
                aws_endpoint=_url(aws),
                boot_id=_boot_id(aws),
                provider_port=provider,
                zenml_url=_url(zenml),
                account_id=self._account_id,
            )
            write_private(self._state_file, json.dumps(asdict(state), indent=2))
            return state

    def stop(self, progress: Progress) -> None:
        """End the servers and every step that still runs. What ZenML and Pulumi know stays on disk."""
        if not self._root.is_dir():
            progress("the embedded cloud is not running")
            return
        self._check_owner()
        with self._lock(progress):
            places = [Place(self._root, name) for name in _NAMES]
            running = [process for place in places for process in place.running()]
            progress("stopping the embedded cloud" if running else "the embedded cloud is not running")
            end(running)
            end_leftovers(self._root)
            for images in ("builds", "registry"):
                # No emulator knows them any more, and they are large.
                shutil.rmtree(self._root / images, ignore_errors=True)
            for place in places:
                place.record.unlink(missing_ok=True)
            self._state_file.unlink(missing_ok=True)

    def state(self) -> CloudState | None:
        """None unless all of it runs."""
        try:
            state = CloudState(**json.loads(self._state_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return state if all(Place(self._root, name).recorded() for name in _NAMES) else None

    def admin_login(self) -> tuple[str, str]:
        """User and password of ZenML's dashboard."""
        return ADMIN, self._access.admin_password()

    def aws_environment(self) -> dict[str, str]:
        """What points AWS clients at the emulator, and away from every account that the user has."""
        return environments.aws(self._root, self._running().aws_endpoint, REGION)

    def aws_client(self, service: str) -> Any:
        """boto3's client of a service of the emulator."""
        import boto3

        environment = self.aws_environment()
        return boto3.Session().client(
            service,
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region_name=environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )

    def zenml_environment(self) -> dict[str, str]:
        """What makes a ZenML client one of the embedded server, without touching the user's own configuration."""
        return environments.zenml(self._root, self._running().zenml_url, self._access.api_key())

    def pulumi_environment(self, engine_bin: Path) -> dict[str, str]:
        """What the engine needs to deploy to the emulator: the embedded provider, a backend on disk, no downloads."""
        return {**self.aws_environment(), **environments.pulumi(self._root, self._running().provider_port, engine_bin)}

    @property
    def _state_file(self) -> Path:
        return self._root / "cloud.json"

    def _running(self) -> CloudState:
        state = self.state()
        if state is None:
            raise MLStackError("the embedded cloud is not running", hint="start it with `mlstack demo`")
        return state

    def _make_root(self) -> None:
        if self._root.exists():
            self._check_owner()
        try:
            for each in ("", "run", "logs", "home", "client", "pulumi", "pulumi-home"):
                directory = self._root / each
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                directory.chmod(0o700)
            write_private(environments.aws_config(self._root), "[default]\n")
        except OSError as error:
            raise MLStackError(
                f"{self._root}, the directory of the embedded cloud, cannot be used: {error.strerror}",
                hint="remove or rename what is in the way, or work in another checkout",
            ) from None

    def _check_owner(self) -> None:
        owner = self._root.stat().st_uid
        if owner != os.getuid():
            raise MLStackError(
                f"{self._root} belongs to {_user(owner)}, and you are {_user(os.getuid())}",
                hint="work in a checkout of your own, or let its owner stop the cloud and remove the directory",
            )

    @contextmanager
    def _lock(self, progress: Progress) -> Iterator[None]:
        """One start or stop at a time. Ends with the process that holds it, however that ends."""
        with (self._root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress("waiting for another mlstack that is starting or stopping the embedded cloud")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _bring_up(self, asked_port: int | None, progress: Progress) -> tuple[list[Server], list[Server]]:
        """All servers, and those that had to be started. Nothing is waited for: they load side by side.

        The emulator's socket listens before its process runs, so that the others can be told its address at once.
        """
        aws = aws_server(self._root, self._account_id, REGION)
        started = []
        port = self._reuse(aws)
        if port is None:
            progress(f"starting {aws.title}")
            port = self._start(aws, None)
            started.append(aws)
        zenml = zenml_server(self._root, _url(port), REGION)
        provider = provider_server(self._root, _url(port))
        for server, asked in ((zenml, asked_port), (provider, None)):
            known = self._reuse(server)
            if known is None or asked not in (None, known):
                progress(f"starting {server.title}")
                self._start(server, asked, listens=server is zenml)
                started.append(server)
        return [aws, zenml, provider], started

    def _reuse(self, server: Server) -> int | None:
        """The port of the server when it runs and answers, or is about to."""
        deadline = time.monotonic() + _START_SECONDS
        while server.alive() and time.monotonic() < deadline:
            if (port := server.place.port()) is not None:
                return port if _answers_soon(server, port) else None
            time.sleep(_LOOK_EVERY)
        return None

    def _start(self, server: Server, asked_port: int | None, *, listens: bool = True) -> int:
        """Start the server, on the port that it had when that is still free: others were told of it."""
        end(server.place.running())
        if not listens:
            server.start()
            return 0
        with closing(_listen(asked_port, server.place.port())) as listening:
            server.start(listening)
            port: int = listening.getsockname()[1]
            return port

    def _wait(self, server: Server, progress: Progress, *, tell: bool) -> int:
        begun = time.monotonic()
        while time.monotonic() - begun < _START_SECONDS:
            port = server.place.port()
            if port is not None and server.ready(port):
                if tell:
                    progress(f"{server.title} answers on 127.0.0.1:{port}")
                return port
            if not server.alive():
                raise server.failed("ended while it was starting")
            time.sleep(_LOOK_EVERY)
        raise server.failed(f"did not answer within {_START_SECONDS:.0f} s")


def _asked_port() -> int | None:
    asked = os.environ.get(ZENML_PORT)
    if not asked:
        return None
    if not asked.isdecimal() or not 1024 <= int(asked) <= 65535:
        raise UsageError(
            f"{ZENML_PORT} is {asked!r}: a port from 1024 to 65535", hint=f"unset {ZENML_PORT} for a free one"
        )
    return int(asked)


def _listen(asked: int | None, former: int | None) -> socket.socket:
    """A listening socket on loopback: on `asked` or not at all, else on `former` if it is free, else on any port."""
    wanted = asked if asked is not None else former
    if wanted is not None:
        deadline = time.monotonic() + _FREED_SECONDS
        while time.monotonic() < deadline:
            if (listening := _bound(wanted)) is not None:
                return listening
            time.sleep(_LOOK_EVERY)
    if asked is None and (listening := _bound(0)) is not None:
        return listening
    raise MLStackError(
        f"port {asked}, which {ZENML_PORT} asks for, is in use by another program",
        hint=f"stop that program, or unset {ZENML_PORT} to get a free port",
    )


def _bound(port: int) -> socket.socket | None:
    listening = socket.socket()
    # Connections to the former server that still time out are no reason to refuse.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except OSError:
        listening.close()
        return None
    return listening


def _answers_soon(server: Server, port: int) -> bool:
    """A server that has loaded answers soon; one that does not hangs."""
    deadline = time.monotonic() + _HUNG_SECONDS
    while not server.ready(port):
        if time.monotonic() > deadline or not server.alive():
            return False
        time.sleep(_LOOK_EVERY)
    return True


def _boot_id(port: int) -> str:
    return str(call(port, "GET", "/mlstack/boot")[1]["boot_id"])


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
