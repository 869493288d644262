"""`mlstack review --post` as a job runs it, against a stand-in for each forge."""

import json
import os
import subprocess
import sys
from pathlib import Path

from mlstack.review.forge import marker
from tests.review.forge.stand_in import StandIn

RECORDED = Path(__file__).parents[1] / "recorded"


def review(forge: StandIn, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    place = ["--forge", forge.face, "--pull-request", "7"]
    if forge.face == "bitbucket":  # whose CI names no API
        place += ["--api", f"{forge.url}/2.0"]
    return subprocess.run(
        [sys.executable, "-m", "mlstack", "review", *place, *arguments],
        env={**bare, "no_proxy": "127.0.0.1", **forge.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def of(case: str) -> tuple[str, ...]:
    return "--digest", str(RECORDED / case / "digest.json"), "--events", str(RECORDED / case / "events.ndjson")


def test_it_keeps_one_comment_and_its_exit_code_is_that_of_the_guards(forge: StandIn, tmp_path: Path) -> None:
    first = review(forge, *of("create-all"), "--post")
    assert first.returncode == 0, first.stderr
    assert "comment created: " in first.stderr

    stopped = review(forge, *of("deleted-repository"), "--post", "--json")
    assert stopped.returncode == 3, stopped.stderr
    assert "comment updated: " in stopped.stderr
    ((_, _, body),) = forge.shown
    assert "stopped by data-loss" in body
    found = marker.find(body)
    assert found is not None
    assert found.plan == json.loads(stopped.stdout)["plan_hash"]
    assert not found.truncated

    # A job without credentials posts what another one found.
    report = tmp_path / "report.json"
    report.write_text(stopped.stdout)
    again = review(forge, "--report", str(report), "--post")
    assert again.returncode == 3, again.stderr
    assert "comment unchanged: " in again.stderr


def test_what_is_missing_is_said_before_the_preview_is_made(forge: StandIn) -> None:
    token = next(name for name in forge.environment if name.endswith("TOKEN"))
    refused = review(forge, *of("create-all"), "--post", "--forge", "sourcehut")
    assert refused.returncode == 2
    assert "github, gitlab" in refused.stderr
    refused = review(forge, *of("create-all"), "--post", **{token: ""})
    assert refused.returncode == 2
    assert token in refused.stderr
    assert forge.shown == []


def test_in_github_actions_lines_are_marked_and_the_summary_is_filled(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    done = subprocess.run(
        [sys.executable, "-m", "mlstack", "review", *of("unprotected-and-forced"), "--annotate"],
        env={"PATH": os.environ["PATH"], "GITHUB_STEP_SUMMARY": str(summary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "::warning file=components/private_bucket.py,line=" in done.stderr
    assert "title=force-destroy::`rec-artifacts-bucket` may be deleted" in done.stderr
    assert summary.read_text().startswith("## ")
