"""Base images of other registries, kept in ECR with the first pull."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pulumi import ComponentResource, ResourceOptions
from pulumi_aws.ecr import PullThroughCacheRule, RepositoryCreationTemplate

from components.iam import Statement
from components.names import Names
from components.sections import UpstreamSettings

SHORT = {
    "public.ecr.aws": "ecr-public",
    "quay.io": "quay",
    "ghcr.io": "ghcr",
    "registry-1.docker.io": "docker-hub",
}
"""What an upstream is called in the names of its images' repositories; https://docs.aws.amazon.com/AmazonECR/latest/
APIReference/API_CreatePullThroughCacheRule.html (upstreamRegistryUrl) has the addresses."""

WANTS_CREDENTIALS = frozenset({"ghcr.io", "registry-1.docker.io"})
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html"""

_PULL_THROUGH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
    "ecr:GetDownloadUrlForLayer",
)


@dataclass(frozen=True, kw_only=True)
class PullThroughCacheArgs:
    names: Names
    upstreams: tuple[UpstreamSettings, ...]
    image_count: int = 500
    """How many images each copy of a repository keeps, newest first."""


class PullThroughCache(ComponentResource):
    """A rule for each upstream, and a template for the repositories that ECR itself makes for its images.

    Those repositories are not of this stack: they stay when it goes.
    """

    def __init__(self, name: str, args: PullThroughCacheArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:PullThroughCache", name, {}, opts)
        mine = ResourceOptions(parent=self)
        for upstream in args.upstreams:
            short = SHORT[upstream.registry]
            prefix = args.names.cache_prefix(short)
            template = RepositoryCreationTemplate(
                f"{name}-{short}-repositories",
                prefix=prefix,
                applied_fors=["PULL_THROUGH_CACHE"],
                description=f"Copies of base images from {upstream.registry}",
                # A tag goes on naming what it names upstream, so it has to move. With a key of ours, or tags, ECR
                # would need a role of its own: https://docs.aws.amazon.com/AmazonECR/latest/userguide/
                # repository-creation-templates-create.html
                image_tag_mutability="MUTABLE",
                encryption_configurations=[{"encryption_type": "AES256"}],
                lifecycle_policy=_lifecycle(args.image_count),
                opts=mine,
            )
            PullThroughCacheRule(
                f"{name}-{short}",
                ecr_repository_prefix=prefix,
                upstream_registry_url=upstream.registry,
                credential_arn=upstream.credential_arn,
                # What the first pull makes is made by the template.
                opts=ResourceOptions(parent=self, depends_on=[template]),
            )
        self.register_outputs({})


def _lifecycle(count: int) -> str:
    """By number, never by age: a Dockerfile may name a digest long after its tag went on, and ECR does not fetch one by
    its digest again."""
    rule = {
        "rulePriority": 1,
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count},
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]}, separators=(",", ":"))


def prefixes(names: Names, upstreams: Iterable[UpstreamSettings]) -> Mapping[str, str]:
    """By registry: what the names of its images' repositories begin with."""
    return {each.registry: names.cache_prefix(SHORT[each.registry]) for each in upstreams}


def repository_arns(names: Names, upstreams: Iterable[UpstreamSettings]) -> tuple[str, ...]:
    """Of the repositories that ECR makes."""
    return tuple(names.arn("ecr", f"repository/{prefix}/*") for prefix in prefixes(names, upstreams).values())


def grant_pull_through(names: Names, upstreams: Iterable[UpstreamSettings]) -> tuple[Statement, ...]:
    """What building upon a cached image needs; nothing without upstreams."""
    resources = repository_arns(names, upstreams)
    if not resources:
        return ()
    return (
        Statement(
            sid="CachedBases",
            actions=_PULL_THROUGH,
            resources=resources,
            why="base images come through the cache: the first pull of one makes its repository and imports it, as "
            "whoever pulls",
            source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html",
        ),
    )
