"""Keeps one issue for each environment that has drifted: `python -m tools.github.drift_issue DIGEST EXIT_CODE`.

DIGEST is what `pulumi refresh --preview-only --expect-no-changes --json` printed, EXIT_CODE how it ended: 0 nothing has
drifted, 7 something has. Anything else is a failure of the run and says nothing about drift: it ends with 1, and the
issue is left as it is.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tools.github.gh import GitHubError, gh, pages, told, variable

AUTHOR = "github-actions[bot]"
CLEAN, DRIFTED = 0, 7
"""https://github.com/pulumi/pulumi/blob/master/sdk/go/common/util/cmdutil/exit.go"""
LABEL = "drift"
_MOST = 100


def main() -> int:
    digest, code = Path(sys.argv[1]), int(sys.argv[2])
    try:
        stack, repository = variable("STACK"), variable("GITHUB_REPOSITORY")
        if code not in (CLEAN, DRIFTED):
            raise GitHubError(f"pulumi refresh of {stack} ended with {code}: whether it has drifted is not known")
        known = issue_of(repository, stack)
        if code == CLEAN:
            if known is not None:
                run = variable("RUN_URL")
                gh("issue", "close", str(known), "--repo", repository, "--comment", f"Nothing differs any more: {run}")
            return 0
        body = described(json.loads(digest.read_text(encoding="utf-8")), stack, variable("RUN_URL"))
        if known is None:
            gh("label", "create", LABEL, "--force", "--repo", repository, "--description", "Changed outside of Pulumi")
            gh(
                *("issue", "create", "--repo", repository, "--title", title(stack)),
                *("--label", LABEL, "--body-file", "-"),
                given=body,
            )
        else:
            gh("issue", "edit", str(known), "--repo", repository, "--body-file", "-", given=body)
    except GitHubError as error:
        return told(error)
    except (OSError, ValueError):
        return told(GitHubError(f"{digest.name} is not the digest of a refresh"))
    return 0


def title(stack: str) -> str:
    return f"{stack} differs from what was deployed"


def issue_of(repository: str, stack: str) -> int | None:
    """The open one that was written here, oldest first when somebody made several."""
    found = pages(f"repos/{repository}/issues", state="open", labels=LABEL)
    ours = (each for each in found if (each.get("user") or {}).get("login") == AUTHOR and "pull_request" not in each)
    numbers = [int(each["number"]) for each in ours if each["title"] == title(stack)]
    return min(numbers, default=None)


def described(digest: Any, stack: str, run: str) -> str:
    """What differs, without values: an issue may be read by more people than the state."""
    rows = []
    for step in digest.get("steps") or []:
        urn, operation = str(step.get("urn", "")), step.get("op")
        kind, name = urn.split("::")[2].rpartition("$")[2] if urn.count("::") >= 3 else "", urn.rpartition("::")[2]
        if operation in ("same", "refresh", "read") or kind.startswith("pulumi:pulumi:"):
            continue
        changed = ", ".join(sorted(step.get("detailedDiff") or step.get("diffReasons") or ()))
        what = {"delete": "is gone", "update": f"changed: {changed}" if changed else "changed"}
        rows.append(f"| `{_plain(name)}` | `{_plain(kind)}` | {_plain(what.get(str(operation), str(operation)))} |")
    more = f"\n\nand {len(rows) - _MOST} more" if len(rows) > _MOST else ""
    table = "\n".join(["| resource | type | |", "|---|---|---|", *rows[:_MOST]])
    return (
        f"Something outside of Pulumi changed what `{stack}` consists of.\n\n{table}{more}\n\n"
        f"[The run]({run}) has the details. Put it back with a deployment, or take it over with "
        f"`pulumi refresh --stack {stack}` and a change of the program. This issue closes itself.\n"
    )


def _plain(text: str) -> str:
    """Cannot leave its cell."""
    return "".join(character for character in text if character not in "`|<>\r\n@")


if __name__ == "__main__":
    sys.exit(main())
