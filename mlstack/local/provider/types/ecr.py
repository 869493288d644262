"""ECR: the repository and its lifecycle policy."""

from typing import Any

from mlstack.local.provider.schema import REGION, TAGS, Call, ResourceType, Values, boolean, name, objects, one, string
from mlstack.local.provider.types.aws import from_pairs, given, pairs, unless_gone

_GONE = "RepositoryNotFoundException"
_MUTABILITY = ("MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION")


def _filters(inputs: Values) -> list[dict[str, str]] | None:
    filters = inputs.get("imageTagMutabilityExclusionFilters")
    return [{"filter": each["filter"], "filterType": each["filterType"]} for each in filters] if filters else None


def _create(call: Call, inputs: Values) -> str:
    encryption = inputs.get("encryptionConfigurations") or [{}]
    call.client.create_repository(
        repositoryName=inputs["name"],
        tags=pairs(call.tags),
        **given(
            imageTagMutability=inputs.get("imageTagMutability"),
            imageTagMutabilityExclusionFilters=_filters(inputs),
            imageScanningConfiguration=inputs.get("imageScanningConfiguration"),
            encryptionConfiguration=given(
                encryptionType=encryption[0].get("encryptionType", "AES256"), kmsKey=encryption[0].get("kmsKey")
            ),
        ),
    )
    return str(inputs["name"])


def _read(call: Call, name: str, state: Values) -> Values | None:
    found = unless_gone(lambda: call.client.describe_repositories(repositoryNames=[name]), _GONE)
    if found is None:
        return None
    repository: dict[str, Any] = found["repositories"][0]
    encryption = repository.get("encryptionConfiguration", {})
    tags = call.client.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
    return {
        "name": name,
        "imageTagMutability": repository["imageTagMutability"],
        "imageTagMutabilityExclusionFilters": repository.get("imageTagMutabilityExclusionFilters") or None,
        "imageScanningConfiguration": {"scanOnPush": repository["imageScanningConfiguration"]["scanOnPush"]},
        "encryptionConfigurations": [
            given(encryptionType=encryption.get("encryptionType", "AES256"), kmsKey=encryption.get("kmsKey"))
        ],
        "tags": from_pairs(tags),
        "arn": repository["repositoryArn"],
        "registryId": repository["registryId"],
        "repositoryUrl": repository["repositoryUri"],
    }


def _update(call: Call, name: str, old: Values, new: Values) -> None:
    call.client.put_image_tag_mutability(
        repositoryName=name,
        imageTagMutability=new.get("imageTagMutability", "MUTABLE"),
        **given(imageTagMutabilityExclusionFilters=_filters(new)),
    )
    scanning = new.get("imageScanningConfiguration") or {"scanOnPush": False}
    call.client.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration=scanning)
    arn = call.client.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
    before = from_pairs(call.client.list_tags_for_resource(resourceArn=arn)["tags"])
    if dropped := sorted(set(before) - set(call.tags)):
        call.client.untag_resource(resourceArn=arn, tagKeys=dropped)
    call.client.tag_resource(resourceArn=arn, tags=pairs(call.tags))


def _delete(call: Call, name: str, state: Values) -> None:
    force = bool(state.get("forceDelete"))
    unless_gone(lambda: call.client.delete_repository(repositoryName=name, force=force), _GONE)


def _put_lifecycle(call: Call, inputs: Values) -> str:
    call.client.put_lifecycle_policy(repositoryName=inputs["repository"], lifecyclePolicyText=inputs["policy"])
    return str(inputs["repository"])


def _read_lifecycle(call: Call, name: str, state: Values) -> Values | None:
    found = unless_gone(
        lambda: call.client.get_lifecycle_policy(repositoryName=name), "LifecyclePolicyNotFoundException", _GONE
    )
    if found is None:
        return None
    return {"repository": name, "policy": found["lifecyclePolicyText"], "registryId": found["registryId"]}


TYPES = (
    ResourceType(
        token="aws:ecr/repository:Repository",
        service="ecr",
        properties={
            "name": name(),
            "imageTagMutability": string(default="MUTABLE", choices=_MUTABILITY),
            "imageTagMutabilityExclusionFilters": objects(
                {"filter": string(required=True), "filterType": string(required=True, choices=("WILDCARD",))},
                unordered=True,
            ),
            "imageScanningConfiguration": one({"scanOnPush": boolean(required=True)}, default={"scanOnPush": False}),
            "encryptionConfigurations": objects(
                {"encryptionType": string(default="AES256", choices=("AES256", "KMS", "KMS_DSSE")), "kmsKey": string()},
                forces_new=True,
                default=[{"encryptionType": "AES256"}],
            ),
            "forceDelete": boolean(default=False),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "registryId", "repositoryUrl"),
        name="name",
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        not_returned=("forceDelete",),
    ),
    ResourceType(
        token="aws:ecr/lifecyclePolicy:LifecyclePolicy",
        service="ecr",
        properties={
            "repository": string(required=True, forces_new=True),
            # Any change replaces it, as in the real plugin.
            "policy": string(required=True, json=True, forces_new=True),
            "region": REGION,
        },
        outputs=("registryId",),
        name="repository",
        create=_put_lifecycle,
        read=_read_lifecycle,
        delete=lambda call, name, state: unless_gone(
            lambda: call.client.delete_lifecycle_policy(repositoryName=name), "LifecyclePolicyNotFoundException", _GONE
        ),
    ),
)
