"""The image that ZenML's image builder builds in: its definition, which is published to the stack's own repository.

`docker` is a script of its own: the embedded cloud's builds use the same.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
FILES = ("Dockerfile", "docker")
