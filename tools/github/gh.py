"""GitHub's own client, which every hosted runner has. It takes the token from GITHUB_TOKEN."""

import json
import os
import subprocess
import sys
from typing import Any


class GitHubError(Exception):
    """What `gh` said."""


def gh(*arguments: str, given: str | None = None) -> str:
    """Raises GitHubError when it fails. Values that anybody may have chosen are arguments of their own, never code."""
    done = subprocess.run(["gh", *arguments], input=given, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise GitHubError(f"gh {' '.join(arguments[:3])}: {done.stderr.strip()}")
    return done.stdout


def pages(path: str, **query: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    asked = [word for name, value in query.items() for word in ("-f", f"{name}={value}")]
    answer = json.loads(gh("api", "--method", "GET", "--paginate", "--slurp", path, "-f", "per_page=100", *asked))
    return [each for page in answer for each in page]


def variable(name: str) -> str:
    """Raises GitHubError when the workflow does not set it."""
    value = os.environ.get(name, "")
    if not value:
        raise GitHubError(f"{name} is not set")
    return value


def told(error: Exception) -> int:
    """Says it to the workflow, and is the exit code."""
    print(f"::error::{str(error).splitlines()[0] if str(error) else 'gh failed'}", file=sys.stderr)
    return 1
