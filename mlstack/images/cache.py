"""The stack's pull-through cache: what an image of another registry is called there, and back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from mlstack.contract import MLStackOutputs
from mlstack.images.base import DOCKER_HUB, Base

FROM = re.compile(r"^(?P<before>FROM\s+(?:--platform=\S+\s+)?)(?P<image>\S+)", re.IGNORECASE | re.MULTILINE)
_COPIED = re.compile(r"^COPY\s[^\n]*--from=(?P<image>\S+)", re.IGNORECASE | re.MULTILINE)
_ARGUMENT = re.compile(r"^ARG\s+\w+=(?P<image>\S+)", re.IGNORECASE | re.MULTILINE)
"""That a FROM may name."""
_ASKED_AS = "registry-1.docker.io"
"""What AWS calls Docker Hub."""


@dataclass(frozen=True, kw_only=True)
class Cache:
    host: str
    """Of the stack's registry."""
    prefixes: Mapping[str, str]
    """By registry: what the names of its images begin with in the stack's. Empty without a cache."""

    @classmethod
    def of(cls, contract: MLStackOutputs) -> Self:
        registry = contract.components.get("container_registry")
        host = str(registry.configuration["uri"]) if registry else ""
        return cls(host=host, prefixes=contract.pull_through_cache)

    def through(self, base: Base) -> Base:
        """The same image through the cache, or as it is: from a registry that is not cached, or named by no tag.

        ECR fetches an image by its tag alone: https://github.com/aws/containers-roadmap/issues/2837
        """
        host = _ASKED_AS if base.host in DOCKER_HUB else base.host
        if host not in self.prefixes or base.tag is None:
            return base
        name = f"library/{base.name}" if host == _ASKED_AS and "/" not in base.name else base.name
        return replace(base, host=self.host, name=f"{self.prefixes[host]}/{name}")

    def upstream(self, base: Base) -> Base | None:
        """What `base` is called where it comes from; None when it does not come through the cache."""
        if base.host != self.host:
            return None
        for host, prefix in self.prefixes.items():
            if base.name.startswith(f"{prefix}/"):
                return replace(base, host=host, name=base.name.removeprefix(f"{prefix}/"))
        return None

    def asked_first(self, dockerfile: bytes) -> tuple[str, ...]:
        """The images that a Dockerfile pins to a digest in the cache, by the tags that they have to be asked for by."""
        text = dockerfile.decode("utf-8", "replace")
        named = [found["image"] for pattern in (FROM, _COPIED, _ARGUMENT) for found in pattern.finditer(text)]
        bases = (found for each in named if (found := Base.read(each)) and found.tag and found.digest)
        return tuple(dict.fromkeys(str(replace(each, digest=None)) for each in bases if self.upstream(each)))
