"""The roles of GitLab's jobs in one account: an OIDC provider, and two roles for each environment.

A program of its own: who may deploy is decided by whoever owns the account, not by what is deployed.
"""

from pathlib import Path

import pulumi

from components.configuration import from_file
from components.deploy_roles.gitlab import GitLabDeployRoles, GitLabDeployRolesArgs, GitLabProject
from components.managed import Managed
from components.state_access import State
from mlstack.errors import UsageError

config = pulumi.Config()
root = Path(__file__).resolve().parents[2]

try:
    roles = GitLabDeployRoles(
        "gitlab",
        GitLabDeployRolesArgs(
            project=GitLabProject(
                path=config.require("project"),
                url=config.require("url"),
                id=config.get_int("projectId") or None,
                sub_components=tuple(config.require_object("subClaimComponents")),
            ),
            branch=config.require("branch"),
            audience=config.require("audience"),
            tiers=config.get_object("tiers") or {},
            environments=tuple(
                Managed.from_settings(from_file(root / f"Pulumi.{name}.yaml"))
                for name in config.require_object("environments")
            ),
            state=State(bucket=config.require("stateBucket"), key_arns=tuple(config.get_object("keyArns") or ())),
            provider_arn=config.get("providerArn") or None,
            permissions_boundary=config.get("permissionsBoundary") or None,
            tags={"mlstack:program": pulumi.get_project()},
        ),
    )
except UsageError as error:
    raise pulumi.RunError(str(error)) from None

# `glab variable set AWS_PREVIEW_ROLES ...`: see docs/pull-requests.md.
pulumi.export("preview_role_arns", roles.preview_role_arns)
pulumi.export("deploy_role_arns", roles.deploy_role_arns)
