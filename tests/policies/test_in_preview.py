"""The pack in real previews: a program that does everything wrong, ours, and a pack with a rule that breaks.

The provider is the embedded one, which refuses to declare a few of the wrong things itself.
"""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.policies.conftest import EXECUTABLE, ROOT
from tests.policies.levels import configuration, level
from tests.policies.shown import BY_NAME

pytestmark = pytest.mark.engine

NOT_DECLARED = {
    "codebuild-credentials-in-url": "no source with credentials in the program",
    "codebuild-credentials-in-environment": "the embedded provider has no environment variables",
    "codebuild-unencrypted-logs": "the embedded provider has no logs in S3",
    "ecr-open-to-everybody": "the embedded provider has no repository policies",
}
"""Rules that the bad program does not break, and why."""

BROKEN_PACK = """
import sys
sys.path.insert(0, {root!r})
from pulumi_policy import PolicyPack, Severity
from policies.rule import rule

@rule(name="breaks", refuses="Nothing", severity=Severity.LOW, remedy="None", url="https://example.org")
def breaks(case):
    yield from ()
    raise RuntimeError("this rule is broken")

@rule(name="breaks-on-stack", refuses="-", severity=Severity.LOW, remedy="-", url="https://x.org", whole_stack=True)
def breaks_on_stack(case):
    yield from ()
    raise RuntimeError("so is this one")

PolicyPack("broken", [breaks.policy(), breaks_on_stack.policy()])
"""


@dataclass(frozen=True)
class Previewed:
    code: int
    text: str

    @property
    def found(self) -> dict[str, set[str]]:
        """Rules by the level at which they were reported."""
        levels: dict[str, set[str]] = {}
        for reported, rule in re.findall(r"- \[(advisory|mandatory)\] +(?:\[severity: \w+\] +)?([\w-]+) ", self.text):
            levels.setdefault(reported, set()).add(rule)
        return levels


@dataclass(frozen=True)
class Project:
    directory: Path
    environment: dict[str, str]

    def preview(self, *arguments: str, stack: str = "dev") -> Previewed:
        return self.run("preview", "--stack", stack, *arguments)

    def run(self, *arguments: str) -> Previewed:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return Previewed(done.returncode, done.stdout + done.stderr)


def pack(profile: str) -> tuple[str, ...]:
    return ("--policy-pack", str(EXECUTABLE), "--policy-pack-config", str(ROOT / "policies" / f"{profile}.json"))


