"""ECR: what comes through from other registries, and the repositories that are made for it."""

from typing import Any

from mlstack.local.provider.schema import REGION, Call, ResourceType, Values, objects, string, strings
from mlstack.local.provider.types.aws import given, unless_gone

_NO_RULE = "PullThroughCacheRuleNotFoundException"
_NO_TEMPLATE = "TemplateNotFoundException"


def _create_rule(call: Call, inputs: Values) -> str:
    prefix = str(inputs["ecrRepositoryPrefix"])
    call.client.create_pull_through_cache_rule(
        ecrRepositoryPrefix=prefix,
        upstreamRegistryUrl=inputs["upstreamRegistryUrl"],
        **given(credentialArn=inputs.get("credentialArn")),
    )
    return prefix


def _read_rule(call: Call, prefix: str, state: Values) -> Values | None:
    found = unless_gone(lambda: call.client.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[prefix]), _NO_RULE)
    if found is None:
        return None
    rule: dict[str, Any] = found["pullThroughCacheRules"][0]
    return {
        "ecrRepositoryPrefix": prefix,
        "upstreamRegistryUrl": rule["upstreamRegistryUrl"],
        "credentialArn": rule.get("credentialArn"),
        "registryId": rule["registryId"],
    }


def _update_rule(call: Call, prefix: str, old: Values, new: Values) -> None:
    call.client.update_pull_through_cache_rule(
        ecrRepositoryPrefix=prefix, **given(credentialArn=new.get("credentialArn"))
    )


def _delete_rule(call: Call, prefix: str, state: Values) -> None:
    unless_gone(lambda: call.client.delete_pull_through_cache_rule(ecrRepositoryPrefix=prefix), _NO_RULE)


def _template(inputs: Values) -> dict[str, Any]:
    encryption = inputs.get("encryptionConfigurations")
    return given(
        appliedFor=inputs["appliedFors"],
        description=inputs.get("description"),
        encryptionConfiguration=encryption[0] if encryption else None,
        imageTagMutability=inputs.get("imageTagMutability", "MUTABLE"),
        lifecyclePolicy=inputs.get("lifecyclePolicy"),
    )


def _create_template(call: Call, inputs: Values) -> str:
    call.client.create_repository_creation_template(prefix=inputs["prefix"], **_template(inputs))
    return str(inputs["prefix"])


def _read_template(call: Call, prefix: str, state: Values) -> Values | None:
    found = unless_gone(lambda: call.client.describe_repository_creation_templates(prefixes=[prefix]), _NO_TEMPLATE)
    if found is None:
        return None
    template: dict[str, Any] = found["repositoryCreationTemplates"][0]
    encryption = template.get("encryptionConfiguration")
    return {
        "prefix": prefix,
        "appliedFors": template["appliedFor"],
        "description": template.get("description"),
        "encryptionConfigurations": [encryption] if encryption else None,
        "imageTagMutability": template["imageTagMutability"],
        "lifecyclePolicy": template.get("lifecyclePolicy"),
        "registryId": found["registryId"],
    }


def _update_template(call: Call, prefix: str, old: Values, new: Values) -> None:
    call.client.update_repository_creation_template(prefix=prefix, **_template(new))


def _delete_template(call: Call, prefix: str, state: Values) -> None:
    unless_gone(lambda: call.client.delete_repository_creation_template(prefix=prefix), _NO_TEMPLATE)


TYPES = (
    ResourceType(
        token="aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        service="ecr",
        properties={
            "ecrRepositoryPrefix": string(required=True, forces_new=True),
            "upstreamRegistryUrl": string(required=True, forces_new=True),
            "credentialArn": string(),
            "region": REGION,
        },
        outputs=("registryId",),
        name="ecrRepositoryPrefix",
        create=_create_rule,
        read=_read_rule,
        update=_update_rule,
        delete=_delete_rule,
    ),
    ResourceType(
        token="aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
        service="ecr",
        properties={
            "prefix": string(required=True, forces_new=True),
            "appliedFors": strings(
                required=True, unordered=True, choices=("CREATE_ON_PUSH", "PULL_THROUGH_CACHE", "REPLICATION")
            ),
            "description": string(),
            "encryptionConfigurations": objects({"encryptionType": string(default="AES256", choices=("AES256",))}),
            "imageTagMutability": string(default="MUTABLE", choices=("MUTABLE", "IMMUTABLE")),
            "lifecyclePolicy": string(json=True),
            "region": REGION,
        },
        outputs=("registryId",),
        name="prefix",
        create=_create_template,
        read=_read_template,
        update=_update_template,
        delete=_delete_template,
    ),
)
