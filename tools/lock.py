"""Resolves pyproject.toml into requirements.txt, or with --check sees whether that is still true, without a network.

python tools/lock.py [--check] [arguments of `uv pip compile`, such as --upgrade]
"""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.txt"


def compile_lock(more: list[str]) -> int:
    """Existing pins are kept; no address goes into the file, so that it works with any index."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        print("there is no uv: make setup", file=sys.stderr)
        return 1
    flags = ["--universal", "--generate-hashes", "--all-extras", "--no-annotate", "--no-header", "--quiet"]
    command = [uv, "pip", "compile", *flags, "--python-version", "3.11", "-o", LOCK.name, *more, "pyproject.toml"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def problems(lock: str, pyproject: str) -> Iterator[str]:
    """What is wrong with the lock, a line each."""
    for line in lock.splitlines():
        if re.search(r"https?://|^\s*-(i|-index|-extra|-find|f)\b|@ file:", line):
            yield f"an address stands in it: {line.strip()}"
    pinned: dict[str, list[Version]] = {}
    for block in re.split(r"\n(?=\S)", lock.strip()):
        found = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", block)
        if found is None:
            yield f"not a pin: {block.splitlines()[0]}"
            continue
        if "--hash=sha256:" not in block:
            yield f"{found[1]} has no hash"
        pinned.setdefault(canonicalize_name(found[1]), []).append(Version(found[2]))
    project = tomllib.loads(pyproject)["project"]
    extras = project.get("optional-dependencies", {}).values()
    for text in [*project["dependencies"], *(each for extra in extras for each in extra)]:
        wanted = Requirement(text)
        versions = pinned.get(canonicalize_name(wanted.name), [])
        if not versions:
            yield f"{wanted.name} is not in it"
        elif not all(wanted.specifier.contains(version, prereleases=True) for version in versions):
            yield f"{wanted.name} is {versions[0]}, pyproject.toml asks for {wanted.specifier}"


def main() -> int:
    arguments = sys.argv[1:]
    if "--check" not in arguments:
        return compile_lock(arguments)
    found = list(problems(LOCK.read_text(encoding="utf-8"), (ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    for problem in found:
        print(f"requirements.txt is stale: {problem}; run: make lock", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
