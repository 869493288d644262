"""What a stack needs of the resources that are there already. Policies are statements in AWS's JSON."""

from collections.abc import Mapping
from dataclasses import dataclass

UNREAD = "MLSTACK_EXISTING_UNREAD"
"""Variable that is set where existing resources are not read: when the program runs to take everything away, and where
a preview has no account to ask."""

StatementJson = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class RoleAsked:
    setting: str
    """Where it is named: `mlstack:roles.execution.arn`."""
    arn: str
    trust: StatementJson
    permissions: tuple[StatementJson, ...]
    policy_name: str
    """Of the inline policy that its owner adds them in."""
    session_seconds: int = 3600
    """The longest session that is asked for."""

    @property
    def name(self) -> str:
        return self.arn.rsplit("/", 1)[1]


@dataclass(frozen=True, kw_only=True)
class BucketAsked:
    """The bucket of the artifact store."""

    setting: str
    name: str
    arn: str
    key_arn: str | None
    """The existing key that is to encrypt it."""
    key_alias: str | None
    """Alias of the key that the stack makes, which may encrypt it."""
    users: Mapping[str, tuple[StatementJson, ...]]
    """ARN of each role that works in it, and what with."""


@dataclass(frozen=True, kw_only=True)
class LogBucketAsked:
    name: str
    arn: str
    deliveries: tuple[StatementJson, ...]
    """Let S3 deliver."""


@dataclass(frozen=True, kw_only=True)
class KeyAsked:
    arn: str
    policy: tuple[StatementJson, ...]
    """What its policy has to allow."""


@dataclass(frozen=True, kw_only=True)
class RepositoryAsked:
    setting: str
    name: str
    arn: str
    pushed_again: tuple[str, ...]
    """Patterns of tags that are pushed more than once."""
    users: Mapping[str, tuple[StatementJson, ...]]


@dataclass(frozen=True, kw_only=True)
class ProjectAsked:
    setting: str
    name: str
    role_arn: str
    role_setting: str


@dataclass(frozen=True, kw_only=True)
class NetworkAsked:
    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """All of one environment: of its stack, or of the stacks of all its teams."""

    account_id: str
    region: str
    profile: str | None = None
    """`aws:profile`, which the aws plugin works with too."""
    roles: tuple[RoleAsked, ...] = ()
    buckets: tuple[BucketAsked, ...] = ()
    log_bucket: LogBucketAsked | None = None
    key: KeyAsked | None = None
    repositories: tuple[RepositoryAsked, ...] = ()
    projects: tuple[ProjectAsked, ...] = ()
    network: NetworkAsked | None = None

    @property
    def nothing(self) -> bool:
        several = (self.roles, self.buckets, self.repositories, self.projects)
        return not any((*several, self.log_bucket, self.key, self.network))
