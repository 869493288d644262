"""Keeps the program of a release for the upgrade test: python -m tools.released v0.1.0

Only what `pulumi up` of it reads, so that the test needs neither the tag nor the history.
"""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "tests" / "end_to_end" / "released"
PROGRAM = ("__main__.py", "Pulumi.yaml", "components", ":(glob)mlstack/*.py", "mlstack/iam", "mlstack/registration")


def main() -> None:
    tag = sys.argv[1]
    archive = FOLDER / f"{tag.removeprefix('v')}.tar.xz"
    with archive.open("wb") as file, subprocess.Popen(["xz", "-9e"], stdin=subprocess.PIPE, stdout=file) as xz:
        subprocess.run(["git", "archive", tag, "--", *PROGRAM], cwd=PROJECT, stdout=xz.stdin, check=True)
        assert xz.stdin is not None
        xz.stdin.close()
    print(f"{archive.relative_to(PROJECT)}: {archive.stat().st_size} bytes")


if __name__ == "__main__":
    main()
