"""What every workflow keeps to, so that nobody's pull request gets at an account. GitHub itself is not asked."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from components.deploy_roles.github import AUDIENCE

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").rglob("action.yml"))

every_file = pytest.mark.parametrize(
    "file", [*WORKFLOWS, *ACTIONS], ids=lambda file: file.parent.name + "/" + file.name
)
every_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)

WRITES = {
    # Job, and what its token may do beyond reading the code.
    "test.yml/test": {},
    "preview.yml/preview": {"id-token": "write", "pull-requests": "write"},
    "preview.yml/structure": {},
    "preview-comment.yml/comment": {"actions": "read", "pull-requests": "write"},
    "deploy.yml/preview": {"id-token": "write"},
    "deploy.yml/deploy": {"id-token": "write", "pull-requests": "read"},
    **{f"promote.yml/{stack}": {"id-token": "write", "pull-requests": "read"} for stack in ("dev", "staging", "prod")},
    "drift.yml/drift": {"id-token": "write", "issues": "write"},
}


def read(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    return loaded


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = read(ROOT / ".github" / "workflows" / name)["jobs"]
    return found


def steps(file: Path) -> Iterator[dict[str, Any]]:
    document = read(file)
    for job in document.get("jobs", {"": document.get("runs", {})}).values():
        # A job that calls another workflow has none of its own.
        yield from job.get("steps", [])


def test_the_workflows_are_those_that_the_documentation_names() -> None:
    told = (ROOT / "docs" / "pull-requests.md").read_text(encoding="utf-8")
    assert {file.name for file in WORKFLOWS} == set(re.findall(r"`\.github/workflows/([\w-]+\.yml)`", told))


@every_file
def test_every_action_of_others_is_pinned_to_a_commit_and_says_its_version(file: Path) -> None:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if re.search(r"\buses:", line)]
    called = [job for job in read(file).get("jobs", {}).values() if "uses" in job]
    assert len(lines) == sum("uses" in step for step in steps(file)) + len(called)
    for line in lines:
        assert re.search(
            r"uses: (\./\.github/(actions/\w+|workflows/\w+\.yml)$|[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)", line
        ), line


def test_an_action_has_one_pin_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for file in (*WORKFLOWS, *ACTIONS):
        for name, commit in re.findall(r"uses: ([\w./-]+)@(\S+ # v\S+)", file.read_text(encoding="utf-8")):
            pins.setdefault(name, set()).add(commit.rstrip(","))
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}


@every_workflow
def test_a_workflow_may_do_nothing_and_each_job_what_is_written_down(file: Path) -> None:
    document = read(file)
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        assert job["permissions"] == {"contents": "read", **WRITES[f"{file.name}/{name}"]}


@every_workflow
def test_no_workflow_runs_a_pull_requests_code_with_the_rights_of_main(file: Path) -> None:
    triggers = read(file)["on"]
    assert "pull_request_target" not in triggers
    if "workflow_run" in triggers:
        (checkout,) = (step for step in steps(file) if step.get("uses", "").startswith("actions/checkout@"))
        assert checkout["with"]["ref"] == "${{ github.event.repository.default_branch }}"


@every_file
def test_nothing_that_somebody_chose_becomes_code(file: Path) -> None:
    for step in steps(file):
        assert "${{" not in step.get("run", ""), step["run"]
        assert "script" not in step.get("with", {})


@every_file
def test_the_token_is_not_left_in_the_checkout(file: Path) -> None:
    for step in steps(file):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@every_workflow
def test_every_job_ends_and_runs_on_a_named_release(file: Path) -> None:
    for job in read(file)["jobs"].values():
        if "uses" in job:
            continue
        assert 0 < job["timeout-minutes"] <= 60
        assert re.fullmatch(r"ubuntu-\d+\.\d+", job["runs-on"])


def test_the_code_of_a_fork_has_no_credential_within_reach() -> None:
    structure = jobs("preview.yml")["structure"]
    assert structure["permissions"] == {"contents": "read"}
    assert "secrets." not in str(structure)
    assert "github.token" not in str(structure)
    assert "head.repo.full_name == github.repository" in jobs("preview.yml")["preview"]["if"]
    assert "head.repo.full_name != github.repository" in structure["if"]


def test_either_way_of_previewing_is_taken_and_never_both() -> None:
    preview, structure = (jobs("preview.yml")[name]["if"].split() for name in ("preview", "structure"))
    opposite = {"==": "!=", "!=": "==", "&&": "||"}
    assert [opposite.get(word, word) for word in preview] == structure


def test_what_a_fork_left_behind_is_only_read_by_the_review() -> None:
    uses = [step for step in jobs("preview-comment.yml")["comment"]["steps"] if "/preview" in step.get("run", "")]
    assert len(uses) == 1
    assert re.match(r"\.venv/bin/mlstack review --digest \S+ --events \S+ --post --pull-request", uses[0]["run"])
    download = next(
        step for step in jobs("preview-comment.yml")["comment"]["steps"] if "download-artifact" in step.get("uses", "")
    )
    assert download["with"]["path"].startswith("${{ runner.temp }}"), "outside of the checkout"


def test_only_the_deployment_is_of_an_environment_and_waits_in_a_queue_of_its_stack() -> None:
    deploy = jobs("deploy.yml")["deploy"]
    assert deploy["environment"] == "${{ matrix.stack }}"
    assert deploy["concurrency"] == {"group": "deploy-${{ matrix.stack }}", "cancel-in-progress": False}
    assert deploy["strategy"]["max-parallel"] == 1
    assert deploy["strategy"].get("fail-fast", True) is True
    for file in WORKFLOWS:
        for name, job in read(file)["jobs"].items():
            assert ("environment" in job) == (name == "deploy")


def test_each_job_assumes_the_role_that_trusts_it() -> None:
    roles = {}
    for file in WORKFLOWS:
        for name, job in read(file)["jobs"].items():
            for step in job.get("steps", []):
                if "configure-aws-credentials" in step.get("uses", ""):
                    assert job["permissions"]["id-token"] == "write"
                    assert step["with"].get("audience", AUDIENCE) == AUDIENCE
                    roles[f"{file.stem} {name}"] = step["with"]["role-to-assume"]
    assert roles == {
        "preview preview": "${{ fromJSON(vars.AWS_PREVIEW_ROLES)[matrix.stack] }}",
        "deploy preview": "${{ fromJSON(vars.AWS_PREVIEW_ROLES)[inputs.stack] }}",
        "drift drift": "${{ fromJSON(vars.AWS_PREVIEW_ROLES)[matrix.stack] }}",
        "deploy deploy": "${{ fromJSON(vars.AWS_DEPLOY_ROLES)[matrix.stack] }}",
    }


def test_every_workflow_is_of_the_environments_that_there_are() -> None:
    there = {file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml")} - {"local"}
    for file in WORKFLOWS:
        for job in read(file)["jobs"].values():
            stacks = job.get("strategy", {}).get("matrix", {}).get("stack")
            if isinstance(stacks, str):
                (listed,) = re.findall(r"\|\| '(\[.*\])'\) }}$", stacks)
                stacks = json.loads(listed)
            assert stacks is None or set(stacks) == there
    levels = jobs("preview.yml")["preview"]["strategy"]["matrix"]["include"]
    assert {each["stack"] for each in levels} == there
    for each in levels:
        assert (ROOT / "policies" / f"{each['levels']}.json").exists()


def test_a_promotion_takes_one_commit_through_the_environments_in_order_each_after_its_preview() -> None:
    chain = jobs("promote.yml")
    assert [job["with"]["stack"] for job in chain.values()] == ["dev", "staging", "prod"]
    assert [job.get("needs") for job in chain.values()] == [None, "dev", "staging"]
    called = read(ROOT / ".github" / "workflows" / "deploy.yml")
    asked = called["on"]["workflow_call"]["inputs"]
    for job in chain.values():
        assert job["uses"] == "./.github/workflows/deploy.yml"
        assert set(job["with"]) == set(asked)
        assert (ROOT / "policies" / f"{job['with']['levels']}.json").exists()
        for inner in called["jobs"].values():
            assert inner["permissions"].items() <= job["permissions"].items(), "a call cannot be given more"
    assert "ref" not in str([step.get("with") for step in steps(ROOT / ".github" / "workflows" / "deploy.yml")])
    preview, deploy = called["jobs"]["preview"], called["jobs"]["deploy"]
    assert "environment" not in preview, "it is what is approved, so it waits for nobody"
    assert deploy["needs"] == "preview"
    assert "needs.preview.result == 'success'" in deploy["if"]
    (approved,) = (step for step in deploy["steps"] if "mlstack deploy" in step.get("run", ""))
    assert "--approved" in approved["run"]
    assert "--yes" not in str(deploy)
    assert "needs.preview.outputs.plan" in approved["env"]["PLAN"]


def test_every_command_and_option_that_they_use_exists() -> None:
    used: dict[str, set[str]] = {}
    example = (ROOT / "examples" / "gitlab" / "gitlab-ci.yml").read_text(encoding="utf-8")
    lines = [step["run"] for file in WORKFLOWS for step in steps(file) if "run" in step] + example.splitlines()
    for command, words in re.findall(r"\.venv/bin/mlstack ((?:backend )?\w+)(.*)", "\n".join(lines)):
        used.setdefault(command, set()).update(re.findall(r" (--[a-z-]+)", words))
    assert set(used) == {"backend unlock", "check", "deploy", "review"}
    for command, options in used.items():
        told = subprocess.run(
            [sys.executable, "-m", "mlstack", *command.split(), "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert options <= set(re.findall(r"--[a-z-]+", told)), f"mlstack {command} knows no {options}"


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--strict-collection", ".github"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for file in (*WORKFLOWS, *ACTIONS):
        assert f"completed {file.relative_to(ROOT)}" in done.stderr


def test_zizmor_is_asked_in_earnest(tmp_path: Path) -> None:
    """The line that lets it pass over the trigger of preview-comment.yml lets nothing else pass."""
    file = tmp_path / ".github" / "workflows" / "bad.yml"
    file.parent.mkdir(parents=True)
    text = (ROOT / ".github" / "workflows" / "preview-comment.yml").read_text(encoding="utf-8")
    file.write_text(text.replace('"$RUNNER_TEMP/preview/digest.json"', "${{ github.event.workflow_run.head_branch }}"))
    zizmor = Path(sys.executable).with_name("zizmor")
    done = subprocess.run([zizmor, "--offline", "--no-progress", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "template-injection" in done.stdout + done.stderr
