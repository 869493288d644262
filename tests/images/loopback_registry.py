"""A real registry on loopback with one image in it, as anybody may pull it."""

import hashlib
import io
import json
import socket
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.images.packages import install

KIND = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class LoopbackRegistry:
    host: str

    def push(self, name: str, tag: str, content: str, files: Mapping[str, bytes] | None = None) -> str:
        """An image whose configuration holds `content`, with one layer of `files` if there are any; its digest."""
        layers = [_tar(files)] if files else []
        diffs = {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]}
        described = {"architecture": "amd64", "os": "linux", "author": content, "rootfs": diffs}
        config = json.dumps(described).encode()
        document = {
            "schemaVersion": 2,
            "mediaType": KIND,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(config),
                "digest": self._blob(name, config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.docker.image.rootfs.diff.tar",
                    "size": len(layer),
                    "digest": self._blob(name, layer),
                }
                for layer in layers
            ],
        }
        manifest = json.dumps(document).encode()
        self._send("PUT", f"/v2/{name}/manifests/{tag}", manifest, KIND)
        return _digest(manifest)

    def _blob(self, name: str, content: bytes) -> str:
        digest = _digest(content)
        place = self._send("POST", f"/v2/{name}/blobs/uploads/", b"", "application/octet-stream")
        sign = "&" if "?" in place else "?"
        self._send("PUT", f"{place}{sign}digest={digest}", content, "application/octet-stream")
        return digest

    def _send(self, method: str, place: str, body: bytes, kind: str) -> str:
        url = place if place.startswith("http://") else f"http://{self.host}{place}"
        request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.headers.get("Location", ""))


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _tar(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return written.getvalue()


@contextmanager
def running(directory: Path) -> Iterator[LoopbackRegistry]:
    install()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = directory / "registry.yml"
    configuration.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {directory / 'data'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "docker-registry does not answer"
                assert process.poll() is None, "docker-registry ended"
                time.sleep(0.05)
        yield LoopbackRegistry(f"127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)
