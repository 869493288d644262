"""Keeps one issue for each environment that has drifted: `python -m tools.github.drift_issue REPORT`.

REPORT is what `mlstack review --drift --json` printed. None, or one of a run that failed, says nothing about drift: it
ends with 1, and the issue is left as it is.
"""

import sys
from pathlib import Path

from pydantic import ValidationError

from mlstack.review.model import Change, Report
from tools.github.gh import GitHubError, gh, pages, told, variable

AUTHOR = "github-actions[bot]"
LABEL = "drift"
_MOST = 100


def main() -> int:
    file = Path(sys.argv[1])
    try:
        stack, repository = variable("STACK"), variable("GITHUB_REPOSITORY")
        report = Report.model_validate_json(file.read_bytes())
        if report.partial or not report.drift:
            raise GitHubError(f"whether {stack} has drifted is not known: {' '.join(report.problems) or 'no --drift'}")
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
    except GitHubError as error:
        return told(error)
    except (OSError, ValidationError):
        return told(GitHubError(f"{file.name} is not what `mlstack review --drift --json` prints"))
    return 0


def title(stack: str) -> str:
    return f"{stack} differs from what was deployed"


def issue_of(repository: str, stack: str) -> int | None:
    """The open one that was written here, oldest first when somebody made several."""
    found = pages(f"repos/{repository}/issues", state="open", labels=LABEL)
    ours = (each for each in found if (each.get("user") or {}).get("login") == AUTHOR and "pull_request" not in each)
    numbers = [int(each["number"]) for each in ours if each["title"] == title(stack)]
    return min(numbers, default=None)


def described(report: Report, stack: str, run: str) -> str:
    """What differs, without values: an issue may be read by more people than the state."""
    rows = [f"| `{_plain(each.name)}` | `{_plain(each.type)}` | {_plain(_what(each))} |" for each in report.changes]
    more = f"\n\nand {len(rows) - _MOST} more" if len(rows) > _MOST else ""
    table = "\n".join(["| resource | type | |", "|---|---|---|", *rows[:_MOST]])
    return (
        f"Something outside of Pulumi changed what `{stack}` consists of.\n\n{table}{more}\n\n"
        f"[The run]({run}) has the details. Put it back with a deployment, or take it over with "
        f"`pulumi refresh --stack {stack}` and a change of the program. This issue closes itself.\n"
    )


def _what(change: Change) -> str:
    if change.operation == "delete":
        return "is gone"
    changed = sorted(key for key in {*change.old, *change.new} if change.old.get(key) != change.new.get(key))
    return f"changed: {', '.join(changed)}" if changed else "changed"


def _plain(text: str) -> str:
    """Cannot leave its cell."""
    return "".join(character for character in text if character not in "`|<>\r\n@")


if __name__ == "__main__":
    sys.exit(main())
