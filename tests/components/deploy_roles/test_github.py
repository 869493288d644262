"""Which job gets which role, and what it may then do. AWS itself is not asked: the evaluator of mlstack/iam decides."""

import re
from dataclasses import replace

import pulumi
import pytest

from components.deploy_roles.github import DEPLOY, PREVIEW, GitHubDeployRoles, GitHubRepository, ImmutableIds
from components.managed import Managed
from mlstack.errors import UsageError
from tests.components import stacks
from tests.components.deploy_roles.asked import (
    ACCOUNT,
    ARGS,
    BOUNDARY,
    PROVIDER,
    STATE_KEY,
    Roles,
    everything,
    names,
    program,
    roles,
)
from tests.recording import record

PLAIN, IDS = "repo:acme/ml-platform", "repo:acme@11/ml-platform@22"
STATE = "arn:aws:s3:::acme-state"
OTHERS_ROLE = f"arn:aws:iam::{ACCOUNT}:role/administrator"

READS = re.compile(r"^(\w+:(Describe|Get|List|BatchGet)\w*|kms:Decrypt)$")
SENT_BY_NAME = {"s3", "ecr", "codebuild", "iam", "logs", "ec2", "kms"}

forms = pytest.mark.parametrize(("args", "prefix"), [("ARGS", PLAIN), ("WITH_IDS", IDS)])


@forms
def test_a_pull_request_and_the_scheduled_run_of_main_get_the_preview_role(args: str, prefix: str) -> None:
    for subject in ("pull_request", "ref:refs/heads/main"):
        assert roles(args).assumed_by(PREVIEW, f"{prefix}:{subject}"), subject


@forms
def test_only_a_job_of_the_environment_gets_its_deploy_role(args: str, prefix: str) -> None:
    assert roles(args).assumed_by(DEPLOY, f"{prefix}:environment:dev", "dev")
    assert roles(args).assumed_by(DEPLOY, f"{prefix}:environment:prod", "prod")
    for subject in (
        "environment:dev",
        "environment:prod-eu",
        "environment:Prod",
        "environment:",
        "environment:*",
        "pull_request",
        "ref:refs/heads/main",
        "ref:refs/tags/v1",
    ):
        assert not roles(args).assumed_by(DEPLOY, f"{prefix}:{subject}", "prod"), subject


@forms
@pytest.mark.parametrize("purpose", [PREVIEW, DEPLOY])
def test_no_other_repository_gets_any_role(args: str, prefix: str, purpose: str) -> None:
    # The run of a fork's own workflow names the fork. One started by a fork's pull request gets no token at all, which
    # is GitHub's doing and not the trust policy's.
    strangers = (
        "repo:acme/ml-platform-2",
        "repo:acme/ML-Platform",
        "repo:mallory/ml-platform",
        "repo:acme-evil/ml-platform",
        "repo:acme/*",
        "repo:acme@12/ml-platform@22",
        "repo:acme@11/ml-platform@23",
        IDS if prefix == PLAIN else PLAIN,
    )
    for stranger in strangers:
        for what in ("pull_request", "ref:refs/heads/main", "environment:dev"):
            assert not roles(args).assumed_by(purpose, f"{stranger}:{what}"), f"{stranger}:{what}"


def test_another_branch_or_a_tag_does_not_get_the_preview_role() -> None:
    for subject in ("ref:refs/heads/mainline", "ref:refs/heads/feature/main", "ref:refs/tags/main", "environment:dev"):
        assert not roles().assumed_by(PREVIEW, f"{PLAIN}:{subject}"), subject


def test_a_token_for_somebody_else_or_from_somebody_else_gets_no_role() -> None:
    subject = f"{PLAIN}:pull_request"
    assert not roles().assumed_by(PREVIEW, subject, audience="https://github.com/acme")
    assert not roles().assumed_by(PREVIEW, subject, issuer=PROVIDER.replace("githubusercontent", "example"))
    assert not roles().assumed_by(PREVIEW, subject, issuer=PROVIDER.replace(ACCOUNT, "999999999999"))


def test_without_a_branch_for_drift_only_pull_requests_get_the_preview_role() -> None:
    without = Roles(replace(ARGS, drift_branch=None))
    assert without.assumed_by(PREVIEW, f"{PLAIN}:pull_request")
    assert not without.assumed_by(PREVIEW, f"{PLAIN}:ref:refs/heads/main")


def test_no_subject_is_a_pattern() -> None:
    for args in ("ARGS", "WITH_IDS"):
        for purpose in (PREVIEW, DEPLOY):
            (statement,) = roles(args).trust(purpose).statements
            assert {condition.operator for condition in statement.conditions} == {"StringEquals"}


