"""Settings about what is there already that are each right but do not go together."""

from collections.abc import Iterator

from components.names import partition_of
from components.problems import Problem, only_with, remove_command, set_command, shown
from components.settings import NAMESPACE, AwsSettings, StackSettings


def of_existing(stack: StackSettings, aws: AwsSettings | None) -> list[Problem]:
    """What could be seen without asking AWS."""
    return [
        *_names(stack),
        *_roles(stack, aws),
        *_unused(stack),
        *_named_twice(stack),
        *_would_change(stack),
        *_project_needs_its_role(stack),
    ]


def _names(stack: StackSettings) -> Iterator[Problem]:
    store, repository, project = stack.artifact_store, stack.repository, stack.build_project
    for section, name, value, mode, why, example in (
        ("artifactStore", "bucket", store.bucket, store.mode, "the bucket to use", "company-ml-artifacts"),
        ("repository", "name", repository.name, repository.mode, "the repository to use", "company/pipelines"),
        ("buildProject", "name", project.name, project.mode, "the project to use", "company-image-builder"),
    ):
        key = f"{NAMESPACE}:{section}.{name}"
        yield from only_with(key, value, f"{section}.mode", "existing", mode, why, example)


def _roles(stack: StackSettings, aws: AwsSettings | None) -> Iterator[Problem]:
    roles = stack.roles
    for name, source, why in (
        ("access", roles.access, "the role that ZenML is to assume"),
        ("execution", roles.execution, "the role that SageMaker is to run jobs as"),
        ("scheduler", roles.scheduler, "the role that schedules are to start pipelines with"),
        ("build", roles.build, "the role that CodeBuild is to build as"),
        ("flowLogs", roles.flow_logs, "the role that flow logs are to be written with"),
    ):
        key = f"{NAMESPACE}:roles.{name}.arn"
        example = "arn:aws:iam::123456789012:role/ml/training"
        yield from only_with(key, source.arn, f"roles.{name}.mode", "existing", source.mode, why, example)
        yield from _account(key, source.arn, aws)


def _account(key: str, arn: str | None, aws: AwsSettings | None) -> Iterator[Problem]:
    if arn is None or aws is None:
        return
    _, partition, service, region, account, resource = arn.split(":", 5)
    ours, own_partition = aws.allowed_account_ids[0], partition_of(aws.region)
    mended = set_command(key, f"arn:{own_partition}:{service}:{region}:{ours}:{resource}")
    if account != ours:
        yield Problem(key, f"is {shown(arn)}: it is of account {account}, and this environment of {ours}", mended)
    elif partition != own_partition:
        yield Problem(key, f"is {shown(arn)}: {aws.region} is in the partition {own_partition}", mended)


def _unused(stack: StackSettings) -> Iterator[Problem]:
    """What is named and then not used would look as if it were."""
    on_sagemaker = stack.orchestrator == "sagemaker" or stack.step_operator
    roles = stack.roles
    for section, mode, used, because in (
        ("repository", stack.repository.mode, stack.container_registry, "containerRegistry is false"),
        ("buildProject", stack.build_project.mode, stack.image_builder, "imageBuilder is false"),
        ("roles.build", roles.build.mode, stack.image_builder, "imageBuilder is false"),
        ("roles.access", roles.access.mode, stack.connector.has_role, "connector.auth is none"),
        ("roles.execution", roles.execution.mode, on_sagemaker, "nothing runs on SageMaker"),
        ("roles.scheduler", roles.scheduler.mode, stack.orchestrator == "sagemaker", "orchestrator is local"),
        ("roles.flowLogs", roles.flow_logs.mode, stack.network.mode == "isolated", "network.mode is not isolated"),
    ):
        if mode == "existing" and not used:
            key = f"{NAMESPACE}:{section}.mode"
            yield Problem(key, f"is 'existing': it has no effect while {because}", remove_command(key))


def _named_twice(stack: StackSettings) -> Iterator[Problem]:
    """`names` is of what this stack manages."""
    names, roles = stack.names, stack.roles
    for setting, name, section, mode in (
        ("bucket", names.bucket, "artifactStore", stack.artifact_store.mode),
        ("repository", names.repository, "repository", stack.repository.mode),
        ("accessRole", names.access_role, "roles.access", roles.access.mode),
        ("executionRole", names.execution_role, "roles.execution", roles.execution.mode),
        ("buildRole", names.build_role, "roles.build", roles.build.mode),
        ("buildProject", names.build_project, "buildProject", stack.build_project.mode),
    ):
        if name and mode == "existing":
            key = f"{NAMESPACE}:names.{setting}"
            yield Problem(key, f"is {name!r}: it has no effect while {section}.mode is existing", remove_command(key))
    if names.user and stack.connector.auth != "iam-role":
        key = f"{NAMESPACE}:names.user"
        yield Problem(
            key, f"is {names.user!r}: it has no effect unless connector.auth is iam-role", remove_command(key)
        )


def _would_change(stack: StackSettings) -> Iterator[Problem]:
    """Settings that are made on the resource itself, when that is not ours to change."""
    if stack.artifact_store.mode == "existing" and stack.access_logs.mode != "off":
        key = f"{NAMESPACE}:accessLogs.mode"
        rule = "the artifact store's bucket is an existing one, whose logging is its owner's to switch on"
        yield Problem(key, f"is {shown(stack.access_logs.mode)}: {rule}", set_command(key, "off"))
    if stack.artifact_store.mode == "existing" and stack.artifact_store_force_destroy:
        yield _never_deleted("artifactStoreForceDestroy", "bucket")
    if stack.repository.mode == "existing" and stack.container_registry_force_delete:
        yield _never_deleted("containerRegistryForceDelete", "repository")
    if stack.repository.mode == "existing" and stack.enhanced_scanning:
        key = f"{NAMESPACE}:enhancedScanning"
        text = "is true: the repository is an existing one, whose scanning is its owner's to set"
        yield Problem(key, text, set_command(key, False))


def _never_deleted(setting: str, what: str) -> Problem:
    key = f"{NAMESPACE}:{setting}"
    return Problem(key, f"is true: an existing {what} is never deleted, nor is what it holds", set_command(key, False))


def _project_needs_its_role(stack: StackSettings) -> Iterator[Problem]:
    if stack.build_project.mode == "existing" and stack.roles.build.mode != "existing":
        key = f"{NAMESPACE}:roles.build.mode"
        rule = "an existing buildProject runs as a role that exists too: name that one"
        yield Problem(key, f"is {shown(stack.roles.build.mode)}: {rule}", set_command(key, "existing"))
