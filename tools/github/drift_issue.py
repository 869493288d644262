"""Keeps one issue for each environment that has drifted: `python -m tools.github.drift_issue REPORT`.

REPORT is what `mlstack review --drift --json` printed. None, or one of a run that failed, says nothing about drift: it
ends with 1, and the issue is left as it is.
"""

import sys
from pathlib import Path

from mlstack.errors import UsageError
from tools.drift import described, drift_in, title
from tools.github.gh import GitHubError, gh, pages, told, variable

AUTHOR = "github-actions[bot]"
LABEL = "drift"


def main() -> int:
    file = Path(sys.argv[1])
    try:
        stack, repository = variable("STACK"), variable("GITHUB_REPOSITORY")
        report = drift_in(file, stack)
        known = issue_of(repository, stack)
        if not report.changes:
            if known is not None:
                run = variable("RUN_URL")
                gh("issue", "close", str(known), "--repo", repository, "--comment", f"Nothing differs any more: {run}")
            return 0
        body = described(report, stack, variable("RUN_URL"))
        if known is None:
            gh("label", "create", LABEL, "--force", "--repo", repository, "--description", "Changed outside of Pulumi")
            gh(
                *("issue", "create", "--repo", repository, "--title", title(stack)),
                *("--label", LABEL, "--body-file", "-"),
                given=body,
            )
        else:
            gh("issue", "edit", str(known), "--repo", repository, "--body-file", "-", given=body)
    except (GitHubError, UsageError) as error:
        return told(error)
    return 0


def issue_of(repository: str, stack: str) -> int | None:
    """The open one that was written here, oldest first when somebody made several."""
    found = pages(f"repos/{repository}/issues", state="open", labels=LABEL)
    ours = (each for each in found if (each.get("user") or {}).get("login") == AUTHOR and "pull_request" not in each)
    numbers = [int(each["number"]) for each in ours if each["title"] == title(stack)]
    return min(numbers, default=None)


if __name__ == "__main__":
    sys.exit(main())
