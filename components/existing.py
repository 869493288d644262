"""What a stack needs of the resources that are there already, and the check that comes before anything is declared."""

import os
from collections.abc import Iterable

from components import container_registry
from components.access_logs import log_delivery
from components.iam import Statement
from components.key_use import key_policy
from components.names import ACCESS, BUILD, EXECUTION, FLOW_LOGS, SCHEDULER
from components.permissions import Permissions
from mlstack.errors import MLStackError
from mlstack.existing.asked import (
    UNREAD,
    Asked,
    BucketAsked,
    KeyAsked,
    LogBucketAsked,
    NetworkAsked,
    ProjectAsked,
    RepositoryAsked,
    RoleAsked,
    StatementJson,
)

_KEYS = {ACCESS: "access", EXECUTION: "execution", SCHEDULER: "scheduler", BUILD: "build", FLOW_LOGS: "flowLogs"}
_ADMINISTRATION = "Administration"


def check_existing(rights: Permissions, profile: str | None) -> None:
    """Ends the program with what is wrong; warns of what is only advised, or of all with `existingLacks: warn`."""
    import pulumi

    asked = asked_of(rights, profile)
    if asked.nothing or os.environ.get(UNREAD):
        return
    from mlstack.existing.check import lacking, refusal

    only_warn = rights.settings.existing_lacks == "warn"
    try:
        lacks = lacking(asked)
    except MLStackError as error:
        raise pulumi.RunError(str(error)) from None
    if message := refusal(lacks, only_warn=only_warn):
        raise pulumi.RunError(message)
    for lack in lacks:
        pulumi.warn(str(lack).strip())


def asked_of(rights: Permissions, profile: str | None = None) -> Asked:
    """Only what exists is asked for; the rest is this stack's own."""
    names, settings = rights.names, rights.settings
    existing, network = names.existing, settings.network
    return Asked(
        base=names.base,
        account_id=names.account_id,
        region=names.region,
        profile=profile,
        roles=_roles(rights),
        bucket=BucketAsked(
            name=names.bucket,
            arn=names.bucket_arn,
            key_arn=existing.key_arn,
            key_alias=names.key_alias if settings.encryption.mode == "kms" else None,
            users=_users(rights, "s3:"),
        )
        if existing.bucket
        else None,
        log_bucket=LogBucketAsked(
            name=settings.access_logs.bucket,
            arn=f"arn:{names.partition}:s3:::{settings.access_logs.bucket}",
            delivery=log_delivery(names, settings.access_logs.bucket).as_json(),
        )
        if settings.access_logs.bucket
        else None,
        key=KeyAsked(arn=existing.key_arn, policy=_as_json(_uses_of_key(rights))) if existing.key_arn else None,
        repository=RepositoryAsked(
            name=names.repository,
            arn=names.repository_arn,
            pushed_again=container_registry.PUSHED_AGAIN,
            users=_users(rights, "ecr:"),
        )
        if existing.repository
        else None,
        project=ProjectAsked(name=names.build_project, role_arn=names.role_arn(BUILD))
        if existing.build_project
        else None,
        network=NetworkAsked(
            vpc_id=network.vpc_id,
            subnet_ids=tuple(network.subnet_ids),
            security_group_ids=tuple(network.security_group_ids),
        )
        if network.vpc_id
        else None,
    )


def _roles(rights: Permissions) -> tuple[RoleAsked, ...]:
    names, found = rights.names, []
    for purpose, of_role in rights.roles().items():
        if purpose not in names.existing.role_arns:
            continue
        needed = of_role.permissions
        if purpose == BUILD and names.existing.build_project:
            # Where the project logs to is its own matter, and so is the right to.
            needed = tuple(each for each in needed if each.sid != "BuildLogs")
        session = rights.settings.connector.session_seconds if purpose == ACCESS else 3600
        found.append(
            RoleAsked(
                setting=f"mlstack:roles.{_KEYS[purpose]}.arn",
                arn=names.role_arn(purpose),
                trust=of_role.trust.as_json(),
                permissions=_as_json(needed),
                session_seconds=session,
            )
        )
    return tuple(found)


def _users(rights: Permissions, service: str) -> dict[str, tuple[StatementJson, ...]]:
    return {
        rights.names.role_arn(purpose): _as_json(
            each for each in of_role.permissions if each.actions[0].startswith(service) and "*" not in each.resources
        )
        for purpose, of_role in rights.roles().items()
    }


def _uses_of_key(rights: Permissions) -> Iterable[Statement]:
    """Who administers an existing key is its owner's matter."""
    return (each for each in key_policy(rights.key) if each.sid != _ADMINISTRATION)


def _as_json(statements: Iterable[Statement]) -> tuple[StatementJson, ...]:
    return tuple(each.as_json() for each in statements)
