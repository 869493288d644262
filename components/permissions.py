"""What each role of a stack may do and who may assume it: pure data, known before anything is declared."""

from collections.abc import Mapping
from dataclasses import dataclass

from components import artifact_store, container_registry, image_builder, key_use, network, orchestrator, sagemaker
from components.access_role import access_trust, without_repeats
from components.iam import Statement
from components.key_use import KeyPolicyArgs
from components.names import ACCESS, BUILD, EXECUTION, FLOW_LOGS, SCHEDULER, Names
from components.own_work import narrowed
from components.placement import grant_placement
from components.pull_through_cache import grant_pull_through
from components.settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class RoleRights:
    """What one role is."""

    trust: Statement
    permissions: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """Of one environment."""

    names: Names
    settings: StackSettings
    tags: Mapping[str, str]
    """On everything that the stack makes; some rights hold for what carries them only."""
    principal: str | None
    """ARN of the identity that assumes the access role. None: there is no such role."""

    @property
    def carried(self) -> dict[str, str]:
        """Tags by which the jobs and pipelines of one team are told from those of others; none without teams."""
        ours = ("mlstack:environment", "mlstack:project", "mlstack:team")
        return {tag: self.tags[tag] for tag in ours} if self.names.team else {}

    @property
    def encrypted(self) -> bool:
        """Whether a key of its own, of this stack or an existing one, encrypts what is stored."""
        return self.settings.encryption.mode != "aws-managed"

    @property
    def runs_on_sagemaker(self) -> bool:
        settings = self.settings
        return settings.container_registry and (settings.orchestrator == "sagemaker" or settings.step_operator)

    @property
    def builds_images(self) -> bool:
        return self.settings.container_registry and self.settings.image_builder

    @property
    def cached_bases(self) -> tuple[Statement, ...]:
        """Rights of whoever builds, on base images that come through the cache."""
        return grant_pull_through(self.names, self.settings.pull_through_cache.upstreams)

    def roles(self) -> dict[str, RoleRights]:
        """By purpose: those that the settings ask for, made by this stack or there already."""
        names, found = self.names, {}
        if self.principal:
            found[ACCESS] = RoleRights(trust=access_trust(self.principal), permissions=self._access())
        if self.runs_on_sagemaker:
            found[EXECUTION] = RoleRights(trust=sagemaker.execution_trust(names), permissions=self._execution())
        if self.runs_on_sagemaker and self.settings.orchestrator == "sagemaker":
            trust = orchestrator.scheduler_trust(names)
            permissions = narrowed(orchestrator.scheduler_permissions(names), self.carried)
            found[SCHEDULER] = RoleRights(trust=trust, permissions=permissions)
        if self.builds_images:
            found[BUILD] = RoleRights(trust=image_builder.build_trust(names), permissions=self._build())
        if self.settings.network.mode == "isolated":
            trust = network.flow_log_trust(names)
            found[FLOW_LOGS] = RoleRights(trust=trust, permissions=network.flow_log_permissions(names))
        return found

    def _access(self) -> tuple[Statement, ...]:
        names = self.names
        needed = [*artifact_store.grant_read_write(names, encrypted=self.encrypted)]
        if self.settings.container_registry:
            needed += container_registry.grant_find(names)
            needed += container_registry.grant_look(names)
            needed += () if self.builds_images else (*container_registry.grant_push(names), *self.cached_bases)
        if self.runs_on_sagemaker:
            needed.append(sagemaker.grant_pass_execution_role(names))
            needed += orchestrator.grant_submit(names) if self.settings.orchestrator == "sagemaker" else ()
            needed += sagemaker.grant_jobs(names) if self.settings.step_operator else ()
        if self.builds_images:
            needed += image_builder.grant_build(names)
        return narrowed(without_repeats(needed), self.carried)

    def _execution(self) -> tuple[Statement, ...]:
        names = self.names
        return (
            *narrowed(
                sagemaker.execution_permissions(names, pipelines=self.settings.orchestrator == "sagemaker"),
                self.carried,
            ),
            *artifact_store.grant_write_output(names, encrypted=self.encrypted),
            *container_registry.grant_pull(names),
            *(key_use.grant_jobs(names) if self.encrypted else ()),
            *self._placed("sagemaker.amazonaws.com"),
        )

    def _build(self) -> tuple[Statement, ...]:
        placed = self._placed("codebuild.amazonaws.com")
        return image_builder.build_permissions(
            self.names, encrypted=self.encrypted, bases=self.cached_bases, placed=placed
        )

    def _placed(self, service: str) -> tuple[Statement, ...]:
        # A network that teams share is none's.
        shared = ("mlstack:team",) if self.settings.sharing.network else ()
        tags = {tag: value for tag, value in self.tags.items() if tag not in shared}
        return grant_placement(self.names, self.settings.network, tags, service)

    @property
    def _encrypts_images(self) -> bool:
        settings = self.settings
        made_here = settings.container_registry and self.names.existing.repository is None
        return made_here and "image-encryption" not in settings.keep

    @property
    def key(self) -> KeyPolicyArgs:
        """Who uses the key."""
        names, isolated = self.names, self.settings.network.mode == "isolated"
        readers = (ACCESS, *((BUILD,) if self.builds_images else ()), *((EXECUTION,) if self.runs_on_sagemaker else ()))
        made_here = self.builds_images and names.existing.build_project is None
        return KeyPolicyArgs(
            names=names,
            # Without connectors, whoever runs a pipeline works with credentials of their own.
            readers=tuple(names.role_arn(role) for role in readers) if self.principal else None,
            jobs=names.role_arn(EXECUTION) if self.runs_on_sagemaker else None,
            log_groups=(
                *([names.build_log_group_arn] if made_here else []),
                *([names.flow_log_group_arn] if isolated else []),
            ),
            repositories=self._encrypts_images,
        )
