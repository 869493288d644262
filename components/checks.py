"""Settings that are each right but do not go together."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pydantic import TypeAdapter, ValidationError

from components.cache_checks import of_pull_through_cache
from components.existing_checks import of_existing
from components.flavors import known_keys
from components.ignored import traps
from components.limits import NamePart
from components.names import partition_of
from components.problems import Problem, is_missing, only_with, remove_command, set_command, shown
from components.settings import NAMESPACE, AwsSettings, StackSettings
from components.team_checks import of_teams
from mlstack.errors import nearest

# What an environment may hold beside ours: aws is the plugin's, pulumi the engine's own (pulumi:tags).
NAMESPACES = (NAMESPACE, "aws", "pulumi")

# The contract is not a secret; a credential in it would be one. The service connectors make them needless.
_CREDENTIALS = frozenset(
    {"key", "secret", "token", "authentication_secret", "aws_access_key_id", "aws_secret_access_key", "aws_profile"}
)
_MADE_HERE = frozenset(
    {
        "path",
        "uri",
        "default_repository",
        "execution_role",
        "scheduler_role",
        "role",
        "bucket",
        "region",
        "code_build_project",
    }
)

_WITHOUT_RIGHTS = frozenset({"use_training_step", "processor_args", "processor_role"})


def between(stack: StackSettings, aws: AwsSettings | None) -> list[Problem]:
    """Problems between the settings of one environment."""
    return of_teams(stack, lambda own: _between(own, aws)) if stack.teams else _between(stack, aws)


def _between(stack: StackSettings, aws: AwsSettings | None) -> list[Problem]:
    return [
        *_registry_is_needed(stack),
        *_connector(stack, aws),
        *_encryption(stack, aws),
        *_access_logs(stack),
        *_roles(stack, aws),
        *_network(stack, aws),
        *of_pull_through_cache(stack, aws),
        *of_existing(stack, aws),
        *_extra_configurations(stack),
        *_kept_data(stack),
    ]


def of_namespaces(config: Mapping[str, str]) -> list[Problem]:
    """Keys that nobody reads, because their namespace is misspelt."""
    problems = []
    for key in config:
        space, separator, _ = key.partition(":")
        if not separator:
            problems.append(Problem(key, f"has no namespace: write {NAMESPACE}:{key}", remove_command(key)))
        elif space not in NAMESPACES:
            problems.append(Problem(key, f"is read by nobody{nearest(space, NAMESPACES)}", remove_command(key)))
    return problems


def of_environment(environment: str) -> list[Problem]:
    """The Pulumi stack's name becomes part of every name in AWS."""
    try:
        TypeAdapter(NamePart).validate_python(environment)
    except ValidationError:
        rule = "use 2 to 24 lower-case letters, digits and single hyphens, starting with a letter"
        return [Problem("environment", f"is {shown(environment)}: {rule}", "pulumi stack rename dev")]
    return []


def _registry_is_needed(stack: StackSettings) -> list[Problem]:
    if stack.container_registry:
        return []
    users = {
        "orchestrator": stack.orchestrator == "sagemaker",
        "stepOperator": stack.step_operator,
        "imageBuilder": stack.image_builder,
    }
    return [
        Problem(
            f"{NAMESPACE}:containerRegistry",
            f"is false, but {NAMESPACE}:{user} works with images from it: switch both on or off",
            set_command(f"{NAMESPACE}:containerRegistry", True),
        )
        for user, needs_it in users.items()
        if needs_it
    ][:1]


def _kept_data(stack: StackSettings) -> list[Problem]:
    """Production's data goes only when that is said twice: it is not protected, and it is emptied."""
    if stack.profile != "production" or not stack.protect:
        return []
    forced = [
        field.alias or name
        for name, field in StackSettings.model_fields.items()
        if name.endswith(("_force_destroy", "_force_delete")) and getattr(stack, name)
    ]
    rule = f"in production what is protected is not emptied; to let it go, set {NAMESPACE}:protect to false too"
    return [
        Problem(f"{NAMESPACE}:{alias}", f"is true: {rule}", remove_command(f"{NAMESPACE}:{alias}")) for alias in forced
    ]


def _connector(stack: StackSettings, aws: AwsSettings | None) -> list[Problem]:
    key = f"{NAMESPACE}:connector.principal"
    principal = stack.connector.principal
    example = "arn:aws:iam::123456789012:role/zenml-server"
    auth = stack.connector.auth
    if auth == "iam-role" and principal is not None:
        rule = "with connector.auth iam-role a user of this stack is the only one that may assume the access role"
        return [Problem(key, f"is {shown(principal)}: {rule}", remove_command(key)), *_keys(stack)]
    if auth == "iam-role":
        return _keys(stack)
    if stack.connector.keys:
        text = f"is {shown(stack.connector.keys)}: it has no effect while connector.auth is {auth}"
        return [Problem(f"{NAMESPACE}:connector.keys", text, remove_command(f"{NAMESPACE}:connector.keys"))]
    if auth == "none":
        text = f"is {shown(principal)}: it has no effect while connector.auth is none"
        return [] if principal is None else [Problem(key, text, remove_command(key))]
    if principal is None:
        why = "the identity that your ZenML server runs as, the only one that may assume the access role"
        return [is_missing(key, why, example)]
    if aws is not None and principal.split(":")[1] != partition_of(aws.region):
        partition = partition_of(aws.region)
        rule = f"{aws.region} is in the partition {partition}, and roles are assumed within one partition"
        return [Problem(key, f"is {shown(principal)}: {rule}", set_command(key, example.replace("aws", partition, 1)))]
    return []


