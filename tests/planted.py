"""Secrets planted before a run, and the search for them in all that the run leaves behind."""

import base64
import gzip
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil

# What an operator's shell and home hold. Made up; long enough that none can turn up by chance.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDSHELL0001",
    "AWS_SECRET_ACCESS_KEY": "planted/shell+secret-access-key-0001",
    "AWS_SESSION_TOKEN": "planted-shell-session-token-0001==",
    "GITHUB_TOKEN": "ghp_plantedShellToken0001",
    "PULUMI_ACCESS_TOKEN": "pul-planted0001shell0001token0001",
    "PULUMI_CONFIG_PASSPHRASE": "planted shell passphrase 0001",
    "ZENML_STORE_API_KEY": "ZENKEY_plantedShellKey0001",
    "ZENML_STORE_URL": "https://zenml.planted.invalid",
}
HOME = {
    ".aws/credentials": "[default]\naws_access_key_id = AKIAPLANTEDHOME00001\n"
    "aws_secret_access_key = planted/home+secret-access-key-0001\n",
    ".config/zenml/credentials.yaml": "https://zenml.planted.invalid:\n  api_key: ZENKEY_plantedHomeKey0001\n",
    ".pulumi/credentials.json": '{"accessTokens": {"https://api.pulumi.com": "pul-planted0001home0001token0001"}}',
}
SECRETS = (
    *(value for name, value in ENVIRONMENT.items() if name not in ("ZENML_STORE_URL", "AWS_ACCESS_KEY_ID")),
    "planted/home+secret-access-key-0001",
    "ZENKEY_plantedHomeKey0001",
    "pul-planted0001home0001token0001",
)


def plant(home: Path) -> None:
    for name, text in HOME.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)


def found_in(data: bytes, secrets: Iterable[str]) -> list[str]:
    """The secrets that stand in the data: as they are, quoted for a URL, or in base64 at any offset."""
    return [secret for secret in secrets if any(form in data for form in _forms(secret))]


def _forms(secret: str) -> Iterator[bytes]:
    yield secret.encode()
    yield quote(secret, safe="").encode()
    for offset in range(3):
        # The characters at both ends depend on what stands beside the secret.
        coded = base64.b64encode(b"\0" * offset + secret.encode())
        yield coded[4 if offset else 0 : -4]


def found_below(folder: Path, secrets: Iterable[str]) -> dict[str, list[str]]:
    """By file, unpacked where it is gzip. Links are not followed."""
    secrets = list(secrets)
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data += _unpacked(data)
        if hits := found_in(data, secrets):
            found[str(path.relative_to(folder))] = hits
    return found


def _unpacked(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return b""


@contextmanager
def watched_command_lines() -> Iterator[set[str]]:
    """Every command line of this machine while the block runs, as far as a look every 50 ms sees them."""
    seen: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            for process in psutil.process_iter(["cmdline"]):
                seen.add(" ".join(process.info["cmdline"] or ()))
            time.sleep(0.05)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def environment_of(process: psutil.Process) -> Mapping[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
