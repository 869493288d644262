"""The stacks of one environment: the one that it is, or one for each of its teams."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pulumi import ComponentResource, Output, ResourceOptions, RunError
from pulumi_aws.ecr import RegistryScanningConfiguration

from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.existing import check_existing
from components.ml_stack import MLStack, MLStackArgs
from components.network import Network
from components.pull_through_cache import PullThroughCache
from components.settings import Settings
from components.shared_key import KeyUser
from mlstack.contract import together
from mlstack.errors import UsageError


class Shared(ComponentResource):
    """What the teams of an environment have in common."""

    key: EncryptionKey | None
    """Used by each team for its own bucket only."""
    network: Network | None
    """Where the jobs of all teams run."""

    def __init__(self, name: str, settings: Settings, opts: ResourceOptions | None = None) -> None:
        super().__init__("mlstack:index:Shared", name, {}, opts)
        self._name = name
        self._settings = settings.stack
        self._args = MLStackArgs.from_settings(settings)
        self._teams = tuple(MLStackArgs.from_settings(team) for team in settings.stacks)
        self.key = self._make_key()
        self.network = self._make_network()
        self._scan_images()
        self._cache_base_images()
        self.register_outputs({})

    def _make_key(self) -> EncryptionKey | None:
        teams = [team for team in self._teams if team.names.shares_key]
        if not teams or self._settings.encryption.mode == "aws-managed":
            return None
        flows = (self._args.rights,) if self._settings.sharing.network else tuple(team.rights for team in teams)
        isolated = self._settings.network.mode == "isolated"
        policy = replace(
            self._args.rights.key,
            readers=None,
            jobs=None,
            teams=tuple(_key_user(team) for team in teams),
            log_groups=(
                *(team.names.build_log_group_arn for team in teams if team.rights.builds_images),
                *(each.names.flow_log_group_arn for each in flows if isolated),
            ),
        )
        args = EncryptionKeyArgs(
            names=self._args.names,
            policy=policy,
            deletion_window_days=self._settings.encryption.deletion_window_days,
            tags=self._args.tags,
        )
        holds_data = ResourceOptions(parent=self, protect=self._settings.protect or None)
        return EncryptionKey(f"{self._name}-encryption", args, holds_data)

    def _make_network(self) -> Network | None:
        if self._settings.network.mode != "isolated" or not self._settings.sharing.network:
            return None
        return Network(f"{self._name}-network", self._args.network_args(self.key), ResourceOptions(parent=self))

    def _scan_images(self) -> None:
        """The account's registry has one scanning configuration in a region: it names the repositories of all."""
        ours = [team.names.repository for team in self._teams if not team.names.existing.repository]
        if not (self._settings.enhanced_scanning and self._settings.container_registry and ours):
            return
        RegistryScanningConfiguration(
            f"{self._name}-scanning",
            scan_type="ENHANCED",
            rules=[
                {
                    "scan_frequency": "CONTINUOUS_SCAN",
                    "repository_filters": [{"filter": name, "filter_type": "WILDCARD"} for name in ours],
                }
            ],
            opts=ResourceOptions(parent=self),
        )

    def _cache_base_images(self) -> None:
        """What is public is nobody's: each team builds upon the same copies, and none can push into them."""
        if args := self._args.cache_args():
            PullThroughCache(f"{self._name}-base-images", args, ResourceOptions(parent=self))


def _key_user(team: MLStackArgs) -> KeyUser:
    uses = team.rights.key
    return KeyUser(team=team.names.team or "", bucket_arn=team.names.bucket_arn, readers=uses.readers, jobs=uses.jobs)


def declared(settings: Settings) -> "Stacks":
    """What the settings ask for. What AWS would not take of it ends the program with its message."""
    # Before anything is declared: nothing is half made when what is there already will not do.
    check_existing([MLStackArgs.from_settings(each).rights for each in settings.stacks], settings.aws.profile)
    try:
        return Stacks(settings)
    except UsageError as error:
        raise RunError(str(error)) from None


class Stacks:
    """Declares all stacks of an environment."""

    def __init__(self, settings: Settings) -> None:
        name = settings.stack.name
        self._settings = settings
        self.by_team: Mapping[str | None, MLStack]
        """In the order of the settings; under None when there are no teams."""
        if not settings.stack.teams:
            self.by_team = {None: MLStack(name, MLStackArgs.from_settings(settings))}
            return
        shared = Shared(f"{name}-shared", settings)
        self.by_team = {
            team.team: MLStack(
                f"{name}-{team.team}",
                replace(MLStackArgs.from_settings(team), key=shared.key, network=shared.network),
            )
            for team in settings.stacks
        }

    def outputs(self) -> dict[str, Any]:
        """Of the Pulumi stack, by name. Of teams each but the first two is an object by team."""
        found = {
            # For `mlstack register`: everything ZenML needs, in one versioned document.
            "mlstack": self._together({team: stack.contract for team, stack in self.by_team.items()}, together),
            # For `mlstack register` too, secret: the key of the user that ZenML works as, with connector.auth iam-role.
            "connector_key": self._together(
                {team: stack.connector_key for team, stack in self.by_team.items()}, _keys_together
            ),
        }
        # For people and for StackReference.
        for name in ("bucket", "repository_url", "access_role_arn", "execution_role_arn", "build_project"):
            found[name] = self._by_team({team: getattr(stack, name) for team, stack in self.by_team.items()})
        found["zenml_stack"] = self._by_team({each.team: each.zenml_stack_name for each in self._settings.stacks})
        return found

    def _by_team(self, values: Mapping[str | None, Any]) -> Any:
        return values[None] if None in values else dict(values)

    def _together(self, values: Mapping[str | None, Output[Any]], join: Callable[[Mapping[str, Any]], Any]) -> Any:
        if None in values:
            return values[None]
        return Output.all(**{str(team): value for team, value in values.items()}).apply(join)


def _keys_together(keys: Mapping[str, str | None]) -> str | None:
    held = {team: json.loads(key) for team, key in keys.items() if key}
    return json.dumps(held, sort_keys=True) if held else None
