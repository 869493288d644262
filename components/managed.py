"""What belongs to one environment: its names, its tags and the optional parts that it has."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from components import server_user
from components.iam import Conditions
from components.names import ACCESS, BUILD, EXECUTION, FLOW_LOGS, SCHEDULER, Existing, Names
from components.pull_through_cache import repository_arns
from components.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Managed:
    """One environment of the program, as far as rights on it are concerned."""

    names: Names
    """Of what the environment makes. What is there already is in `existing`, and never changed."""
    project: str = "mlstack"
    """Name of the Pulumi project, which state files and tags bear."""
    permissions_boundary: str | None = None
    """ARN of the policy that each of its roles must carry (`mlstack:roles: {permissionsBoundary: ...}`)."""
    network: Literal["public", "existing", "isolated"] = "public"
    """`mlstack:network: {mode: ...}`"""
    user: bool = False
    """A user with access keys (`mlstack:connector: {auth: iam-role}`)."""
    exclusive_roles: bool = False
    """Policies that others attached are taken away (`mlstack:roles: {exclusive: true}`)."""
    key: bool = True
    """A KMS key of its own (`mlstack:encryption: {mode: kms}`)."""
    existing_key_arn: str | None = None
    """The key of `mlstack:encryption: {mode: existing}`."""
    existing: tuple[Existing, ...] = ()
    """What is there already, of each stack: read, and handed on."""
    log_bucket: str | None = None
    """The bucket of `mlstack:accessLogs: {mode: existing}`."""
    jobs_group_in: str | None = None
    """The existing VPC in which a security group is made."""
    registry_scanning: bool = False
    """`mlstack:enhancedScanning`, a setting of the whole registry."""
    cached_repositories: tuple[str, ...] = ()
    """ARNs of the repositories that ECR makes for `mlstack:pullThroughCache`."""
    emptied: bool = False
    """Data may be deleted together with the bucket and the repository (`...ForceDestroy`, `...ForceDelete`)."""
    teams: tuple[Names, ...] = ()
    """Of the stack of each team (`mlstack:teams`); `names` are then of what they share. None: there is one stack."""
    emptied_teams: tuple[Names, ...] = ()
    """Those whose data may be deleted, when there are teams."""
    shared_network: bool = False
    """The network is the environment's, and no team's (`mlstack:sharing: {network: true}`)."""

    @classmethod
    def from_settings(cls, settings: Settings) -> "Managed":
        """What `Pulumi.<environment>.yaml` asks for, and no more: a part that is switched on later needs new roles."""
        stack = settings.stack
        emptied = {
            each.team: bool(each.stack.artifact_store_force_destroy or each.stack.container_registry_force_delete)
            for each in settings.stacks
        }
        teams = tuple(replace(each.names, existing=Existing()) for each in settings.stacks if each.team)
        return cls(
            # What exists must not be changed, whatever it is called: rights are on the names that are computed.
            names=replace(settings.names, existing=Existing()),
            project=settings.project,
            permissions_boundary=stack.roles.permissions_boundary,
            network=stack.network.mode,
            user=stack.connector.auth == "iam-role",
            exclusive_roles=stack.roles.exclusive,
            key=stack.encryption.mode == "kms",
            existing_key_arn=stack.encryption.key_arn,
            existing=tuple(each.names.existing for each in settings.stacks),
            log_bucket=stack.access_logs.bucket,
            jobs_group_in=None if stack.network.security_group_ids else stack.network.vpc_id,
            registry_scanning=stack.enhanced_scanning,
            cached_repositories=repository_arns(settings.names, stack.pull_through_cache.upstreams),
            emptied=any(emptied.values()),
            teams=teams,
            emptied_teams=tuple(each for each in teams if emptied[each.team]),
            shared_network=stack.sharing.network,
        )

    @property
    def identifying_tags(self) -> dict[str, str]:
        return {"mlstack:project": self.project, "mlstack:environment": self.names.environment}

    @property
    def bucket_arns(self) -> tuple[str, ...]:
        return (*self._arns(lambda names: names.bucket_arn), *self._arns(_log_bucket_arn))

    @property
    def emptied_arns(self) -> tuple[str, ...]:
        """The buckets, and whatever is in them. By name: a pattern would go on into the names of objects."""
        stacks = self.emptied_teams if self.teams else (self.names,)
        buckets = (arn for names in stacks for arn in (names.bucket_arn, _log_bucket_arn(names)))
        return tuple(arn for bucket in buckets for arn in (bucket, f"{bucket}/*"))

    @property
    def emptied_repository_arns(self) -> tuple[str, ...]:
        return tuple(names.repository_arn for names in (self.emptied_teams if self.teams else (self.names,)))

    @property
    def repository_arns(self) -> tuple[str, ...]:
        return self._arns(lambda names: names.repository_arn)

    @property
    def build_project_arns(self) -> tuple[str, ...]:
        return self._arns(lambda names: names.build_project_arn)

    @property
    def log_group_arns(self) -> tuple[str, ...]:
        flows = self._arns(lambda names: names.flow_log_group_arn, self._networks)
        return (*self._arns(lambda names: names.build_log_group_arn), *flows)

    @property
    def alias_arns(self) -> tuple[str, ...]:
        return self._arns(lambda names: names.arn("kms", names.key_alias))

    @property
    def role_arns(self) -> tuple[str, ...]:
        """Each purpose by its name: the roles of the workflows carry the same prefix and must not change themselves."""
        return tuple(
            arn for purpose in (ACCESS, BUILD, FLOW_LOGS, EXECUTION, SCHEDULER) for arn in self._role_arns(purpose)
        )

    def used_role_arns(self, purpose: str) -> tuple[str, ...]:
        """Of the roles that are used, made or there already."""
        of_each = [each.role_arns.get(purpose) for each in self.existing]
        existing = (arn for arn in of_each if arn)
        return (*dict.fromkeys(existing), *(() if of_each and all(of_each) else self._role_arns(purpose)))

    def _role_arns(self, purpose: str) -> tuple[str, ...]:
        return self._arns(lambda names: names.role_arn(purpose), self._networks if purpose == FLOW_LOGS else None)

    @property
    def user_arns(self) -> tuple[str, ...]:
        return self._arns(lambda names: names.user_arn(server_user.PURPOSE))

    @property
    def _networks(self) -> tuple[Names, ...]:
        return (self.names,) if self.shared_network else self.teams

    def _arns(self, of: Callable[[Names], str], teams: tuple[Names, ...] | None = None) -> tuple[str, ...]:
        """Of every stack. Teams are one pattern, by the two hyphens on either side that no other name has; one whose
        name was shortened to fit is named by itself."""
        found: dict[str, None] = {}
        for names in (self.teams if teams is None else teams) or (self.names,):
            pattern = of(replace(names, team="*")) if names.team else of(names)
            found[pattern if fnmatchcase(of(names), pattern) else of(names)] = None
        return tuple(found)

    @property
    def tagged(self) -> Conditions:
        """Holds for what carries the environment's tags already."""
        return {"StringEquals": {f"aws:ResourceTag/{tag}": value for tag, value in self.identifying_tags.items()}}

    @property
    def requested(self) -> dict[str, str]:
        """Holds, as StringEquals, for a request that gives something new the environment's tags."""
        return {f"aws:RequestTag/{tag}": value for tag, value in self.identifying_tags.items()}


def _log_bucket_arn(names: Names) -> str:
    return f"arn:{names.partition}:s3:::{names.access_log_bucket}"
