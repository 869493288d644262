"""What exists in the emulator: for the demo's table and for tests that nothing is left."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from mlstack.local.aws.server_user import SERVER_USER

_OPERATOR = {"aws_access_key_id": "mlstack-local", "aws_secret_access_key": "mlstack-local"}


@dataclass(frozen=True, order=True)
class Resource:
    service: str
    kind: str
    name: str
    arn: str
    given: bool = False
    """Nobody deployed it: ZenML's own identity, and the log groups that SageMaker makes for its jobs."""


def inventory(endpoint: str, region: str = "eu-west-1") -> list[Resource]:
    """All resources of the kinds that an ML stack consists of, sorted. A key pending deletion is gone, as on AWS."""
    import boto3
    from botocore.config import Config

    session = boto3.Session(**_OPERATOR, region_name=region)
    # Clients are made one after another: boto3's sessions are not made for threads, its clients are.
    config = Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=20)
    clients = {each: session.client(each, endpoint_url=endpoint, config=config) for each, _ in _LISTS}
    with ThreadPoolExecutor(len(_LISTS)) as pool:
        found = pool.map(lambda each: list(each[1](clients[each[0]])), _LISTS)
        return sorted(resource for resources in found for resource in resources)


def _all(client: Any, operation: str, key: str) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate():
        yield from page[key]


def _buckets(s3: Any) -> Iterator[Resource]:
    for each in s3.list_buckets()["Buckets"]:
        yield Resource("s3", "bucket", each["Name"], f"arn:aws:s3:::{each['Name']}")


def _repositories(ecr: Any) -> Iterator[Resource]:
    for each in _all(ecr, "describe_repositories", "repositories"):
        yield Resource("ecr", "repository", each["repositoryName"], each["repositoryArn"])
    for each in _all(ecr, "describe_pull_through_cache_rules", "pullThroughCacheRules"):
        yield Resource("ecr", "pull-through cache rule", each["ecrRepositoryPrefix"], "")
    for each in _all(ecr, "describe_repository_creation_templates", "repositoryCreationTemplates"):
        yield Resource("ecr", "repository creation template", each["prefix"], "")


def _identities(iam: Any) -> Iterator[Resource]:
    for each in _all(iam, "list_roles", "Roles"):
        yield Resource("iam", "role", each["RoleName"], each["Arn"])
    for each in _all(iam, "list_users", "Users"):
        yield Resource("iam", "user", each["UserName"], each["Arn"], given=each["UserName"] == SERVER_USER)
    for page in iam.get_paginator("list_policies").paginate(Scope="Local"):
        for each in page["Policies"]:
            yield Resource("iam", "policy", each["PolicyName"], each["Arn"])


def _keys(kms: Any) -> Iterator[Resource]:
    alive = set()
    for each in _all(kms, "list_keys", "Keys"):
        key = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
        if key["KeyManager"] == "CUSTOMER" and key["KeyState"] not in ("PendingDeletion", "PendingReplicaDeletion"):
            alive.add(each["KeyId"])
            yield Resource("kms", "key", each["KeyId"], each["KeyArn"])
    for each in _all(kms, "list_aliases", "Aliases"):
        # An alias outlives its key's scheduled deletion: on AWS too, until the key is gone.
        if not each["AliasName"].startswith("alias/aws/") and each.get("TargetKeyId") in alive:
            yield Resource("kms", "alias", each["AliasName"], each["AliasArn"])


def _log_groups(logs: Any) -> Iterator[Resource]:
    for each in _all(logs, "describe_log_groups", "logGroups"):
        name = each["logGroupName"]
        yield Resource("logs", "log group", name, each["arn"], given=name.startswith("/aws/sagemaker/"))


def _projects(codebuild: Any) -> Iterator[Resource]:
    if names := list(_all(codebuild, "list_projects", "projects")):
        for each in codebuild.batch_get_projects(names=names)["projects"]:
            yield Resource("codebuild", "project", each["name"], each["arn"])


def _pipelines(sagemaker: Any) -> Iterator[Resource]:
    for each in _all(sagemaker, "list_pipelines", "PipelineSummaries"):
        yield Resource("sagemaker", "pipeline", each["PipelineName"], each["PipelineArn"])


def _schedules(scheduler: Any) -> Iterator[Resource]:
    for each in _all(scheduler, "list_schedules", "Schedules"):
        yield Resource("scheduler", "schedule", each["Name"], each["Arn"])


_LISTS: tuple[tuple[str, Callable[[Any], Iterator[Resource]]], ...] = (
    ("s3", _buckets),
    ("ecr", _repositories),
    ("iam", _identities),
    ("kms", _keys),
    ("logs", _log_groups),
    ("codebuild", _projects),
    ("sagemaker", _pipelines),
    ("scheduler", _schedules),
)
