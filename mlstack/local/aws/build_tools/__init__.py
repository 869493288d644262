"""The AWS command line as far as a buildspec calls it; `docker` is that of our build image, mlstack/images/builder."""

from pathlib import Path


def folder() -> Path:
    return Path(__file__).parent
