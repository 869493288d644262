"""What a build sees: the files of a directory that `.dockerignore` leaves in, checked before anything is sent."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlstack.errors import UsageError
from mlstack.images.ignore import Ignore
from mlstack.images.suspicious import HEAD, suspicious_content, suspicious_name

MOST = 4_000_000_000
"""Bytes. A zip holds four gigabytes, without an extension that not every reader knows."""
LIMIT = 1_000_000_000
"""Bytes. Above it a context holds data or an environment by mistake more often than on purpose."""
_SHOWN = 8
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B?", re.IGNORECASE)
_POWERS = ("", "k", "m", "g", "t")


@dataclass(frozen=True)
class Entry:
    """A file, directory or symbolic link of the context."""

    path: str
    """Relative to the context, with slashes."""
    source: Path
    mode: int
    """Of `stat`, type and permissions."""
    size: int = 0
    target: str = ""
    """Of a symbolic link."""


@dataclass(frozen=True)
class Context:
    root: Path
    dockerfile: Path
    entries: tuple[Entry, ...]
    """Sorted by path, a directory before what it holds."""

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.entries)

    @property
    def files(self) -> int:
        return sum(stat.S_ISREG(entry.mode) for entry in self.entries)


def collect(
    directory: Path, dockerfile: Path | None = None, *, limit: int = LIMIT, not_secret: Sequence[str] = ()
) -> Context:
    """The context of a build in `directory`; `dockerfile` is `directory/Dockerfile` unless named.

    `not_secret`: paths in the context that look like secrets and are none.
    Raises UsageError when there is no Dockerfile, or the context holds what must not leave this machine or cannot.
    """
    if not directory.is_dir():
        raise UsageError(f"{directory} is no directory", hint="name the one that holds the code: mlstack image build .")
    root = directory.resolve()
    file = _dockerfile(directory, dockerfile)
    ignore, origin = _ignore(root, file)
    entries, bad = [], _Problems(origin)
    unused = set(not_secret)
    for entry in _walk(root, ignore):
        entries.append(entry)
        if stat.S_ISLNK(entry.mode):
            if _leads_out(entry):
                bad.links.append(f"{entry.path} -> {entry.target}")
        elif stat.S_ISREG(entry.mode):
            if entry.path in unused:
                unused.discard(entry.path)
            elif why := _secret(entry, bad):
                bad.secrets.append(f"{entry.path}: {why}")
        elif not stat.S_ISDIR(entry.mode):
            bad.special.append(entry.path)
    bad.refuse()
    if unused:
        raise UsageError(
            f"--not-secret {sorted(unused)[0]}: the context holds no such file", hint=f"paths are relative to {root}"
        )
    context = Context(root, file, tuple(sorted(entries, key=lambda entry: entry.path.split("/"))))
    if context.size > limit:
        raise UsageError(
            f"the context {directory} is {shown_size(context.size)}, the limit {shown_size(limit)}. Largest:\n"
            + "\n".join(f"  {shown_size(size):>9}  {name}" for name, size in _largest(context)),
            hint=f"leave out what the image does not need in {origin}, or raise the limit with --max-size",
        )
    return context


def parse_size(text: str) -> int:
    """`500MB`, `1.5G` or plain bytes, in powers of 1000. Raises UsageError."""
    found = _SIZE.fullmatch(text.strip())
    if not found or not (size := int(float(found[1]) * 1000 ** _POWERS.index(found[2].lower()))):
        raise UsageError(f"--max-size is {text!r}: not a size", hint="write it as 500MB or 2GB")
    if size > MOST:
        raise UsageError(f"--max-size is {text}: a context is at most {shown_size(MOST)}", hint="keep data in S3")
    return size


def shown_size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _dockerfile(directory: Path, named: Path | None) -> Path:
    file = named or directory / "Dockerfile"
    if file.is_file():
        return file.resolve()
    if named:
        raise UsageError(f"--file {named}: there is no such file", hint="its path is relative to where you are")
    raise UsageError(
        f"{directory} holds no Dockerfile", hint="mlstack image init writes one; --file names one elsewhere"
    )


def _ignore(root: Path, dockerfile: Path) -> tuple[Ignore, str]:
    """`<Dockerfile>.dockerignore` beside the Dockerfile counts alone, when there is one."""
    for file in (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), root / ".dockerignore"):
        if file.is_file():
            return Ignore.parse(file.read_text(encoding="utf-8", errors="surrogateescape"), file.name), file.name
    return Ignore(()), ".dockerignore"


def _walk(root: Path, ignore: Ignore) -> Iterator[Entry]:
    def below(directory: Path, prefix: str, parent: Sequence[bool] | None) -> Iterator[Entry]:
        try:
            listed = list(os.scandir(directory))
        except OSError as error:
            raise _unreadable(prefix.rstrip("/") or ".", error) from None
        for item in listed:
            path = prefix + item.name
            excluded, matched = ignore.match(path, parent)
            found = item.stat(follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                if not excluded:
                    yield Entry(path, Path(item.path), found.st_mode)
                    yield from below(Path(item.path), f"{path}/", matched)
                elif ignore.has_exceptions and (inside := list(below(Path(item.path), f"{path}/", matched))):
                    # An exception keeps something in there; the directories on the way come with it.
                    yield Entry(path, Path(item.path), found.st_mode)
                    yield from inside
            elif excluded:
                continue
            elif stat.S_ISLNK(found.st_mode):
                yield Entry(path, Path(item.path), found.st_mode, target=str(Path(item.path).readlink()))
            else:
                size = found.st_size if stat.S_ISREG(found.st_mode) else 0
                yield Entry(path, Path(item.path), found.st_mode, size)

    yield from below(root, "", None)


def _leads_out(entry: Entry) -> bool:
    """By its text alone: what it leads to on this machine is not what it leads to in an image."""
    if entry.target.startswith("/"):
        return True
    there = os.path.normpath(f"/root/{os.path.dirname(entry.path)}/{entry.target}")  # noqa: PTH120
    return there != "/root" and not there.startswith("/root/")


def _secret(entry: Entry, bad: "_Problems") -> str | None:
    if why := suspicious_name(entry.path):
        return why
    try:
        with entry.source.open("rb") as file:
            return suspicious_content(file.read(HEAD))
    except OSError as error:
        bad.unreadable.append(f"{entry.path}: {error.strerror}")
        return None


def _unreadable(path: str, error: OSError) -> UsageError:
    return UsageError(f"{path} in the context cannot be read: {error.strerror}", hint="leave it out in .dockerignore")


def _largest(context: Context) -> list[tuple[str, int]]:
    """By the first two parts of their paths: what a line of .dockerignore would leave out."""
    sizes: dict[str, int] = {}
    for entry in context.entries:
        name = "/".join(entry.path.split("/")[:2])
        sizes[name] = sizes.get(name, 0) + entry.size
    return sorted(sizes.items(), key=lambda each: -each[1])[:5]


class _Problems:
    """All that is wrong with a context, told at once."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.secrets: list[str] = []
        self.links: list[str] = []
        self.special: list[str] = []
        self.unreadable: list[str] = []

    def refuse(self) -> None:
        told, ways = [], []
        for title, found, way in (
            ("these files look like secrets, and an image keeps them for ever", self.secrets, _NO_SECRETS),
            ("these symbolic links lead out of the context", self.links, "put the files themselves there"),
            ("these are neither files, directories nor links", self.special, ""),
            ("these cannot be read", self.unreadable, ""),
        ):
            if found:
                more = [f"  and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
                told.append("\n".join([f"{title}:", *(f"  {each}" for each in sorted(found)[:_SHOWN]), *more]))
                ways += [way] if way else []
        if told:
            hint = "; ".join([f"leave them out in {self._origin}", *ways])
            raise UsageError("\n".join([*told, "nothing was uploaded"]), hint=hint)


_NO_SECRETS = "--not-secret PATH for one that is none; a build gets its secrets from the stack's roles"
