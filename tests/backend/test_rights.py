"""What the backend's documents allow and deny, by the evaluator, and what whoever bootstraps needs, by what was asked.

AWS was not asked.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.state_access import State
from mlstack.backend import documents
from mlstack.backend.bootstrap import Backend
from mlstack.backend.place import DEPLOY, PREVIEW, TAG, Place
from mlstack.iam.evaluate import Identity, evaluate
from mlstack.iam.policy import Caller, Decision, Policy, Request
from tests.backend.conftest import ACCOUNT, CI, REGION
from tests.backend.test_bootstrap import BROKEN, TRUSTED, Aws, quiet
from tests.components.deploy_roles.asked import ARGS, Roles

PLACE = Place(name="mlstack", project="mlstack", account_id=ACCOUNT, region=REGION, environments=("dev", "prod"))
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555"
BUCKET = PLACE.names.bucket_arn


def decided(document: str, action: str, resource: str, **context: str) -> Decision:
    asked = Request(
        action=action,
        resource=resource,
        caller=Caller(account=ACCOUNT, arns=(CI,)),
        context={key.replace("__", ":"): value for key, value in context.items()},
    )
    return Policy.parse(document).decide(asked).decision


def test_the_key_is_deleted_after_thirty_days_or_not_at_all() -> None:
    policy = documents.key_policy_text(PLACE)
    for days, decision in (("7", Decision.DENY), ("29", Decision.DENY), ("30", Decision.ALLOW)):
        asked = {"kms__ScheduleKeyDeletionPendingWindowInDays": days}
        assert decided(policy, "kms:ScheduleKeyDeletion", KEY, **asked) is decision
    assert decided(policy, "kms:ScheduleKeyDeletion", KEY) is Decision.ALLOW, "without a number KMS takes 30"


@pytest.mark.parametrize("purpose", [PREVIEW, DEPLOY])
def test_a_role_reaches_the_state_of_its_environment_alone(purpose: str) -> None:
    policy = documents.permissions_text(PLACE, "dev", purpose, KEY)
    assert decided(policy, "s3:GetObject", f"{BUCKET}/.pulumi/stacks/mlstack/dev.json") is Decision.ALLOW
    writes = Decision.ALLOW if purpose == DEPLOY else Decision.SILENT
    assert decided(policy, "s3:PutObject", f"{BUCKET}/.pulumi/stacks/mlstack/dev.json") is writes
    assert decided(policy, "s3:PutObject", f"{BUCKET}/.pulumi/locks/organization/mlstack/dev/1.json") is writes
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        assert decided(policy, action, f"{BUCKET}/.pulumi/stacks/mlstack/prod.json") is Decision.SILENT
    for action in ("s3:DeleteObjectVersion", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration"):
        assert decided(policy, action, BUCKET) is Decision.SILENT
    assert decided(policy, "kms:ScheduleKeyDeletion", KEY) is Decision.SILENT


def test_its_roles_and_those_of_the_workflows_say_the_same_of_the_state() -> None:
    theirs = Roles(replace(ARGS, state=State(bucket=PLACE.names.bucket, key_arns=(KEY,))))
    for ours, workflow in ((PREVIEW, "github-preview"), (DEPLOY, "github-deploy")):
        mine = Policy.parse(documents.permissions_text(PLACE, "dev", ours, KEY)).statements
        assert set(mine) <= {each for policy in theirs.policies(workflow) for each in policy.statements}


def test_what_deploys_an_environment_can_touch_neither_the_bucket_nor_the_key() -> None:
    theirs = Roles(replace(ARGS, state=State(bucket=PLACE.names.bucket, key_arns=(KEY,))))
    for action in ("kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:TagResource", "kms:DisableKeyRotation"):
        assert not theirs.may("github-deploy", action, KEY, **{f"aws:ResourceTag/{TAG}": "mlstack"}), action
    for action in ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketVersioning", "s3:DeleteBucket"):
        assert not theirs.may("github-deploy", action, BUCKET), action
    assert not theirs.may("github-deploy", "s3:DeleteObjectVersion", f"{BUCKET}/.pulumi/stacks/mlstack/dev.json")


_ACTIONS = {
    "HeadBucket": "ListBucket",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
}
"""Operations of S3 whose right has another name: AWS's service authorization reference."""
_BESIDE = {
    # Rights that AWS asks for beside the one of the operation.
    "kms:CreateKey": ("kms:TagResource",),
    "s3:CreateBucket": ("s3:PutBucketOwnershipControls",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "iam:CreateRole": ("iam:TagRole",),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[tuple[str, str]]]:
    """Rights that boto3's calls need, each with what it is about, `*` for what is made."""
    from botocore.client import BaseClient

    calls: set[tuple[str, str]] = set()
    call = BaseClient._make_api_call

    def recording(self: Any, operation: str, given: dict[str, Any]) -> Any:
        service = self.meta.service_model.service_name
        if service != "sts":  # which asks no right of whoever asks who it is
            action = f"{service}:{_ACTIONS.get(operation, operation)}"
            for each in (action, *_BESIDE.get(action, ())):
                calls.add((each, _about(each, given)))
        return call(self, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", recording)
    yield calls


def _about(action: str, given: dict[str, Any]) -> str:
    service = action.partition(":")[0]
    if service == "s3":
        return f"arn:aws:s3:::{given['Bucket']}" + (f"/{given['Key']}" if "Key" in given else "")
    if service == "iam":
        return f"arn:aws:iam::{ACCOUNT}:role/{given['RoleName']}"
    return "*" if action in ("kms:ListKeys", "kms:CreateKey", "kms:TagResource") else KEY


def test_whoever_bootstraps_needs_what_is_documented_and_no_more(
    aws: Aws, place: Place, asked: set[tuple[str, str]]
) -> None:
    trusted = replace(TRUSTED, boundary=f"arn:aws:iam::{ACCOUNT}:policy/boundary")
    own: set[tuple[str, str]] = set()

    def mend() -> None:
        asked.clear()
        Backend(place, trusted).mend(quiet)
        own.update(asked)

    mend()
    for breaking in BROKEN.values():
        breaking(place, aws)
    aws("iam").delete_role_permissions_boundary(RoleName=place.role("dev", "deploy"))
    mend()
    needed = Policy.parse(documents.needed_text(place))
    tag = {f"aws:ResourceTag/{TAG}": place.name, f"aws:RequestTag/{TAG}": place.name}
    for action, about in own:
        request = Request(action=action, resource=about, caller=Caller(account=ACCOUNT, arns=(CI,)), context=dict(tag))
        assert evaluate(request, Identity(account=ACCOUNT, policies=(needed,))).allowed, f"{action} on {about}"
    granted = {action for statement in documents.needed(place) for action in statement.actions}
    assert granted == {action for action, _ in own}


def test_whoever_bootstraps_touches_no_key_of_another_purpose(place: Place) -> None:
    needed = documents.needed_text(place)
    for action in ("kms:PutKeyPolicy", "kms:Decrypt", "kms:EnableKey"):
        assert decided(needed, action, KEY, **{"aws:ResourceTag/mlstack:environment": "prod"}) is Decision.SILENT
    assert decided(needed, "iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/admin") is Decision.SILENT
