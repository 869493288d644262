"""The definition of the build image, and how the program uses what was published; nothing is built here."""

import json
import re

import pytest

from mlstack.contract import MLStackOutputs
from mlstack.errors import UsageError
from mlstack.images.builder.publish import SETTING, TAG, Publication, definition
from tests.components.stacks import CASES, program
from tests.recording import record

CASE = "keys of AWS"
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/mlstack-dev@sha256:{'0' * 64}"


def test_nothing_in_it_is_whatever_there_is_that_day() -> None:
    with definition(None) as directory:
        text = (directory / "Dockerfile").read_text()
        assert (directory / "docker").stat().st_mode & 0o777 == 0o755
    assert not directory.exists()
    assert re.findall(r"^FROM (.*)$", text, re.MULTILINE) == ["$BASE"]
    assert re.search(r"^ARG BASE=public\.ecr\.aws/docker/library/debian@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    archives = re.findall(r"http://\S+", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    assert len(archives) == 2
    assert all(re.fullmatch(r"http://snapshot\.debian\.org/archive/\S+/\d{8}T\d{6}Z", each) for each in archives)


def test_another_base_takes_the_place_of_the_first() -> None:
    with definition(IMAGE) as directory:
        lines = (directory / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("ARG BASE=")] == [f"ARG BASE={IMAGE}"]


@pytest.mark.parametrize("base", ["debian", "debian:12-slim", "debian@sha256:12", f"{IMAGE}\nRUN true", ""])
def test_a_base_without_a_digest_is_refused(base: str) -> None:
    with pytest.raises(UsageError, match="--base") as refused, definition(base):
        pass
    assert "sha256" in (refused.value.hint or "")


def test_what_was_published_does_not_expire_with_the_images_of_pipelines() -> None:
    """Rules are applied by priority, and an image that one matches is none of a later one's."""
    policy = json.loads(record(program(CASES[CASE])).of("aws:ecr/lifecyclePolicy:LifecyclePolicy").inputs["policy"])
    tagged = [each for each in policy["rules"] if each["selection"]["tagStatus"] == "tagged"]
    first, last = sorted(tagged, key=lambda each: int(each["rulePriority"]))
    assert first["selection"]["tagPatternList"] == [f"{TAG}*"]
    assert last["selection"]["tagPatternList"] == ["*"]


def test_the_setting_makes_the_project_pull_it_with_its_own_role_and_zenml_name_it() -> None:
    key, _, name = SETTING.partition(".")
    recording = record(program({**CASES[CASE], key: json.dumps({name: IMAGE})}))
    environment = recording.of("aws:codebuild/project:Project").inputs["environment"]
    assert environment["image"] == IMAGE
    assert environment["imagePullCredentialsType"] == "SERVICE_ROLE"
    contract = MLStackOutputs.parse(recording.of("MLStack").outputs[0]["contract"], origin=CASE)
    assert contract.components["image_builder"].configuration["build_image"] == IMAGE
    policies = [each.inputs["policy"] for each in recording.customs if each.type == "aws:iam/rolePolicy:RolePolicy"]
    pulling = [each for each in policies if "ecr:GetDownloadUrlForLayer" in each and "ecr:PutImage" in each]
    assert any(f":repository/{IMAGE.partition('/')[2].partition('@')[0]}" in each for each in pulling)


def test_nothing_is_published_where_nothing_would_use_it() -> None:
    contract = record(program(CASES["no image builder"])).of("MLStack").outputs[0]["contract"]
    with definition(None) as directory, pytest.raises(UsageError, match="dev is switched off") as refused:
        Publication(MLStackOutputs.parse(contract, origin=CASE), directory, engine="auto", quiet=True, stack=None)
    assert "mlstack:imageBuilder to true" in (refused.value.hint or "")
