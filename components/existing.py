"""What a stack needs of the resources that are there already, and the check that comes before anything is declared."""

import os
from collections.abc import Iterable, Iterator, Sequence

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


def check_existing(stacks: Sequence[Permissions], profile: str | None) -> None:
    """Ends the program with what is wrong; warns of what is only advised, or of all with `existingLacks: warn`."""
    import pulumi

    asked = asked_of(stacks, profile)
    if asked.nothing or os.environ.get(UNREAD):
        return
    from mlstack.existing.check import lacking, refusal

    only_warn = _only_warns(stacks[0])
    try:
        lacks = lacking(asked)
    except MLStackError as error:
        raise pulumi.RunError(str(error)) from None
    if message := refusal(lacks, only_warn=only_warn):
        raise pulumi.RunError(message)
    for lack in lacks:
        pulumi.warn(str(lack).strip())


def _only_warns(rights: Permissions) -> bool:
    """Of all teams alike."""
    return rights.settings.existing_lacks == "warn"


def asked_of(stacks: Sequence[Permissions], profile: str | None = None) -> Asked:
    """Only what exists is asked for; the rest is made. `stacks`: that of the environment, or of each team in turn."""
    names, network = stacks[0].names, stacks[0].settings.network
    of_each = tuple(enumerate(stacks))
    return Asked(
        account_id=names.account_id,
        region=names.region,
        profile=profile,
        roles=tuple(role for position, rights in of_each for role in _roles(rights, position)),
        buckets=tuple(_bucket(rights, position) for position, rights in of_each if rights.names.existing.bucket),
        log_bucket=_log_bucket(stacks),
        key=_key(stacks),
        repositories=tuple(
            _repository(rights, position) for position, rights in of_each if rights.names.existing.repository
        ),
        projects=tuple(
            _project(rights, position) for position, rights in of_each if rights.names.existing.build_project
        ),
        network=NetworkAsked(
            vpc_id=network.vpc_id,
            subnet_ids=tuple(network.subnet_ids),
            security_group_ids=tuple(network.security_group_ids),
        )
        if network.vpc_id
        else None,
    )


def _setting(rights: Permissions, position: int, setting: str) -> str:
    return f"mlstack:{setting}" if rights.names.team is None else f"mlstack:teams[{position}].{setting}"


def _bucket(rights: Permissions, position: int) -> BucketAsked:
    names = rights.names
    return BucketAsked(
        setting=_setting(rights, position, "artifactStore.bucket"),
        name=names.bucket,
        arn=names.bucket_arn,
        key_arn=names.existing.key_arn,
        key_alias=names.key_alias if rights.settings.encryption.mode == "kms" else None,
        users=_users(rights, "s3:"),
    )


def _log_bucket(stacks: Iterable[Permissions]) -> LogBucketAsked | None:
    """One for all teams, but for those whose own bucket exists: its logs are its owner's."""
    writing = [(rights.names, bucket) for rights in stacks if (bucket := rights.settings.access_logs.bucket)]
    if not writing:
        return None
    names, bucket = writing[0]
    return LogBucketAsked(
        name=bucket,
        arn=f"arn:{names.partition}:s3:::{bucket}",
        deliveries=_of_all((of.team, (log_delivery(of, bucket),)) for of, _ in writing),
    )


def _key(stacks: Sequence[Permissions]) -> KeyAsked | None:
    arn = stacks[0].names.existing.key_arn
    return KeyAsked(arn=arn, policy=_of_all((each.names.team, _uses_of_key(each)) for each in stacks)) if arn else None


def _repository(rights: Permissions, position: int) -> RepositoryAsked:
    return RepositoryAsked(
        setting=_setting(rights, position, "repository.name"),
        name=rights.names.repository,
        arn=rights.names.repository_arn,
        pushed_again=container_registry.PUSHED_AGAIN,
        users=_users(rights, "ecr:"),
    )


def _project(rights: Permissions, position: int) -> ProjectAsked:
    return ProjectAsked(
        setting=_setting(rights, position, "buildProject.name"),
        name=rights.names.build_project,
        role_arn=rights.names.role_arn(BUILD),
        role_setting=_setting(rights, position, "roles.build.arn"),
    )


def _roles(rights: Permissions, position: int) -> Iterator[RoleAsked]:
    names = rights.names
    for purpose, of_role in rights.roles().items():
        if purpose not in names.existing.role_arns:
            continue
        needed = of_role.permissions
        if purpose == BUILD and names.existing.build_project:
            # Where the project logs to is its own matter, and so is the right to.
            needed = tuple(each for each in needed if each.sid != "BuildLogs")
        setting = f"roles.{_KEYS[purpose]}.arn"
        yield RoleAsked(
            # That of flow logs is no team's.
            setting=f"mlstack:{setting}" if purpose == FLOW_LOGS else _setting(rights, position, setting),
            arn=names.role_arn(purpose),
            trust=of_role.trust.as_json(),
            permissions=_as_json(needed),
            policy_name=f"{names.base}-zenml",
            session_seconds=rights.settings.connector.session_seconds if purpose == ACCESS else 3600,
        )


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


def _of_all(stacks: Iterable[tuple[str | None, Iterable[Statement]]]) -> tuple[StatementJson, ...]:
    """The statements of several stacks in one document, each told by its team: a Sid may stand there once."""
    return tuple(
        {**each, "Sid": f"{each['Sid']}{''.join(part.capitalize() for part in (team or '').split('-'))}"}
        for team, statements in stacks
        for each in _as_json(statements)
    )


def _as_json(statements: Iterable[Statement]) -> tuple[StatementJson, ...]:
    return tuple(each.as_json() for each in statements)
