"""Base images that come through the stack's cache: from a real registry that stands in for ECR Public."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest

from mlstack.errors import UsageError
from mlstack.images.base import Base
from mlstack.images.cache import Cache
from tests.images.loopback_registry import KIND, LoopbackRegistry
from tests.images.stack import Stack

PREFIX = "mlstack-dev.ecr-public"


@pytest.fixture
def code(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    root.mkdir()
    (root / "train.py").write_text("print('hello')\n")
    return root


def upon(code: Path, stack: Stack, name: str, tag: str, digest: str) -> str:
    """Writes a Dockerfile upon an image in the cache; the name of its repository."""
    repository = f"{PREFIX}/docker/library/{name}"
    base = f"{stack.target.registry}/{repository}:{tag}@{digest}"
    (code / "Dockerfile").write_text(f"FROM {base}\nCOPY . /app/\n")
    return repository


def repositories(stack: Stack) -> set[str]:
    return {each["repositoryName"] for each in stack.emulator.client("ecr").describe_repositories()["repositories"]}


def as_build_role(stack: Stack, repository: str, reference: str) -> tuple[int, str]:
    """What the registry answers the role that builds, when it asks for a manifest."""
    emulator = stack.emulator
    role = next(
        each["Arn"] for each in emulator.client("iam").list_roles()["Roles"] if each["Arn"].endswith("-codebuild")
    )
    session = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName="build")["Credentials"]
    ecr = boto3.client(
        "ecr",
        endpoint_url=emulator.endpoint,
        region_name=stack.target.region,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    connection = HTTPConnection("127.0.0.1", urlsplit(stack.proxy).port or 0, timeout=30)
    with closing(connection):
        where = f"http://{stack.target.registry}/v2/{repository}/manifests/{reference}"
        connection.request("GET", where, headers={"Authorization": f"Basic {token}", "Accept": KIND})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@contextmanager
def without(stack: Stack, action: str) -> Iterator[None]:
    """The build role lacks a right."""
    iam = stack.emulator.client("iam")
    role = next(each["RoleName"] for each in iam.list_roles()["Roles"] if each["RoleName"].endswith("-codebuild"))
    granted = json.dumps(iam.get_role_policy(RoleName=role, PolicyName="granted")["PolicyDocument"])
    assert action in granted
    less = granted.replace(action, "ecr:DescribeImages")
    iam.put_role_policy(RoleName=role, PolicyName="granted", PolicyDocument=less)
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="granted", PolicyDocument=granted)


@pytest.mark.parametrize("engine", ["codebuild", "buildah"])
def test_a_pinned_base_that_nobody_pulled_yet_comes_through_the_cache(
    stack: Stack, registry: LoopbackRegistry, code: Path, engine: str
) -> None:
    name = f"python-{engine}"
    digest = registry.push(f"docker/library/{name}", "3.11", engine, {"usr/base": engine.encode()})
    repository = upon(code, stack, name, "3.11", digest)
    assert repository not in repositories(stack)
    with pytest.raises(AssertionError, match="NAME_UNKNOWN"):
        stack.registry(f"manifests/{digest}", repository=repository)
    result = stack.built(code, "--engine", engine)
    files = stack.files(result["digest"])
    assert (files["usr/base"], files["app/train.py"]) == (engine.encode(), b"print('hello')\n")
    ecr = stack.emulator.client("ecr")
    (made,) = ecr.describe_repositories(repositoryNames=[repository])["repositories"]
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert made["imageTagMutability"] == "MUTABLE", "its tags could not follow those upstream"
    lifecycle = json.loads(ecr.get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"])
    assert [each["selection"]["countType"] for each in lifecycle["rules"]] == ["imageCountMoreThan"]
    (image,) = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert (image["imageDigest"], image["imageTags"]) == (digest, ["3.11"])


@pytest.mark.parametrize("action", ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"])
def test_without_a_right_nothing_comes_through_and_the_right_is_named(
    stack: Stack, registry: LoopbackRegistry, action: str
) -> None:
    name = f"docker/library/python-{action.partition(':')[2].lower()}"
    registry.push(name, "3.11", action)
    with without(stack, action):
        status, said = as_build_role(stack, f"{PREFIX}/{name}", "3.11")
    assert status == 403
    assert f"is not authorized to perform: {action}" in said
    assert f"{PREFIX}/{name}" not in repositories(stack)
    assert as_build_role(stack, f"{PREFIX}/{name}", "3.11")[0] == 200, "it was the right alone"


def test_what_is_cached_needs_neither_right_nor_the_upstream_and_stays_when_its_tag_goes_on(
    stack: Stack, registry: LoopbackRegistry
) -> None:
    name = "docker/library/python-cached"
    digest = registry.push(name, "3.11", "cached")
    assert as_build_role(stack, f"{PREFIX}/{name}", "3.11")[0] == 200
    later = registry.push(name, "3.11", "gone on")
    with without(stack, "ecr:BatchImportUpstreamImage"):
        assert as_build_role(stack, f"{PREFIX}/{name}", "3.11") == as_build_role(stack, f"{PREFIX}/{name}", digest)
    assert as_build_role(stack, f"{PREFIX}/{name}", later)[0] == 404, "nothing comes by its digest"


def test_what_the_upstream_has_not_makes_no_repository(stack: Stack) -> None:
    status, said = as_build_role(stack, f"{PREFIX}/docker/library/nowhere", "1")
    assert status == 404
    assert "public.ecr.aws: docker/library/nowhere" in said
    assert f"{PREFIX}/docker/library/nowhere" not in repositories(stack)
    status, said = as_build_role(stack, "mlstack-dev.docker-hub/library/python", "1")
    assert (status, "asks no registry but those" in said) == (404, True)


def test_a_pin_whose_tag_went_on_before_anybody_pulled_it_is_said_to_want_a_refresh(
    stack: Stack, registry: LoopbackRegistry, code: Path
) -> None:
    old = registry.push("docker/library/python-gone", "3.11", "old")
    registry.push("docker/library/python-gone", "3.11", "new")
    upon(code, stack, "python-gone", "3.11", old)
    done = stack.build(code, "--quiet")
    assert done.returncode == 1
    assert "a base image could not be pulled" in done.stderr
    assert "mlstack image init --refresh-base" in done.stderr


CACHED = Cache(
    host="1.dkr.ecr.eu-west-1.amazonaws.com", prefixes={"public.ecr.aws": PREFIX, "registry-1.docker.io": "d"}
)


@pytest.mark.parametrize(
    ("base", "cached"),
    [
        ("public.ecr.aws/docker/library/python:3.11", f"{PREFIX}/docker/library/python:3.11"),
        ("docker.io/python:3.11@sha256:" + "5" * 64, "d/library/python:3.11@sha256:" + "5" * 64),
        ("registry-1.docker.io/pytorch/pytorch:2.6", "d/pytorch/pytorch:2.6"),
        ("quay.io/a/b:1", None),
        ("public.ecr.aws/a/b@sha256:" + "5" * 64, None),
    ],
)
def test_a_base_is_named_through_the_cache_if_its_registry_is_cached_and_it_has_a_tag(
    base: str, cached: str | None
) -> None:
    read = Base.parse(base, origin="test")
    through = CACHED.through(read)
    assert str(through) == (f"{CACHED.host}/{cached}" if cached else base)
    back = CACHED.upstream(through)
    assert (back is None) == (cached is None)
    if back:
        assert CACHED.through(back) == through


def test_only_what_is_pinned_in_the_cache_is_asked_for_by_its_tag_first() -> None:
    pin = "@sha256:" + "5" * 64
    dockerfile = f"""
    FROM {CACHED.host}/not/at/the/beginning:1{pin}
FROM --platform=linux/amd64 {CACHED.host}/{PREFIX}/a:1{pin} AS one
FROM {CACHED.host}/{PREFIX}/a:1{pin}
FROM {CACHED.host}/{PREFIX}/by-tag:1
FROM {CACHED.host}/elsewhere/b:1{pin}
FROM public.ecr.aws/c:1{pin}
COPY --chown=1:1 --from={CACHED.host}/d/uv/uv:1{pin} /uv /bin/
COPY --from=one /a /b
"""
    assert CACHED.asked_first(dockerfile.encode()) == (
        f"{CACHED.host}/{PREFIX}/a:1",
        f"{CACHED.host}/d/uv/uv:1",
    )


def test_docker_hub_is_asked_for_no_digest_without_an_account() -> None:
    with pytest.raises(UsageError, match="not asked without an account"):
        Base.parse("docker.io/library/python:3.11", origin="--base").pinned()