def _keys(stack: StackSettings) -> list[Problem]:
    keys = stack.connector.keys
    if keys == sorted(set(keys)):
        return []
    key = f"{NAMESPACE}:connector.keys"
    return [Problem(key, f"is {shown(keys)}: use one or two different numbers, the newest last", remove_command(key))]


def _encryption(stack: StackSettings, aws: AwsSettings | None) -> list[Problem]:
    key, arn = f"{NAMESPACE}:encryption.keyArn", stack.encryption.key_arn
    example = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    if problems := only_with(key, arn, "encryption.mode", "existing", stack.encryption.mode, "the key to use", example):
        return problems
    if arn is not None and aws is not None and arn.split(":")[3] != aws.region:
        rule = f"S3, ECR and SageMaker take only keys of their own region, {aws.region}"
        return [Problem(key, f"is {shown(arn)}: {rule}", set_command(key, example.replace("eu-west-1", aws.region)))]
    return []


def _access_logs(stack: StackSettings) -> list[Problem]:
    logs = stack.access_logs
    what = "the bucket that S3 is to deliver logs to"
    return only_with(
        f"{NAMESPACE}:accessLogs.bucket", logs.bucket, "accessLogs.mode", "existing", logs.mode, what, "central-logs"
    )


def _roles(stack: StackSettings, aws: AwsSettings | None) -> list[Problem]:
    key, arn = f"{NAMESPACE}:roles.permissionsBoundary", stack.roles.permissions_boundary
    if arn is None or aws is None or arn.split(":")[1] == (partition := partition_of(aws.region)):
        return []
    command = set_command(key, f"arn:{partition}:{arn.split(':', 2)[2]}")
    return [Problem(key, f"is {shown(arn)}: {aws.region} is in the partition {partition}", command)]


def _network(stack: StackSettings, aws: AwsSettings | None) -> list[Problem]:
    network = stack.network
    problems: list[Problem] = []
    for name, value, example in (
        ("vpcId", network.vpc_id, "vpc-0123456789abcdef0"),
        ("subnetIds", network.subnet_ids or None, ["subnet-0123456789abcdef0"]),
    ):
        key = f"{NAMESPACE}:network.{name}"
        problems += only_with(key, value, "network.mode", "existing", network.mode, "where jobs are to run", example)
    if network.mode != "existing" and network.security_group_ids:
        key = f"{NAMESPACE}:network.securityGroupIds"
        text = f"is {shown(network.security_group_ids)}: it has no effect while network.mode is {network.mode}"
        problems.append(Problem(key, text, remove_command(key)))
    for name, ids, what in (("subnetIds", network.subnet_ids, "subnet"), ("zones", network.zones, "zone")):
        if ids and len(set(ids)) < 2:
            key = f"{NAMESPACE}:network.{name}"
            command = f"pulumi config set --path '{key}[1]' '<another {what}>'"
            problems.append(Problem(key, f"is {shown(ids)}: use at least two, in different zones", command))
    for position, zone in enumerate(network.zones):
        if aws is not None and zone[:-1] != aws.region:
            key = f"{NAMESPACE}:network.zones[{position}]"
            mended = set_command(key, f"{aws.region}{zone[-1]}")
            problems.append(Problem(key, f"is {shown(zone)}: it is not in {aws.region}", mended))
    return problems


def _extra_configurations(stack: StackSettings) -> list[Problem]:
    problems: list[Problem] = []
    for setting, component, flavor, given in (
        ("artifactStoreConfig", "artifact_store", "s3", stack.artifact_store_config),
        (
            "containerRegistryConfig",
            "container_registry",
            "aws" if stack.container_registry else None,
            stack.container_registry_config,
        ),
        ("orchestratorConfig", "orchestrator", stack.orchestrator, stack.orchestrator_config),
        (
            "stepOperatorConfig",
            "step_operator",
            "sagemaker" if stack.step_operator else None,
            stack.step_operator_config,
        ),
        ("imageBuilderConfig", "image_builder", "aws" if stack.image_builder else None, stack.image_builder_config),
    ):
        what = f"ZenML's {flavor} {component.replace('_', ' ')}"
        for name in given:
            key = f"{NAMESPACE}:{setting}.{name}"
            if flavor is None:
                text = f"has no effect: the {component.replace('_', ' ')} is switched off"
            elif name in _CREDENTIALS:
                text = "is a credential: the service connectors make it needless, and here it would be public"
            elif name in _WITHOUT_RIGHTS:
                text = "chooses processing jobs, for which the roles have no rights: steps run as training jobs"
            elif name in _MADE_HERE:
                text = "is set by the program, from the resource it creates: remove it"
            elif name not in (known := known_keys(component, flavor)):
                text = f"is unknown to {what}{nearest(name, known - _MADE_HERE - _CREDENTIALS)}"
            else:
                continue
            problems.append(Problem(key, text, remove_command(key)))
        if flavor is not None:
            connectors = stack.connector.auth != "none"
            for path, why in traps(component, flavor, given, connectors=connectors):
                key = f"{NAMESPACE}:{setting}.{path}"
                value = reduce(_inner, path.split("."), given)
                problems.append(Problem(key, f"is {shown(value)}: {why}", remove_command(key)))
    return problems


def _inner(value: Any, name: str) -> Any:
    return value[name]