@pytest.fixture
def bad(preview_environment: dict[str, str], tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.yaml").write_text("name: bad\nruntime: python\n", encoding="utf-8")
    shutil.copy(Path(__file__).with_name("bad_program.py"), tmp_path / "__main__.py")
    config = {"aws:region": "eu-west-1", "aws:allowedAccountIds": '["123456789012"]'}
    (tmp_path / "Pulumi.dev.yaml").write_text(json.dumps({"config": config}), encoding="utf-8")
    (tmp_path / "state").mkdir()
    project = Project(tmp_path, {**preview_environment, "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}"})
    assert project.run("stack", "init", "dev").code == 0
    return project


@pytest.fixture
def ours(preview_environment: dict[str, str], tmp_path: Path) -> Project:
    """This program in a folder of its own: making a stack writes into Pulumi.<stack>.yaml."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "__main__.py"):
        shutil.copy(ROOT / name, tmp_path)
    for name in (".venv", "components", "mlstack"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "state").mkdir()
    return Project(tmp_path, {**preview_environment, "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}"})


def test_production_refuses_a_bad_program_and_names_every_rule_that_it_breaks(bad: Project) -> None:
    previewed = bad.preview(*pack("production"))
    assert previewed.code != 0
    levels = {name: level(entry) for name, entry in configuration("production").items()}
    for reported in ("mandatory", "advisory"):
        expected = {name for name, asked in levels.items() if asked == reported and name not in NOT_DECLARED}
        missing = expected - previewed.found[reported]
        assert not missing, f"{missing} not reported as {reported}:\n{previewed.text[-6000:]}"
    assert not NOT_DECLARED.keys() & (previewed.found["mandatory"] | previewed.found["advisory"]), "no longer true"
    assert "computed could not be checked before the deployment, because policy is not known yet" in previewed.text
    assert "half: nothing blocks public access" not in previewed.text, "a setting by dependency was not found"
    assert "bare: nothing blocks public access" in previewed.text
    assert "hunter2" not in previewed.text.split("Outputs:")[0], "a finding repeats the secret"
    assert "quiet_password" not in previewed.text.split("Outputs:")[0]


def test_development_reports_the_same_as_advice_where_that_is_enough(bad: Project) -> None:
    previewed = bad.preview(*pack("development"))
    assert previewed.code != 0
    for name, entry in configuration("development").items():
        if level(entry) == "disabled":
            assert name not in previewed.found["mandatory"] | previewed.found["advisory"]
    assert "s3-without-versions" in previewed.found["advisory"]
    assert "s3-plain-http" in previewed.found["mandatory"]


def test_without_a_configuration_everything_is_advice(bad: Project) -> None:
    previewed = bad.preview("--policy-pack", str(EXECUTABLE))
    assert previewed.code == 0
    assert "mandatory" not in previewed.found
    assert len(previewed.found["advisory"]) > 30


def test_the_configuration_in_the_docs_does_what_it_says(bad: Project, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    example = tmp_path / "example.json"
    example.write_text(page.split("```json\n")[1].split("```")[0], encoding="utf-8")
    previewed = bad.preview("--policy-pack", str(EXECUTABLE), "--policy-pack-config", str(example))
    assert previewed.code != 0
    assert "ecr-without-lifecycle" in previewed.found["mandatory"], "all"
    assert "s3-without-access-logs" not in previewed.text
    assert "role: no tag team" in previewed.text


# The embedded provider takes no build project inside a network.
ISOLATED = {"mlstack:network.mode": "isolated", "mlstack:imageBuilder": "false"}


@pytest.mark.parametrize(
    ("environment", "profile", "changes"),
    [("prod", "production", {}), ("prod", "production", ISOLATED), ("dev", "development", {})],
    ids=["production", "production in an isolated network", "development"],
)
def test_our_own_program_passes_in_a_preview(
    ours: Project, environment: str, profile: str, changes: dict[str, str]
) -> None:
    assert ours.run("stack", "init", environment).code == 0
    for key, value in changes.items():
        assert ours.run("config", "set", "--stack", environment, "--path", key, value).code == 0
    previewed = ours.preview(*pack(profile), stack=environment)
    assert previewed.code == 0, previewed.text[-6000:]
    # The contract holds the key's ARN, which AWS makes up.
    assert previewed.found == {"advisory": {"stack-secret-in-output"}}, previewed.text[-6000:]
    assert "mlstack cannot be known before the deployment" in previewed.text


def test_a_rule_that_raises_does_not_end_the_preview(bad: Project, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "__main__.py").write_text(BROKEN_PACK.format(root=str(ROOT)), encoding="utf-8")
    executable = folder / "run"
    executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" -u -m pulumi.policy "$1" "{folder}"\n', encoding="utf-8")
    executable.chmod(0o755)
    config = folder / "mandatory.json"
    config.write_text('{"all": "mandatory"}', encoding="utf-8")
    previewed = bad.preview("--policy-pack", str(executable), "--policy-pack-config", str(config))
    assert previewed.code == 0, previewed.text[-3000:]
    assert previewed.found == {"advisory": {"breaks", "breaks-on-stack"}}
    assert "rule breaks itself failed with RuntimeError: this rule is broken" in previewed.text
    assert "rule breaks-on-stack itself failed with RuntimeError: so is this one" in previewed.text


def test_a_deployed_state_can_be_judged_without_program_and_provider(bad: Project) -> None:
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "s.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    urn = "urn:pulumi:dev::bad::aws:iam/role:Role::role"
    inputs = {"assumeRolePolicy": json.dumps(trust)}
    role = {"urn": urn, "custom": True, "id": "role", "type": "aws:iam/role:Role", "inputs": inputs, "outputs": inputs}
    state = bad.directory / "state.json"
    state.write_text(json.dumps({"version": 3, "deployment": {"manifest": {}, "resources": [role]}}), encoding="utf-8")
    judged = bad.run("policy", "analyze", "--file", str(state), *pack("production"))
    assert judged.code != 0
    assert "iam-service-trust-without-account" in judged.text


def test_every_rule_that_no_bad_program_breaks_is_a_rule() -> None:
    assert set(NOT_DECLARED) <= set(BY_NAME)
