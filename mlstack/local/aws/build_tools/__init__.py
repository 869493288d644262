"""Commands that AWS's build image has and a buildspec calls, for a machine that has buildah alone."""

from pathlib import Path


def folder() -> Path:
    return Path(__file__).parent
