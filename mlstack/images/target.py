"""Where a stack's images go and who builds them: what the contract says of it, and how an image is named."""

import re
from dataclasses import dataclass
from typing import Self

from mlstack.contract import MLStackOutputs
from mlstack.errors import UsageError
from mlstack.images.cache import Cache

# components/names.py: what the build role may read.
CONTEXTS = "code-build-contexts"
PLATFORM = "linux/amd64"
"""Of SageMaker's instances, whatever this machine is."""
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageIdentifier.html
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LENGTH = 24


@dataclass(frozen=True, kw_only=True)
class Target:
    environment: str
    team: str | None
    """Of several, whose registry this is."""
    account_id: str
    region: str
    bucket: str
    prefix: str
    """Below which contexts lie in the bucket: `code-build-contexts/` or `<path of the store>/code-build-contexts/`."""
    registry: str
    """Host of the registry."""
    repository: str
    project: str | None
    """CodeBuild project, or None when the image builder is switched off."""
    cache: Cache
    """Through which base images may come."""

    @classmethod
    def of(cls, contract: MLStackOutputs) -> Self:
        """Raises UsageError for a stack without a container registry of ECR or an artifact store in S3."""
        components = contract.components
        if (registry := components.get("container_registry")) is None:
            raise UsageError(
                f"environment {contract.environment} has no container registry to put an image in",
                hint="set mlstack:containerRegistry to true and deploy it",
            )
        builder = components.get("image_builder")
        bucket, _, path = str(components["artifact_store"].configuration["path"]).removeprefix("s3://").partition("/")
        return cls(
            environment=contract.environment,
            team=contract.team,
            account_id=contract.account_id,
            region=contract.region,
            bucket=bucket,
            prefix="/".join([*filter(None, [path.strip("/")]), CONTEXTS, ""]),
            registry=str(registry.configuration["uri"]),
            repository=str(registry.configuration["default_repository"]),
            cache=Cache.of(contract),
            project=str(builder.configuration["code_build_project"]) if builder else None,
        )

    @property
    def image(self) -> str:
        """Without a tag."""
        return f"{self.registry}/{self.repository}"

    def key(self, content: str) -> str:
        """Of a context in the bucket: the same content has the same key."""
        return f"{self.prefix}mlstack/{content}.zip"


def content_tag(content: str) -> str:
    """The tag that says what an image was built from."""
    return f"content-{content[:_LENGTH]}"


def check_tag(tag: str) -> str:
    """Raises UsageError for one that ECR does not take."""
    if not _TAG.fullmatch(tag):
        raise UsageError(
            f"--tag is {tag!r}: the registry takes letters, digits, `_`, `.` and `-`, 128 at most, and neither `.` "
            "nor `-` first",
            hint="such as --tag v1.2.0; the repository's name is the stack's",
        )
    if tag.startswith("content-"):
        raise UsageError(f"--tag is {tag!r}: content-... is kept for what says what an image was built from")
    return tag


def docker_settings(image: str) -> str:
    """The line of Python that makes a pipeline run in exactly this image."""
    return f'DockerSettings(parent_image="{image}", skip_build=True)'