def test_the_preview_role_reads_and_nothing_else() -> None:
    wrong = {action for action in roles().actions(PREVIEW) if not READS.match(action)}
    assert not wrong
    assert "s3:GetObject" in roles().actions(PREVIEW), "of the state"


def test_the_preview_role_reads_the_state_of_its_environment_but_no_artifact_and_no_image() -> None:
    assert roles().may(PREVIEW, "s3:GetObject", f"{STATE}/.pulumi/stacks/mlstack/dev.json")
    assert roles().may(PREVIEW, "s3:GetObject", f"{STATE}/.pulumi/meta.yaml")
    assert roles().may(PREVIEW, "kms:Decrypt", STATE_KEY)
    assert not roles().may(PREVIEW, "s3:GetObject", f"{STATE}/.pulumi/stacks/mlstack/prod.json")
    assert not roles().may(PREVIEW, "s3:GetObject", f"{names().bucket_arn}/model.pkl")
    assert not roles().may(PREVIEW, "ecr:BatchGetImage", names().repository_arn)
    assert not roles().may(PREVIEW, "kms:Decrypt", names().arn("kms", "key/1"), aws__ViaService="s3")
    for action in ("s3:PutObject", "s3:DeleteObject"):
        for key in ("stacks/mlstack/dev.json", "locks/organization/mlstack/dev/1.json", "meta.yaml"):
            assert not roles().may(PREVIEW, action, f"{STATE}/.pulumi/{key}"), key


def test_a_deployment_writes_the_state_of_its_environment_and_of_no_other() -> None:
    for key in (
        "stacks/mlstack/{}.json",
        "stacks/mlstack/{}.json.bak",
        "history/mlstack/{}/{}-1.history.json",
        "backups/mlstack/{}/{}.1.json",
        "locks/organization/mlstack/{}/1.json",
    ):
        for action in ("s3:PutObject", "s3:GetObject", "s3:DeleteObject"):
            assert roles().may(DEPLOY, action, f"{STATE}/.pulumi/{key.format('dev', 'dev')}"), key
            for other in ("prod", "dev2"):
                assert not roles().may(DEPLOY, action, f"{STATE}/.pulumi/{key.format(other, other)}"), key


def test_a_deployment_manages_the_roles_of_its_environment_each_by_its_name() -> None:
    for purpose in ("access", "sagemaker", "codebuild", "flow-logs", "scheduler"):
        for action in ("iam:CreateRole", "iam:PutRolePolicy"):
            assert roles().may(DEPLOY, action, names().role_arn(purpose), iam__PermissionsBoundary=BOUNDARY), purpose
        assert roles().may(DEPLOY, "iam:UpdateAssumeRolePolicy", names().role_arn(purpose))
    for stranger in (OTHERS_ROLE, names("prod").role_arn("access"), names().role_arn("anything")):
        for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole"):
            assert not roles().may(DEPLOY, action, stranger, iam__PermissionsBoundary=BOUNDARY), stranger


@pytest.mark.parametrize("purpose", [PREVIEW, DEPLOY])
def test_no_role_of_a_workflow_can_be_changed_by_a_workflow(purpose: str) -> None:
    writes = {action for action in roles().actions(DEPLOY) if action.startswith("iam:") and not READS.match(action)}
    assert "iam:PutRolePolicy" in writes
    for action in (*writes, "iam:AttachRolePolicy", "iam:CreatePolicyVersion"):
        for resource in (names().role_arn(purpose), f"arn:aws:iam::{ACCOUNT}:policy/ml/{names().role(DEPLOY)}-read"):
            assert not roles().may(DEPLOY, action, resource, iam__PermissionsBoundary=BOUNDARY), action


