"""What belongs to one environment: its names, its tags and the optional parts that it has."""

from dataclasses import dataclass, field, replace
from typing import Literal

from components import server_user
from components.iam import Conditions
from components.names import ACCESS, BUILD, EXECUTION, FLOW_LOGS, SCHEDULER, Existing, Names
from components.pull_through_cache import repository_arns
from components.settings import Settings
from mlstack.errors import UsageError

REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/"
"""Resource types and condition keys of every action."""


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
    existing: Existing = field(default_factory=Existing)
    """What is there already: read, and handed on."""
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

    @classmethod
    def from_settings(cls, settings: Settings) -> "Managed":
        """What `Pulumi.<environment>.yaml` asks for, and no more: a part that is switched on later needs new roles."""
        stack = settings.stack
        if stack.teams:
            raise UsageError(
                f"mlstack:teams in Pulumi.{settings.environment}.yaml: the roles of workflows are limited to the names "
                "of one stack, and know no teams yet",
                hint="deploy this environment with a role of your own, or give each team an environment",
            )
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
            existing=settings.names.existing,
            log_bucket=stack.access_logs.bucket,
            jobs_group_in=None if stack.network.security_group_ids else stack.network.vpc_id,
            registry_scanning=stack.enhanced_scanning,
            cached_repositories=repository_arns(settings.names, stack.pull_through_cache.upstreams),
            emptied=bool(stack.artifact_store_force_destroy or stack.container_registry_force_delete),
        )

    @property
    def identifying_tags(self) -> dict[str, str]:
        return {"mlstack:project": self.project, "mlstack:environment": self.names.environment}

    @property
    def bucket_arns(self) -> tuple[str, ...]:
        return (self.names.bucket_arn, f"arn:{self.names.partition}:s3:::{self.names.access_log_bucket}")

    @property
    def role_arns(self) -> tuple[str, ...]:
        """By name, not by pattern: the roles of the workflows carry the same prefix and must not change themselves."""
        purposes = (ACCESS, BUILD, FLOW_LOGS, EXECUTION, SCHEDULER)
        return tuple(self.names.role_arn(purpose) for purpose in purposes)

    def role_arn(self, purpose: str) -> str:
        """Of the role that is used, made or there already."""
        return self.existing.role_arns.get(purpose) or self.names.role_arn(purpose)

    @property
    def user_arn(self) -> str:
        return self.names.user_arn(server_user.PURPOSE)

    @property
    def tagged(self) -> Conditions:
        """Holds for what carries the environment's tags already."""
        return {"StringEquals": {f"aws:ResourceTag/{tag}": value for tag, value in self.identifying_tags.items()}}

    @property
    def requested(self) -> dict[str, str]:
        """Holds, as StringEquals, for a request that gives something new the environment's tags."""
        return {f"aws:RequestTag/{tag}": value for tag, value in self.identifying_tags.items()}
