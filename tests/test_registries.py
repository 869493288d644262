"""Nothing that comes as it is pulls from Docker Hub without an account: all that is shipped names another registry."""

import re
import subprocess
from pathlib import Path

import pytest

from mlstack.images import buildspec
from mlstack.images.base import DOCKER_HUB, PUBLIC, Base
from mlstack.images.builder import FOLDER
from tests.components.stacks import CASES, program
from tests.recording import record

ROOT = Path(__file__).parents[1]
_NAMED = re.compile(
    r"^\s*(?:-\s+)?(?:FROM(?:\s+--platform=\S+)?\s+|ARG\s+BASE=|image:\s*|container:\s*|uses:\s*docker://)"
    r"[\"']?(?P<image>[A-Za-z0-9$&{][^\s\"'#]*)",
    re.MULTILINE,
)
"""In Dockerfiles and in the files of CI systems."""
_REFERENCE = re.compile(rf"(?:{'|'.join(map(re.escape, DOCKER_HUB))})/[a-z0-9]")


def on_docker_hub(image: str) -> bool:
    """As Docker reads it: a name whose first part is no host is Docker Hub's."""
    host, slash, _ = image.partition("/")
    return host in DOCKER_HUB or not slash or not ("." in host or ":" in host or host == "localhost")


def pulled(text: str) -> list[str]:
    """Images of Docker Hub that a Dockerfile or a CI file names."""
    stages = set(re.findall(r"^FROM\s.*\sAS\s+(\S+)", text, re.MULTILINE | re.IGNORECASE))
    named = {found["image"] for found in _NAMED.finditer(text)} - stages - {"scratch"}
    return sorted(image for image in named if not image.startswith(("$", "{{")) and on_docker_hub(image))


def shipped() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and not name.startswith("tests/")]


def test_no_dockerfile_and_no_ci_file_pulls_from_docker_hub() -> None:
    files = [
        each for each in shipped() if each.suffix in (".yml", ".yaml", ".jinja") or each.name.startswith("Dockerfile")
    ]
    assert {FOLDER / "Dockerfile", ROOT / "examples/gitlab/gitlab-ci.yml"} <= set(files)
    found = {str(each.relative_to(ROOT)): images for each in files if (images := pulled(each.read_text()))}
    assert not found


@pytest.mark.parametrize(
    "line",
    ["image: python:3.12", "  image: 'someone/tool:1'", "FROM python:3.11-slim", "FROM docker.io/library/python:3",
     "ARG BASE=debian@sha256:0", "container: node:22", "  - uses: docker://alpine:3"],
)  # fmt: skip
def test_a_line_that_pulls_from_docker_hub_is_seen(line: str) -> None:
    assert pulled(f"a: b\n{line}\n")


def test_nothing_that_is_shipped_names_an_image_there() -> None:
    texts = {each: each.read_text(errors="replace") for each in shipped() if each.suffix != ".png" and each.is_file()}
    assert not {str(each): found[0] for each, text in texts.items() if (found := _REFERENCE.search(text))}


@pytest.mark.parametrize("case", CASES)
def test_no_stack_builds_in_an_image_of_docker_hub_or_caches_it_without_an_account(case: str) -> None:
    for each in record(program(CASES[case])).customs:
        if each.type.endswith(":Project"):
            image = each.inputs["environment"]["image"]
            assert image.startswith("aws/codebuild/") or not on_docker_hub(image), image
        elif each.type.endswith(":PullThroughCacheRule"):
            assert "docker.io" not in each.inputs["upstreamRegistryUrl"] or each.inputs["credentialArn"]


def test_what_images_are_built_in_and_upon_is_not_there() -> None:
    assert buildspec.IMAGE.startswith("aws/codebuild/")
    assert not on_docker_hub(PUBLIC)
    assert Base.parse(f"{PUBLIC}:1", origin="the default").host == "public.ecr.aws"
