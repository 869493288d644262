"""Resolves pyproject.toml into requirements.txt, and the example's requirements.in into its own, in the same versions.

With --check it sees whether that is still true, without a network.

python tools/lock.py [--check] [arguments of `uv pip compile`, such as --upgrade]
"""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.txt"
EXAMPLE = Path("examples/digits")

_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")


def compile_lock(more: list[str]) -> int:
    """Existing pins are kept; no address goes into the file, so that it works with any index."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        print("there is no uv: make setup", file=sys.stderr)
        return 1
    flags = ["--generate-hashes", "--no-annotate", "--no-header", "--quiet", "--python-version", "3.11"]
    own = ["--universal", "--all-extras", *more, "-o", LOCK.name, "pyproject.toml"]
    # Of an image: one Python, one platform.
    linux = ["--python-platform", "x86_64-manylinux_2_28", "--constraints", LOCK.name, "--upgrade"]
    example = [*linux, "-o", str(EXAMPLE / "requirements.txt"), str(EXAMPLE / "requirements.in")]
    for each in (own, example):
        if code := subprocess.run([uv, "pip", "compile", *flags, *each], cwd=ROOT, check=False).returncode:
            return code
    return 0


def problems(lock: str, asked: Iterable[str]) -> Iterator[str]:
    """What is wrong with the lock of requirements that were `asked` for, a line each."""
    for line in lock.splitlines():
        if re.search(r"https?://|^\s*-(i|-index|-extra|-find|f)\b|@ file:", line):
            yield f"an address stands in it: {line.strip()}"
    for block in _blocks(lock):
        found = _PIN.match(block)
        if found is None:
            yield f"not a pin: {block.splitlines()[0]}"
        elif "--hash=sha256:" not in block:
            yield f"{found[1]} has no hash"
    pinned = pins(lock)
    for text in asked:
        wanted = Requirement(text)
        versions = pinned.get(canonicalize_name(wanted.name), [])
        if not versions:
            yield f"{wanted.name} is not in it"
        elif not all(wanted.specifier.contains(version, prereleases=True) for version in versions):
            yield f"{wanted.name} is {versions[0]}, {wanted.specifier} is asked for"


def pins(lock: str) -> dict[str, list[Version]]:
    """By canonical name."""
    pinned: dict[str, list[Version]] = {}
    for found in filter(None, map(_PIN.match, _blocks(lock))):
        pinned.setdefault(canonicalize_name(found[1]), []).append(Version(found[2]))
    return pinned


def asked_by(pyproject: str) -> list[str]:
    project = tomllib.loads(pyproject)["project"]
    extras = project.get("optional-dependencies", {}).values()
    return [*project["dependencies"], *(each for extra in extras for each in extra)]


def asked_in(requirements: str) -> list[str]:
    """Of a requirements.in."""
    return [line for line in requirements.splitlines() if line and not line.startswith("#")]


def _blocks(lock: str) -> list[str]:
    return re.split(r"\n(?=\S)", lock.strip())


def main() -> int:
    arguments = sys.argv[1:]
    if "--check" not in arguments:
        return compile_lock(arguments)
    own = asked_by((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    example = asked_in((ROOT / EXAMPLE / "requirements.in").read_text(encoding="utf-8"))
    stale = False
    for lock, asked in ((LOCK, own), (ROOT / EXAMPLE / "requirements.txt", example)):
        for problem in problems(lock.read_text(encoding="utf-8"), asked):
            stale = True
            print(f"{lock.relative_to(ROOT)} is stale: {problem}; run: make lock", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
