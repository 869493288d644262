"""Two environments that would own the same thing in AWS: found from their settings, before anything is declared.

AWS would not always say so. In us-east-1 S3 lets its owner create a bucket again, and then two stacks hold one bucket.
"""

from collections.abc import Iterable

from components.problems import Problem, SettingsError
from components.pull_through_cache import SHORT
from components.settings import NAMESPACE, Settings

_ROLES = ("access", "codebuild", "flow-logs", "sagemaker", "scheduler")
_USERS = ("zenml",)


def reserved(settings: Settings) -> dict[str, str]:
    """What the environment owns, or would with every part switched on: ARN to what people call it."""
    return {arn: words for each in (settings, *settings.stacks) for arn, words in _of_one(each).items()}


def _of_one(settings: Settings) -> dict[str, str]:
    names, existing = settings.names, settings.names.existing
    caches = [names.cache_prefix(each) for each in SHORT.values()]
    owned = {
        names.bucket_arn: f"bucket {names.bucket}",
        f"arn:{names.partition}:s3:::{names.access_log_bucket}": f"bucket {names.access_log_bucket}",
        names.repository_arn: f"repository {names.repository}",
        **{names.arn("ecr", f"repository/{each}/*"): f"base images {each}" for each in caches},
        **{names.role_arn(each): f"role {names.role(each)}" for each in _ROLES},
        **{names.user_arn(each): f"user {names.user(each)}" for each in _USERS},
        names.build_project_arn: f"build project {names.build_project}",
        names.build_log_group_arn: f"log group {names.build_log_group}",
        names.flow_log_group_arn: f"log group {names.flow_log_group}",
        names.arn("kms", names.key_alias): f"key {names.key_alias}",
    }
    # What somebody else owns may be used by as many as he lets.
    foreign = {*existing.role_arns.values()}
    foreign |= {names.bucket_arn} if existing.bucket else set()
    foreign |= {names.repository_arn} if existing.repository else set()
    foreign |= {names.build_project_arn} if existing.build_project else set()
    return {arn: words for arn, words in owned.items() if arn not in foreign}


def refuse_collisions(settings: Settings, others: Iterable[Settings]) -> None:
    """Raises SettingsError when an environment of `others` would own what this one does. Itself is passed over."""
    mine = reserved(settings)
    problems = []
    for other in others:
        if other.environment == settings.environment:
            continue
        both = [words for arn, words in mine.items() if arn in reserved(other)]
        if both:
            more = f" and {len(both) - 1} more" if len(both) > 1 else ""
            whose = f"{settings.environment} and {other.environment} (Pulumi.{other.environment}.yaml)"
            text = f"is {settings.stack.name!r}: {whose} would both own {both[0]}{more}: {_WAY_OUT}"
            problems.append(Problem(f"{NAMESPACE}:name", text))
    if problems:
        raise SettingsError(f"Pulumi.{settings.environment}.yaml", settings.environment, problems)


_WAY_OUT = "another name, account or region for the one of them that holds nothing yet"
