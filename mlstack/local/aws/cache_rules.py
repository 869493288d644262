"""ECR's pull-through cache rules and the templates of the repositories that it makes, which moto does not know.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.responses import ECRResponse

from mlstack.local.aws.registry_refusal import Refusal

_PREFIX = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)*")
_PREFIX_LENGTH = range(2, 31)
_CREDENTIALS = re.compile(r"arn:aws(?:-\w+)*:secretsmanager:[a-zA-Z0-9:-]+:secret:ecr-pullthroughcache/[\w/+=.@-]+")
_UPSTREAMS = {
    "public.ecr.aws": "ecr-public",
    "quay.io": "quay",
    "registry.k8s.io": "k8s",
    "ghcr.io": "github-container-registry",
    "registry-1.docker.io": "docker-hub",
    "registry.gitlab.com": "gitlab-container-registry",
}
_OPEN = frozenset({"ecr-public", "quay", "k8s"})
"""Those that ask for no account."""

Place = tuple[str, str]
"""Account and region: one registry."""
Stored = dict[Place, dict[str, dict[str, Any]]]


class CacheRules:
    """What was created, by prefix."""

    def __init__(self) -> None:
        self._rules: Stored = {}
        self._templates: Stored = {}

    def mend_ecr(self) -> None:
        """Patches moto: the calls that it lacks."""
        for name, answer in {
            "create_pull_through_cache_rule": self._create_rule,
            "describe_pull_through_cache_rules": self._describe_rules,
            "update_pull_through_cache_rule": self._update_rule,
            "delete_pull_through_cache_rule": self._delete_rule,
            "create_repository_creation_template": self._create_template,
            "describe_repository_creation_templates": self._describe_templates,
            "update_repository_creation_template": self._update_template,
            "delete_repository_creation_template": self._delete_template,
        }.items():
            setattr(ECRResponse, name, _answering(answer))

    def rule_of(self, place: Place, repository: str) -> dict[str, Any] | None:
        """The rule whose prefix a repository's name begins with."""
        return _below(self._rules.get(place, {}), repository)

    def template_of(self, place: Place, repository: str) -> dict[str, Any]:
        """How ECR makes a repository for the cache; empty without a template."""
        found = _below(self._templates.get(place, {}), repository) or {}
        return found if "PULL_THROUGH_CACHE" in found.get("appliedFor", ()) else {}

    def _create_rule(self, place: Place, asked: dict[str, Any]) -> dict[str, Any]:
        prefix, url = asked["ecrRepositoryPrefix"], asked["upstreamRegistryUrl"]
        if len(prefix) not in _PREFIX_LENGTH or not _PREFIX.fullmatch(prefix):
            raise Refusal("InvalidParameterException", f"'{prefix}' is no prefix for repositories")
        if (upstream := _UPSTREAMS.get(url)) is None:
            raise Refusal("UnsupportedUpstreamRegistryException", f"The upstream registry {url} is not supported")
        if upstream not in _OPEN and not asked.get("credentialArn"):
            raise Refusal("InvalidParameterException", f"A credentialArn is required for the upstream registry {url}")
        _check_credentials(asked)
        rules = self._rules.setdefault(place, {})
        if prefix in rules:
            told = f"A pull through cache rule with the repository prefix '{prefix}' already exists"
            raise Refusal("PullThroughCacheRuleAlreadyExistsException", told)
        rules[prefix] = {
            **_named(asked, *_RULE),
            "registryId": place[0],
            "upstreamRegistry": upstream,
            **_now("createdAt"),
        }
        return rules[prefix]

    def _describe_rules(self, place: Place, asked: dict[str, Any]) -> dict[str, Any]:
        rules = self._rules.get(place, {})
        wanted = asked.get("ecrRepositoryPrefixes") or list(rules)
        return {"pullThroughCacheRules": [self._rule(place, prefix) for prefix in wanted]}

    def _update_rule(self, place: Place, asked: dict[str, Any]) -> dict[str, Any]:
        _check_credentials(asked)
        rule = self._rule(place, asked["ecrRepositoryPrefix"])
        rule |= {**_named(asked, "credentialArn"), **_now("updatedAt")}
        return rule

    def _delete_rule(self, place: Place, asked: dict[str, Any]) -> dict[str, Any]:
        rule = self._rule(place, asked["ecrRepositoryPrefix"])
        return self._rules[place].pop(rule["ecrRepositoryPrefix"])

    def _rule(self, place: Place, prefix: str) -> dict[str, Any]:
        if (rule := self._rules.get(place, {}).get(prefix)) is None:
            told = f"The pull through cache rule with the repository prefix '{prefix}' does not exist"
            raise Refusal("PullThroughCacheRuleNotFoundException", told)
        return rule

    def _create_template(self, place: Place, asked: dict[str, Any]) -> dict[str, Any]:
        templates, prefix = self._templates.setdefault(place, {}), asked["prefix"]
        if not _PREFIX.fullmatch(prefix):
            raise Refusal("InvalidParameterException", f"'{prefix}' is no prefix for repositories")
        if prefix in templates:
            told = f"A repository creation template with the prefix '{prefix}' already exists"
            raise Refusal("TemplateAlreadyExistsException", told)
        if not asked.get("customRoleArn") and (asked.get("resourceTags") or _own_key(asked)):
            raise Refusal("InvalidParameterException", "Tags, and encryption with KMS, need a customRoleArn")
        templates[prefix] = {"imageTagMutability": "MUTABLE", **_named(asked, *_TEMPLATE), **_now("createdAt")}
        return {"registryId": place[0], "repositoryCreationTemplate": templates[prefix]}

    def _describe_templates(self, place: Place, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = asked.get("prefixes") or list(self._templates.get(place, {}))
        found = [self._template(place, prefix) for prefix in wanted]
        return {"registryId": place[0], "repositoryCreationTemplates": found}

    def _update_template(self, place: Place, asked: dict[str, Any]) -> dict[str, Any]:
        template = self._template(place, asked["prefix"])
        template |= {**_named(asked, *_TEMPLATE), **_now("updatedAt")}
        return {"registryId": place[0], "repositoryCreationTemplate": template}

    def _delete_template(self, place: Place, asked: dict[str, Any]) -> dict[str, Any]:
        template = self._template(place, asked["prefix"])
        return {"registryId": place[0], "repositoryCreationTemplate": self._templates[place].pop(template["prefix"])}

    def _template(self, place: Place, prefix: str) -> dict[str, Any]:
        if (template := self._templates.get(place, {}).get(prefix)) is None:
            told = f"The repository creation template with the prefix '{prefix}' does not exist"
            raise Refusal("TemplateNotFoundException", told)
        return template


_RULE = ("ecrRepositoryPrefix", "upstreamRegistryUrl", "credentialArn")
_TEMPLATE = (
    *("prefix", "appliedFor", "description", "encryptionConfiguration", "imageTagMutability"),
    *("lifecyclePolicy", "repositoryPolicy", "resourceTags", "customRoleArn"),
)


def _answering(answer: Callable[[Place, dict[str, Any]], dict[str, Any]]) -> Callable[[Any], ActionResult]:
    def respond(request: Any) -> ActionResult:
        return ActionResult(answer((request.current_account, request.region), json.loads(request.body or "{}")))

    return respond


def _named(asked: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: asked[name] for name in names if asked.get(name) is not None}


def _now(name: str) -> dict[str, Any]:
    return {name: datetime.now(UTC)}


def _below(stored: dict[str, dict[str, Any]], repository: str) -> dict[str, Any] | None:
    return next((each for prefix, each in stored.items() if repository.startswith(f"{prefix}/")), None)


def _check_credentials(asked: dict[str, Any]) -> None:
    if (arn := asked.get("credentialArn")) and not _CREDENTIALS.fullmatch(arn):
        raise Refusal("InvalidParameterException", f"'{arn}' is no secret whose name begins with ecr-pullthroughcache/")


def _own_key(asked: dict[str, Any]) -> bool:
    return bool((asked.get("encryptionConfiguration") or {}).get("encryptionType", "AES256") != "AES256")
