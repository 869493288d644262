"""The registry itself, Debian's `docker-registry` as a process, and a certificate for the name it is served under."""

import json
import secrets
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from mlstack.local.processes import ProcessRecord, tail, write_private

_START_SECONDS = 20.0


class RegistryProcess:
    """One process, empty at its start: moto knows no image of an earlier one."""

    def __init__(self, root: Path) -> None:
        """Raises OSError when it does not start."""
        self._root = root
        self.port = 0
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._record = root / "process.json"
        if (left := ProcessRecord.read(self._record)) is not None and (running := left.running()) is not None:
            running.kill()
        shutil.rmtree(root / "images", ignore_errors=True)
        self._process = self._start()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._record.unlink(missing_ok=True)

    def _start(self) -> "subprocess.Popen[bytes]":
        log = self._root / "log"
        for _ in range(5):  # somebody else may take the port first
            self.port = _free_port()
            process = self._run(log)
            ProcessRecord.of(psutil.Process(process.pid)).write(self._record)
            deadline = time.monotonic() + _START_SECONDS
            while process.poll() is None and time.monotonic() < deadline:
                if _listens(self.port):
                    return process
                time.sleep(0.05)
            process.kill()
            process.wait()
        raise OSError(f"docker-registry does not start: {tail(log, 5)}")

    def _run(self, log: Path) -> "subprocess.Popen[bytes]":
        configuration = self._root / "config.yml"
        configuration.write_text(
            json.dumps(
                {
                    "version": 0.1,
                    "log": {"level": "warn"},
                    "storage": {"filesystem": {"rootdirectory": str(self._root / "images")}},
                    "http": {
                        "addr": f"127.0.0.1:{self.port}",
                        # Without the host, so that a client goes on through the proxy.
                        "relativeurls": True,
                        "secret": secrets.token_hex(),
                    },
                }
            )
        )
        with log.open("ab") as output:
            return subprocess.Popen(
                ["docker-registry", "serve", str(configuration)],
                env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


def make_certificate(host: str, certificate: Path, key: Path) -> None:
    """Signed by itself, for a day's work on loopback."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    # The common name of a certificate is at most 64 characters long.
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "MLStack embedded registry")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    write_private(
        key,
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
