"""The roles of GitHub's workflows in one account: an OIDC provider, and two roles for each environment.

A program of its own: who may deploy is decided by whoever owns the account, not by what is deployed.
"""

from pathlib import Path

import pulumi

from components.configuration import from_file
from components.deploy_roles.github import GitHubDeployRoles, GitHubDeployRolesArgs, GitHubRepository, ImmutableIds
from components.managed import Managed
from components.state_access import State
from mlstack.errors import UsageError

config = pulumi.Config()
root = Path(__file__).resolve().parents[2]
ids = config.get_object("ids")

try:
    roles = GitHubDeployRoles(
        "github",
        GitHubDeployRolesArgs(
            repository=GitHubRepository(
                owner=config.require("owner"),
                name=config.require("repository"),
                ids=ImmutableIds(**ids) if ids else None,
            ),
            environments=tuple(
                Managed.from_settings(from_file(root / f"Pulumi.{name}.yaml"))
                for name in config.require_object("environments")
            ),
            state=State(bucket=config.require("stateBucket"), key_arns=tuple(config.get_object("keyArns") or ())),
            provider_arn=config.get("providerArn") or None,
            drift_branch=config.get("driftBranch") or None,
            permissions_boundary=config.get("permissionsBoundary") or None,
            tags={"mlstack:program": pulumi.get_project()},
        ),
    )
except UsageError as error:
    raise pulumi.RunError(str(error)) from None

# `gh variable set AWS_PREVIEW_ROLE --env dev --body ...`: see docs/pull-requests.md.
pulumi.export("preview_role_arns", roles.preview_role_arns)
pulumi.export("deploy_role_arns", roles.deploy_role_arns)
