"""The roles of a forge's jobs, as the tests build and question them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from components.deploy_roles.github import (
    AUDIENCE,
    ISSUER,
    GitHubDeployRoles,
    GitHubDeployRolesArgs,
    GitHubRepository,
    ImmutableIds,
)
from components.deploy_roles.gitlab import GitLabDeployRoles, GitLabDeployRolesArgs, GitLabProject
from components.deploy_roles.roles import DeployRoles, DeployRolesArgs
from components.managed import Managed
from components.names import Names
from components.state_access import State
from mlstack.iam.evaluate import Identity, Resource, evaluate, evaluate_service
from mlstack.iam.policy import Caller, Policy, Request
from tests.recording import Recording, record

ACCOUNT = "123456789012"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
STATE_KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555"


def names(environment: str = "dev") -> Names:
    return Names(name="mlstack", environment=environment, account_id=ACCOUNT, region="eu-west-1", role_path="/ml/")


def everything(environment: str = "dev") -> Managed:
    """An environment with every part."""
    return Managed(
        names=names(environment),
        permissions_boundary=BOUNDARY,
        network="isolated",
        user=True,
        registry_scanning=True,
        cached_repositories=(names(environment).arn("ecr", f"repository/mlstack-{environment}.ecr-public/*"),),
        exclusive_roles=True,
        emptied=True,
    )


ARGS = GitHubDeployRolesArgs(
    repository=GitHubRepository(owner="acme", name="ml-platform"),
    environments=(everything("dev"), everything("prod")),
    state=State(bucket="acme-state", key_arns=(STATE_KEY,)),
    tags={"team": "platform"},
)
WITH_IDS = replace(
    ARGS, repository=GitHubRepository(owner="acme", name="ml-platform", ids=ImmutableIds(owner=11, repository=22))
)


ON_GITLAB = GitLabDeployRolesArgs(
    project=GitLabProject(path="acme/platform/ml-platform"),
    environments=ARGS.environments,
    state=ARGS.state,
    tags=ARGS.tags,
)


def program(args: DeployRolesArgs = ARGS) -> Callable[[], DeployRoles]:
    if isinstance(args, GitLabDeployRolesArgs):
        return lambda: GitLabDeployRoles("gitlab", args)
    assert isinstance(args, GitHubDeployRolesArgs)
    return lambda: GitHubDeployRoles("github", args)


class Roles:
    """What was declared, to be asked who may do what."""

    def __init__(self, args: DeployRolesArgs) -> None:
        self._recording: Recording = record(program(args))
        self._names = {of.names.environment: of.names for of in args.environments}

    def _inputs(self, type_: str) -> list[dict[str, object]]:
        return [each.inputs for each in self._recording.customs if each.type == type_]

    def trust(self, purpose: str, environment: str = "dev") -> Policy:
        role = self._names[environment].role(purpose)
        (found,) = (each for each in self._inputs("aws:iam/role:Role") if each["name"] == role)
        return Policy.parse(str(found["assumeRolePolicy"]))

    def policies(self, purpose: str, environment: str = "dev") -> tuple[Policy, ...]:
        """Inline and attached."""
        role = self._names[environment].role(purpose)
        texts = [each["policy"] for each in self._inputs("aws:iam/rolePolicy:RolePolicy") if each["role"] == role]
        attached = {
            str(each["policyArn"]).rpartition("/")[2]
            for each in self._inputs("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
            if each["role"] == role
        }
        texts += [each["policy"] for each in self._inputs("aws:iam/policy:Policy") if each["name"] in attached]
        return tuple(Policy.parse(str(text)) for text in texts)

    def assumed_by(
        self, purpose: str, subject: str, environment: str = "dev", *, audience: str = AUDIENCE, issuer: str = PROVIDER
    ) -> bool:
        """Whether a token of GitHub with this subject gets the role."""
        context = {f"{ISSUER}:aud": audience, f"{ISSUER}:sub": subject}
        return self.trusts(purpose, context, environment, provider=issuer)

    def trusts(self, purpose: str, context: Mapping[str, str], environment: str = "dev", *, provider: str) -> bool:
        """Whether a token gets the role, of which AWS compares this."""
        request = Request(
            action="sts:AssumeRoleWithWebIdentity",
            resource=self._names[environment].role_arn(purpose),
            caller=Caller(federated=provider),
            context={key: (value,) for key, value in context.items()},
        )
        resource = Resource(account=ACCOUNT, policy=self.trust(purpose, environment), decides_alone=True)
        return evaluate_service(request, resource).allowed

    def may(self, purpose: str, action: str, resource: str, environment: str = "dev", **context: str) -> bool:
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{self._names[environment].role(purpose)}/GitHubActions"
        request = Request(
            action=action,
            resource=resource,
            caller=Caller(account=ACCOUNT, arns=(arn, self._names[environment].role_arn(purpose))),
            context={key.replace("__", ":"): (value,) for key, value in context.items()},
        )
        return evaluate(request, Identity(account=ACCOUNT, policies=self.policies(purpose, environment))).allowed

    def actions(self, purpose: str) -> set[str]:
        return {action for policy in self.policies(purpose) for each in policy.statements for action in each.actions}


@lru_cache(maxsize=2)
def roles(args_name: str = "ARGS") -> Roles:
    return Roles(WITH_IDS if args_name == "WITH_IDS" else ARGS)
