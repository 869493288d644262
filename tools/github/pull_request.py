"""Which open pull request a run of a fork belongs to: `python -m tools.github.pull_request >> "$GITHUB_OUTPUT"`.

The event of such a run lists no pull requests, and what the run left behind may claim any. GitHub knows which pull
request has the branch and the commit that ran; none is printed when the branch has moved on since.
"""

import sys

from tools.github.gh import GitHubError, pages, told, variable


def main() -> int:
    try:
        head, commit = variable("HEAD_REPOSITORY"), variable("HEAD_SHA")
        found = pages(
            f"repos/{variable('GITHUB_REPOSITORY')}/pulls",
            state="open",
            head=f"{head.partition('/')[0]}:{variable('HEAD_BRANCH')}",
        )
    except GitHubError as error:
        return told(error)
    numbers = [
        int(each["number"])
        for each in found
        # A fork that was deleted since has no repository any more.
        if each["head"]["sha"] == commit and (each["head"]["repo"] or {}).get("full_name") == head
    ]
    print(f"number={numbers[0] if len(numbers) == 1 else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
