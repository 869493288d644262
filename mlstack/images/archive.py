"""One stream of bytes for a context: equal contexts are equal bytes, wherever and by whomever they are packed.

A tar with names, contents and whether a file is executable, and nothing else of the machine: sorted, owned by root,
of one time. It travels in a zip, the form that CodeBuild takes from S3, stored: it is read once, near where it lies.
"""

import hashlib
import io
import stat
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlstack.errors import MLStackError
from mlstack.images.context import Context, Entry

# 2000-01-01. Not 0: a wheel cannot hold anything from before 1980, and building one in an image would fail.
_TIME = 946_684_800
_ZIP_DATE = (2000 - 1980) << 9 | 1 << 5 | 1
_CHUNK = 1 << 20
_BLOCK = tarfile.BLOCKSIZE
TAR, DOCKERFILE = "context.tar", "Dockerfile"
"""The two members of the zip. The Dockerfile may lie outside of the context, or be left out of it."""


class ChangedError(MLStackError):
    """A file changed while the context was read."""


@dataclass(frozen=True)
class Packed:
    """What is known of a context once it was read through."""

    context: Context
    dockerfile: bytes
    digest: str
    """SHA-256 of the tar, in hexadecimal digits."""
    tar_size: int
    crc: int

    @property
    def content(self) -> str:
        """Of all that decides what a build does: the tar and the Dockerfile. Hexadecimal."""
        return hashlib.sha256(self.digest.encode() + b"\0" + self.dockerfile).hexdigest()

    def zip_stream(self) -> "ZipStream":
        return ZipStream(self)


def pack(context: Context) -> Packed:
    """Read all of it once, holding no more than a piece. Raises ChangedError."""
    digest, crc, size = hashlib.sha256(), 0, 0
    for chunk in tar_chunks(context):
        digest.update(chunk)
        crc = zlib.crc32(chunk, crc)
        size += len(chunk)
    return Packed(context, context.dockerfile.read_bytes(), digest.hexdigest(), size, crc)


def tar_chunks(context: Context) -> Iterator[bytes]:
    for entry in context.entries:
        yield _header(entry)
        if stat.S_ISREG(entry.mode):
            yield from _contents(entry)
            yield bytes(-entry.size % _BLOCK)
    yield bytes(2 * _BLOCK)


def unpack(context: Context, directory: Path) -> None:
    """Lay the context out as a build sees it: as the tar says, in a directory that is empty."""
    stream = _Reader(tar_chunks(context))
    with tarfile.open(fileobj=io.BufferedReader(stream, _CHUNK), mode="r|") as tar:
        # Written a moment ago, from entries that were checked.
        tar.extractall(directory, filter=lambda member, _: member)  # noqa: S202


def _header(entry: Entry) -> bytes:
    info = tarfile.TarInfo(entry.path)
    info.mtime = _TIME
    if stat.S_ISDIR(entry.mode):
        info.type, info.mode = tarfile.DIRTYPE, 0o755
    elif stat.S_ISLNK(entry.mode):
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, entry.target
    else:
        info.size, info.mode = entry.size, 0o755 if entry.mode & stat.S_IXUSR else 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _contents(entry: Entry) -> Iterator[bytes]:
    left = entry.size
    try:
        with entry.source.open("rb", buffering=0) as file:
            while left > 0 and (chunk := file.read(min(left, _CHUNK))):
                left -= len(chunk)
                yield chunk
            grown = not left and file.read(1)
    except OSError as error:
        raise ChangedError(f"{entry.path} cannot be read any more: {error.strerror}", hint="run it again") from None
    if left or grown:
        raise ChangedError(f"{entry.path} changed while it was read", hint="let it be written first, and run it again")


class _Reader(io.RawIOBase):
    """Chunks as a file that can be read and not be sought in."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        length = min(len(buffer), len(self._rest))
        buffer[:length] = self._rest[:length]
        self._rest = self._rest[length:]
        return length


class ZipStream(io.BufferedReader):
    """The zip as a file to upload. Raises ChangedError at its end when the context is not what it was when packed."""

    def __init__(self, packed: Packed) -> None:
        super().__init__(_Reader(_zip_chunks(packed)), _CHUNK)

    def seekable(self) -> bool:
        return False


def zip_size(packed: Packed) -> int:
    """Bytes of the zip."""
    around = sum(len(chunk) for chunk in _zip_frame(packed))
    return around + packed.tar_size + len(packed.dockerfile)


def _zip_chunks(packed: Packed) -> Iterator[bytes]:
    dockerfile, tar, end = _zip_frame(packed)
    yield dockerfile + packed.dockerfile + tar
    digest = hashlib.sha256()
    for chunk in tar_chunks(packed.context):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != packed.digest:
        raise ChangedError("the context changed while it was uploaded", hint="run it again")
    yield end


def _zip_frame(packed: Packed) -> tuple[bytes, bytes, bytes]:
    """The header before each of the two members, and the directory at the end.

    All sizes are known beforehand and stand in front: a reader that cannot seek finds its way too.
    https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.
    """
    headers, directory, offset = [], b"", 0
    for name, size, crc in (
        (DOCKERFILE, len(packed.dockerfile), zlib.crc32(packed.dockerfile)),
        (TAR, packed.tar_size, packed.crc),
    ):
        about = struct.pack("<HHHHHLLLHH", 20, 0, 0, 0, _ZIP_DATE, crc, size, size, len(name), 0)
        header = b"PK\3\4" + about + name.encode()
        made_on_unix, mode = 3 << 8 | 20, (stat.S_IFREG | 0o644) << 16
        directory += b"PK\1\2" + struct.pack("<H", made_on_unix) + about
        directory += struct.pack("<HHHLL", 0, 0, 0, mode, offset) + name.encode()
        headers.append(header)
        offset += len(header) + size
    end = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 2, 2, len(directory), offset, 0)
    return headers[0], headers[1], directory + end
