"""Two environments that would own the same are refused before anything is declared."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.collisions import refuse_collisions, reserved
from components.configuration import beside, from_file
from components.problems import SettingsError
from tests.components.stacks import CASES, MINIMAL, program, settings
from tests.recording import record

ROOT = Path(__file__).parents[2]

NAMED = {
    "aws:s3/bucket:Bucket": ("bucket", "bucket {}"),
    "aws:ecr/repository:Repository": ("name", "repository {}"),
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": ("ecrRepositoryPrefix", "base images {}"),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": ("prefix", "base images {}"),
    "aws:iam/role:Role": ("name", "role {}"),
    "aws:iam/user:User": ("name", "user {}"),
    "aws:codebuild/project:Project": ("name", "build project {}"),
    "aws:cloudwatch/logGroup:LogGroup": ("name", "log group {}"),
    "aws:kms/alias:Alias": ("name", "key {}"),
}
"""What has a name that is one in an account: its property, and what a collision calls it."""
NAMED_WITHIN = {
    "aws:ec2/securityGroup:SecurityGroup": "its VPC",
    "aws:iam/rolePolicy:RolePolicy": "its role",
    "aws:iam/userPolicy:UserPolicy": "its user",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "its repository",
}


@pytest.mark.parametrize("case", CASES)
def test_every_name_that_the_program_gives_is_reserved_for_its_environment(case: str) -> None:
    known = set(reserved(settings(CASES[case])).values())
    for each in record(program(CASES[case])).customs:
        if each.type in NAMED:
            property_, words = NAMED[each.type]
            assert words.format(each.inputs[property_]) in known
        else:
            assert "name" not in each.inputs or each.type in NAMED_WITHIN, f"{each.type} has a name, unique in what?"


def test_an_environment_whose_bucket_is_anothers_log_bucket_is_refused_with_one_message() -> None:
    with pytest.raises(SettingsError) as refused:
        refuse_collisions(settings(environment="dev"), [settings(environment="dev-logs"), settings(environment="prod")])
    assert len(refused.value.problems) == 1
    assert "dev and dev-logs (Pulumi.dev-logs.yaml) would both own bucket mlstack-dev-logs-" in str(refused.value)


def test_a_name_and_an_environment_that_make_the_same_together_are_refused() -> None:
    one = settings({"mlstack:name": "ml"}, environment="a-bb")
    other = settings({"mlstack:name": "ml-a"}, environment="bb")
    with pytest.raises(SettingsError, match=r"would both own bucket ml-a-bb-123456789012-eu-west-1 and \d+ more"):
        refuse_collisions(one, [other])
    elsewhere = settings({"mlstack:name": "ml-a", "aws:region": "eu-west-2"}, environment="bb")
    refuse_collisions(one, [elsewhere])


def test_two_environments_may_use_the_same_existing_bucket_and_repository() -> None:
    theirs = {
        "mlstack:artifactStore": '{"mode": "existing", "bucket": "of-the-company"}',
        "mlstack:repository": '{"mode": "existing", "name": "of-the-company"}',
    }
    both = [settings({**theirs, "mlstack:name": name}, environment=name) for name in ("one", "two")]
    assert "bucket of-the-company" not in reserved(both[0]).values()
    refuse_collisions(both[0], both[1:])


def test_the_environments_that_come_with_the_program_own_nothing_together() -> None:
    for file in ROOT.glob("Pulumi.*.yaml"):
        own = from_file(file)
        refuse_collisions(own, beside(ROOT, own.environment))


def test_an_environment_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.broken.yaml").write_text("config: [", encoding="utf-8")
    assert list(beside(tmp_path, "dev")) == []


def test_check_says_it_of_both_files_and_changes_nothing(tmp_path: Path) -> None:
    text = "config:\n" + "".join(f"  {key}: {value}\n" for key, value in MINIMAL.items())
    for name in ("dev", "dev-logs"):
        (tmp_path / f"Pulumi.{name}.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mlstack", "check"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("would both own") == 2
    assert "Traceback" not in done.stderr