def test_no_role_is_made_or_widened_without_the_boundary_and_none_loses_it() -> None:
    role = names().role_arn("sagemaker")
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        assert not roles().may(DEPLOY, action, role), action
        assert not roles().may(DEPLOY, action, role, iam__PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/wide")
    assert not roles().may(DEPLOY, "iam:DeleteRolePermissionsBoundary", role, iam__PermissionsBoundary=BOUNDARY)
    assert not roles().may(DEPLOY, "iam:AttachRolePolicy", role, iam__PermissionsBoundary=BOUNDARY)


def test_a_deployment_hands_roles_to_the_services_of_the_program_only() -> None:
    def passes(purpose: str, service: str) -> bool:
        return roles().may(DEPLOY, "iam:PassRole", names().role_arn(purpose), iam__PassedToService=service)

    assert passes("codebuild", "codebuild.amazonaws.com")
    assert passes("flow-logs", "vpc-flow-logs.amazonaws.com")
    assert not passes("codebuild", "ec2.amazonaws.com")
    assert not passes("access", "codebuild.amazonaws.com")


def test_a_deployment_touches_no_data_unless_the_settings_let_it_be_emptied() -> None:
    careful = Roles(replace(ARGS, environments=(replace(everything(), emptied=False),)))
    artifact = f"{names().bucket_arn}/model.pkl"
    assert roles().may(DEPLOY, "s3:DeleteObject", artifact)
    assert not careful.may(DEPLOY, "s3:DeleteObject", artifact)
    assert not careful.may(DEPLOY, "ecr:BatchDeleteImage", names().repository_arn)
    for each in (roles(), careful):
        assert not each.may(DEPLOY, "s3:GetObject", artifact)
        assert not each.may(DEPLOY, "ecr:PutImage", names().repository_arn)


def test_keys_and_networks_of_others_are_out_of_reach() -> None:
    ours = {"aws__ResourceTag/mlstack__project": "mlstack", "aws__ResourceTag/mlstack__environment": "dev"}
    prod = {**ours, "aws__ResourceTag/mlstack__environment": "prod"}
    for action, resource in (
        ("kms:PutKeyPolicy", names().arn("kms", "key/1")),
        ("kms:ScheduleKeyDeletion", names().arn("kms", "key/1")),
        ("kms:TagResource", names().arn("kms", "key/1")),
        ("ec2:DeleteVpc", names().arn("ec2", "vpc/vpc-1")),
        ("ec2:AuthorizeSecurityGroupIngress", names().arn("ec2", "security-group/sg-1")),
        ("ec2:CreateSubnet", names().arn("ec2", "vpc/vpc-1")),
    ):
        assert roles().may(DEPLOY, action, resource, **ours), action
        assert not roles().may(DEPLOY, action, resource), action
        assert not roles().may(DEPLOY, action, resource, **prod), action
        assert roles().may(DEPLOY, action, resource, "prod", **prod), action
        assert not roles().may(DEPLOY, action, resource, "prod", **ours), action
    tags = {"aws__RequestTag/mlstack__project": "mlstack", "aws__RequestTag/mlstack__environment": "dev"}
    key = names().arn("kms", "key/1")
    assert roles().may(DEPLOY, "kms:CreateKey", "*", **tags)
    assert not roles().may(DEPLOY, "kms:TagResource", key, kms__ResourceAliases="alias/payroll", **tags)
    assert not roles().may(DEPLOY, "ec2:CreateTags", names().arn("ec2", "vpc/vpc-1"), **tags), "adopts a network"


def test_a_deployment_never_uses_a_key_of_the_environment_to_read() -> None:
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert not roles().may(
            DEPLOY,
            action,
            names().arn("kms", "key/1"),
            **{"aws__ResourceTag/mlstack__project": "mlstack", "aws__ResourceTag/mlstack__environment": "dev"},
        )


def test_rights_on_everything_are_those_for_which_aws_knows_no_resource() -> None:
    for purpose in (PREVIEW, DEPLOY):
        for policy in roles().policies(purpose):
            for statement in policy.statements:
                if statement.resources == ("*",):
                    assert all(
                        re.match(
                            r"ec2:Describe|kms:ListAliases|ecr:\w+(RegistryScanning|PullThroughCacheRule|RepositoryCreationTemplate)",
                            action,
                        )
                        or statement.conditions
                        for action in statement.actions
                    ), statement.sid


@pytest.mark.parametrize("changes", stacks.CASES.values(), ids=stacks.CASES.keys())
def test_every_bucket_role_user_and_log_group_of_the_program_is_among_the_managed(changes: dict[str, str]) -> None:
    settings = stacks.settings(changes)
    managed = Managed.from_settings(settings)
    recording = record(stacks.program(changes))
    of = {
        type_: {
            str(each.inputs.get("name") or each.inputs.get("bucket"))
            for each in recording.customs
            if each.type == type_
        }
        for type_ in (
            "aws:iam/role:Role",
            "aws:iam/user:User",
            "aws:s3/bucket:Bucket",
            "aws:kms/key:Key",
            "aws:ec2/vpc:Vpc",
        )
    }
    assert of["aws:iam/role:Role"] <= {arn.rpartition("/")[2] for arn in managed.role_arns}
    assert of["aws:s3/bucket:Bucket"] <= {arn.rpartition(":")[2] for arn in managed.bucket_arns}
    assert of["aws:iam/user:User"] <= {arn.rpartition("/")[2] for arn in managed.user_arns}
    assert bool(of["aws:iam/user:User"]) == managed.user
    assert bool(of["aws:kms/key:Key"]) == managed.key
    assert bool(of["aws:ec2/vpc:Vpc"]) == (managed.network == "isolated")
    tags = [each.inputs["tags"] for each in recording.customs if "tags" in each.inputs]
    assert tags
    assert all(managed.identifying_tags.items() <= each.items() for each in tags)


def test_services_that_the_program_does_not_use_are_out_of_reach() -> None:
    assert {action.partition(":")[0] for action in roles().actions(DEPLOY)} <= SENT_BY_NAME


def test_the_policies_of_the_longest_names_fit_what_aws_allows() -> None:
    long = names("production-in-europe")
    long = replace(long, name="recommendation-team", region="ap-southeast-2", role_path="/machine-learning/platform/")
    record(program(replace(ARGS, environments=(replace(everything(), names=long),))))


def test_a_preview_shows_every_document_and_arn_and_registers_what_an_update_does() -> None:
    previewed, updated = record(program(), preview=True), record(program())
    assert {each.urn for each in previewed.resources} == {each.urn for each in updated.resources}
    for each in previewed.customs:
        for key in ("policy", "assumeRolePolicy", "policyArn", "role", "path"):
            if key in updated_inputs(updated, each.urn):
                assert isinstance(each.inputs.get(key), str), f"{each.name}: {key} is unknown in a preview"


def updated_inputs(recording: object, urn: str) -> dict[str, object]:
    return next(each.inputs for each in recording.customs if each.urn == urn)  # type: ignore[attr-defined]


def test_options_of_the_caller_reach_none_and_tags_all_of_its_resources() -> None:
    def with_options() -> None:
        GitHubDeployRoles("github", ARGS, pulumi.ResourceOptions(ignore_changes=["tags"]))

    recording = record(with_options)
    by_urn = {each.urn: each for each in recording.resources}
    for each in recording.customs:
        assert not each.ignore_changes
        assert each.name.startswith(f"{by_urn[each.parent].name}-")
        if each.type not in ("aws:iam/rolePolicy:RolePolicy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
            assert each.inputs["tags"] == {"team": "platform"}, each.name


def test_a_provider_that_the_account_has_is_used_and_not_made_again() -> None:
    made = record(program())
    used = record(program(replace(ARGS, provider_arn=PROVIDER)))
    type_ = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    assert [each.inputs["url"] for each in made.customs if each.type == type_] == [
        "https://token.actions.githubusercontent.com"
    ]
    assert not [each for each in used.customs if each.type == type_]
    for each in used.customs:
        if each.type == "aws:iam/role:Role":
            assert PROVIDER in str(each.inputs["assumeRolePolicy"])


def test_a_provider_or_an_environment_of_another_account_is_refused() -> None:
    with pytest.raises(UsageError, match="the OIDC provider is arn:aws:iam::999999999999"):
        record(program(replace(ARGS, provider_arn=PROVIDER.replace(ACCOUNT, "999999999999"))))
    other = replace(everything("prod"), names=replace(names("prod"), account_id="999999999999"))
    with pytest.raises(UsageError, match=f"of 2 accounts: {ACCOUNT}, 999999999999"):
        record(program(replace(ARGS, environments=(everything(), other))))


@pytest.mark.parametrize(
    ("owner", "name", "ids", "says"),
    [
        ("*", "ml", None, "owner is '\\*'"),
        ("acme/ml", "ml", None, "owner is 'acme/ml'"),
        ("acme", "acme/ml", None, "repository is 'acme/ml'"),
        ("acme", "ml-*", None, "repository is 'ml-\\*'"),
        ("acme", "", None, "repository is ''"),
        ("acme@11", "ml", None, "owner is 'acme@11'"),
        ("acme", "ml", ImmutableIds(owner=0, repository=2), "id of the GitHub owner is 0"),
        ("acme", "ml\n", None, "repository is"),
    ],
)
def test_a_repository_that_is_none_is_refused(owner: str, name: str, ids: ImmutableIds | None, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        GitHubRepository(owner=owner, name=name, ids=ids)


@pytest.mark.parametrize("name", ["*", "dev*", "dev:prod", "", "de v", "dev?"])
def test_an_environment_or_branch_that_is_a_pattern_is_refused(name: str) -> None:
    repository = GitHubRepository(owner="acme", name="ml")
    for subject_of in (repository.environment, repository.branch):
        with pytest.raises(UsageError, match="name, without wildcards"):
            subject_of(name)
