"""The plan that was approved with a merge: `python -m tools.github.approved_plan >> "$GITHUB_OUTPUT"`.

It stands in the hidden first line of the comment that the preview wrote last on the pull request. Prints none when the
commit is no merge of a pull request, nobody previewed it, or the comment could not show all of it.
"""

import sys
from typing import Any

from mlstack.review.forge import marker
from tools.github.gh import GitHubError, pages, told, variable

AUTHOR = "github-actions[bot]"
"""Who writes with the token of a workflow. Nobody else's comment approves anything."""


def main() -> int:
    try:
        repository, commit, stack = variable("GITHUB_REPOSITORY"), variable("GITHUB_SHA"), variable("STACK")
        merged = [
            each
            for each in pages(f"repos/{repository}/commits/{commit}/pulls")
            if each.get("merged_at") and each.get("merge_commit_sha") == commit
        ]
        plans = [
            plan
            for each in merged
            for comment in pages(f"repos/{repository}/issues/{int(each['number'])}/comments")
            if (plan := plan_in(comment, stack))
        ]
    except GitHubError as error:
        return told(error)
    print(f"plan={plans[0] if len(plans) == 1 else ''}")
    return 0


def plan_in(comment: dict[str, Any], stack: str) -> str | None:
    """The hash in the marker of a comment about `stack`."""
    if (comment.get("user") or {}).get("login") != AUTHOR:
        return None
    found = marker.find(str(comment.get("body", "")))
    if found is None or found.environment != stack or found.truncated:
        return None
    return found.plan


if __name__ == "__main__":
    sys.exit(main())
