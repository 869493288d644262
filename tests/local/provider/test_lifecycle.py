"""Every resource type from its creation to its end, over gRPC against the emulator."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from mlstack.local.provider.types import TABLE
from mlstack.local.provider.values import UNKNOWN
from tests.local.conftest import RunningEmulator
from tests.local.provider.conftest import Engine, RefusedError, connected

BUCKET = "aws:s3/bucket:Bucket"
ROLE = "aws:iam/role:Role"
REPOSITORY = "aws:ecr/repository:Repository"
KEY = "aws:kms/key:Key"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
OTHER_POLICY = POLICY.replace("GetObject", "PutObject")
TLS_ONLY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": "arn:aws:s3:::lifecycle-policy/*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
)
_SELECTION = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 9}
LIFECYCLE = json.dumps({"rules": [{"rulePriority": 1, "selection": _SELECTION, "action": {"type": "expire"}}]})


@dataclass(frozen=True)
class Case:
    inputs: dict[str, Any]
    updates: dict[str, Any] = field(default_factory=dict)
    """Each changed in place, one after the other."""
    replaces: dict[str, Any] = field(default_factory=dict)
    """Each of which needs a new resource."""
    needs: tuple[tuple[str, dict[str, Any]], ...] = ()
    """What has to be there before."""


def _in_bucket(name: str, updates: dict[str, Any] | None = None, **inputs: Any) -> Case:
    return Case({"bucket": name, **inputs}, updates or {}, {"bucket": "another"}, ((BUCKET, {"bucket": name}),))


def _rule(days: int) -> dict[str, Any]:
    return {
        "id": "old",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "noncurrentVersionExpiration": {"noncurrentDays": days},
    }


def _project(**changes: Any) -> dict[str, Any]:
    return {
        "name": "lifecycle",
        "serviceRole": "arn:aws:iam::123456789012:role/service",
        "source": {"type": "S3", "location": "bucket/contexts/"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "computeType": "BUILD_GENERAL1_SMALL",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "imagePullCredentialsType": "CODEBUILD",
            "privilegedMode": False,
        },
        "logsConfig": {"cloudwatchLogs": {"status": "ENABLED", "groupName": "/aws/codebuild/lifecycle"}},
        "buildTimeout": 30,
        "tags": {"team": "ml"},
        **changes,
    }


CASES: dict[str, Case] = {
    BUCKET: Case(
        {"bucket": "lifecycle-bucket", "tags": {"team": "ml"}},
        {"tags": {"team": "vision"}, "forceDestroy": True},
        {"bucket": "lifecycle-another"},
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _in_bucket(
        "lifecycle-owner",
        {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        rule={"objectOwnership": "BucketOwnerEnforced"},
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _in_bucket(
        "lifecycle-access",
        {"blockPublicAcls": False},
        blockPublicAcls=True,
        blockPublicPolicy=True,
        ignorePublicAcls=True,
        restrictPublicBuckets=True,
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _in_bucket(
        "lifecycle-encryption",
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": "arn:aws:kms:k",
                    },
                    "bucketKeyEnabled": True,
                }
            ]
        },
        rules=[{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}, "bucketKeyEnabled": False}],
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _in_bucket(
        "lifecycle-versions",
        {"versioningConfiguration": {"status": "Suspended"}},
        versioningConfiguration={"status": "Enabled"},
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _in_bucket(
        "lifecycle-rules", {"rules": [_rule(30)]}, rules=[_rule(90)]
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _in_bucket(
        "lifecycle-policy", {"policy": TLS_ONLY.replace("s3:*", "s3:GetObject")}, policy=TLS_ONLY
    ),
    REPOSITORY: Case(
        {
            "name": "lifecycle",
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [{"filter": "*-orchestrator", "filterType": "WILDCARD"}],
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "AES256"}],
            "tags": {"team": "ml"},
        },
        {"imageScanningConfiguration": {"scanOnPush": False}, "tags": {"team": "vision"}, "forceDelete": True},
        {"name": "another", "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "arn:aws:kms:k"}]},
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Case(
        {"repository": "lifecycle-images", "policy": LIFECYCLE},
        {},
        {"policy": LIFECYCLE.replace("9", "8")},
        ((REPOSITORY, {"name": "lifecycle-images"}),),
    ),
    ROLE: Case(
        {"name": "lifecycle", "assumeRolePolicy": TRUST, "description": "a role", "tags": {"team": "ml"}},
        {
            "assumeRolePolicy": TRUST.replace("sagemaker", "codebuild"),
            "maxSessionDuration": 7200,
            "description": "the role",
            "tags": {},
        },
        {"name": "another", "path": "/ml/"},
    ),
    "aws:iam/rolePolicy:RolePolicy": Case(
        {"name": "permissions", "role": "lifecycle-holder", "policy": POLICY},
        {"policy": OTHER_POLICY},
        {"name": "another", "role": "another"},
        ((ROLE, {"name": "lifecycle-holder", "assumeRolePolicy": TRUST}),),
    ),
    KEY: Case(
        {"description": "a key", "enableKeyRotation": True, "deletionWindowInDays": 7, "tags": {"team": "ml"}},
        {"description": "the key", "enableKeyRotation": False, "tags": {"team": "vision"}, "deletionWindowInDays": 30},
        {"multiRegion": True},
    ),
    "aws:cloudwatch/logGroup:LogGroup": Case(
        {"name": "/aws/codebuild/lifecycle", "retentionInDays": 30, "tags": {"team": "ml"}},
        {"retentionInDays": 365, "tags": {"team": "vision"}},
        {"name": "/aws/codebuild/another"},
    ),
    "aws:codebuild/project:Project": Case(
        _project(),
        {"buildTimeout": 60, "tags": {"team": "vision"}, "description": "builds"},
        {"name": "another"},
    ),
}

every_type = pytest.mark.parametrize(("token", "case"), CASES.items(), ids=CASES.keys())


@contextmanager
def _there(run: Engine, needs: tuple[tuple[str, dict[str, Any]], ...]) -> Iterator[None]:
    made = [(token, run.create(token, inputs)[0], inputs) for token, inputs in needs]
    yield
    for token, id_, inputs in reversed(made):
        run.delete(token, id_, inputs)


@every_type
def test_from_creation_to_its_end(run: Engine, token: str, case: Case) -> None:
    none, some = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME
    with _there(run, case.needs):
        assert run.check(token, case.inputs) == {}
        id_, state = run.create(token, case.inputs)
        inputs = dict(case.inputs)
        assert set(TABLE[token].outputs) <= set(state)
        assert run.read(token, id_, inputs) == inputs, "a refresh finds drift that nobody made"
        assert run.diff(token, id_, inputs, inputs).changes == none

        for name, value in case.updates.items():
            new = {**inputs, name: value}
            found = run.diff(token, id_, inputs, new)
            assert found.changes == some, f"a changed {name} is not seen"
            assert list(found.replaces) == [], f"{name} is changed in place"
            run.update(token, id_, inputs, new)
            now = run.read(token, id_, new)
            assert now == {k: v for k, v in new.items() if v != {} or (now or {}).get(k) == {}}, (
                f"{name} after its update"
            )
            inputs = new

        for name, value in case.replaces.items():
            assert list(run.diff(token, id_, inputs, {**inputs, name: value}).replaces) == [name]

        run.delete(token, id_, {**state, **inputs})
        after = run.read(token, id_, inputs)
        if token != "aws:s3/bucketVersioning:BucketVersioning":  # which can only be suspended
            assert after is None
        run.delete(token, id_, {**state, **inputs})


def test_an_alias_follows_its_key(run: Engine) -> None:
    token = "aws:kms/alias:Alias"
    first, second = (run.create(KEY, {"description": text})[0] for text in ("one", "two"))
    id_, state = run.create(token, {"name": "alias/lifecycle", "targetKeyId": first})
    assert state["targetKeyArn"].endswith(first)
    moved = run.update(
        token, id_, {"name": id_, "targetKeyId": first}, {"name": "alias/lifecycle", "targetKeyId": second}
    )
    assert moved["targetKeyArn"].endswith(second)
    run.delete(token, id_, state)
    assert run.read(token, id_, state) is None


def test_a_preview_creates_nothing_and_knows_what_it_was_given(run: Engine, emulator: RunningEmulator) -> None:
    id_, planned = run.create(BUCKET, {"bucket": "only-planned", "tags": {"a": "b"}}, preview=True)
    assert id_ == ""
    assert planned["bucket"] == "only-planned"
    assert planned["tagsAll"] == {"a": "b"}
    assert planned["arn"] is UNKNOWN
    assert "only-planned" not in [bucket["Name"] for bucket in emulator.client("s3").list_buckets()["Buckets"]]


@pytest.mark.parametrize(
    ("token", "inputs", "path", "said"),
    [
        (BUCKET, {"bucket": "b", "forceDestory": True}, "forceDestory", "did you mean forceDestroy?"),
        (BUCKET, {}, "bucket", "is required"),
        (BUCKET, {"bucket": 7}, "bucket", "is 7, not of type string"),
        (BUCKET, {"bucket": "b", "forceDestroy": "yes"}, "forceDestroy", "is 'yes', not of type boolean"),
        (REPOSITORY, {"name": "r", "imageTagMutability": "FROZEN"}, "imageTagMutability", "AWS has MUTABLE, IMMUTABLE"),
        (ROLE, {"name": "r", "assumeRolePolicy": "{"}, "assumeRolePolicy", "is not JSON"),
        (
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            {"bucket": "b", "rules": [{"id": "x", "status": "On"}]},
            "rules[0].status",
            "is 'On'",
        ),
        ("aws:codebuild/project:Project", _project(source={"type": "S4"}), "source.type", "is 'S4'"),
    ],
)
def test_what_the_real_provider_would_refuse_is_refused_with_its_path(
    run: Engine, token: str, inputs: dict[str, Any], path: str, said: str
) -> None:
    assert said in run.check(token, inputs)[path]


def test_what_is_not_known_yet_is_taken_on_trust(run: Engine) -> None:
    assert run.check(ROLE, {"name": "r", "assumeRolePolicy": UNKNOWN}) == {}


def test_an_unknown_resource_type_is_an_error_that_names_the_nearest(run: Engine) -> None:
    with pytest.raises(RefusedError, match=r"does not know aws:s3/buckett:Bucket: did you mean aws:s3/bucket:Bucket\?"):
        run.check("aws:s3/buckett:Bucket", {})


def test_an_unknown_setting_is_an_error_that_names_the_nearest(run: Engine) -> None:
    assert run.check_config(regoin="eu-west-1") == [
        "aws:regoin is unknown to the embedded provider: did you mean region?"
    ]
    assert run.check_config(region="eu-west-1", skipMetadataApiCheck="true", s3UsePathStyle="true") == []


def test_another_account_than_the_settings_mean_is_refused(provider_port: int) -> None:
    engine, channel = connected(provider_port)
    with pytest.raises(RefusedError, match="account 123456789012, but aws:allowedAccountIds allows 999999999999"):
        engine.configure(region="eu-west-1", allowedAccountIds='["999999999999"]')
    channel.close()


def test_without_a_region_nothing_is_configured(provider_port: int) -> None:
    engine, channel = connected(provider_port)
    with pytest.raises(RefusedError, match="aws:region is not set"):
        engine.configure()
    with pytest.raises(RefusedError, match="was not configured on this connection"):
        engine.create(BUCKET, {"bucket": "nowhere"})
    channel.close()


def test_two_runs_in_two_regions_do_not_mix(run: Engine, provider_port: int) -> None:
    other, channel = connected(provider_port)
    other.configure(region="us-east-1")
    assert run.create(BUCKET, {"bucket": "here"})[1]["region"] == "eu-west-1"
    assert other.create(BUCKET, {"bucket": "there"})[1]["region"] == "us-east-1"
    run.delete(BUCKET, "here", {})
    other.delete(BUCKET, "there", {})
    channel.close()


def test_default_tags_reach_everything_and_are_no_drift(provider_port: int) -> None:
    engine, channel = connected(provider_port)
    engine.configure(region="eu-west-1", defaultTags='{"tags": {"owner": "platform"}}')
    inputs = {"bucket": "default-tags", "tags": {"team": "ml"}}
    id_, state = engine.create(BUCKET, inputs)
    assert state["tagsAll"] == {"owner": "platform", "team": "ml"}
    assert engine.read(BUCKET, id_, inputs) == inputs
    engine.delete(BUCKET, id_, state)
    channel.close()


def test_policies_are_compared_by_meaning(run: Engine) -> None:
    inputs = {"name": "permissions", "role": "r", "policy": POLICY}
    spaced = {**inputs, "policy": json.dumps(json.loads(POLICY), indent=4, sort_keys=True)}
    found = run.diff("aws:iam/rolePolicy:RolePolicy", "r:permissions", inputs, spaced)
    assert found.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_drift_made_by_hand_is_found(run: Engine, emulator: RunningEmulator) -> None:
    inputs = {"name": "/drifting", "retentionInDays": 30}
    id_, state = run.create("aws:cloudwatch/logGroup:LogGroup", inputs)
    emulator.client("logs").put_retention_policy(logGroupName="/drifting", retentionInDays=1)
    assert run.read("aws:cloudwatch/logGroup:LogGroup", id_, inputs) == {"name": "/drifting", "retentionInDays": 1}
    run.delete("aws:cloudwatch/logGroup:LogGroup", id_, state)


def test_an_existing_resource_can_be_imported(run: Engine, emulator: RunningEmulator) -> None:
    emulator.client("iam").create_role(RoleName="imported", AssumeRolePolicyDocument=TRUST, Description="by hand")
    found = run.read(ROLE, "imported")
    assert found is not None
    assert found["name"] == "imported"
    assert found["description"] == "by hand"
    assert json.loads(found["assumeRolePolicy"]) == json.loads(TRUST)
    run.delete(ROLE, "imported", {})


def test_a_resource_of_one_fixed_name_is_deleted_before_its_replacement(run: Engine) -> None:
    inputs = {"name": "r", "encryptionConfigurations": [{"encryptionType": "AES256"}]}
    found = run.diff(REPOSITORY, "r", inputs, {**inputs, "encryptionConfigurations": [{"encryptionType": "KMS"}]})
    assert found.deleteBeforeReplace
    # The real plugin asks only whether it made up the name itself, not whether the name stays.
    assert run.diff(REPOSITORY, "r", inputs, {**inputs, "name": "other"}).deleteBeforeReplace


def test_a_bucket_with_objects_goes_only_by_force_and_then_with_all_versions(
    run: Engine, emulator: RunningEmulator
) -> None:
    s3 = emulator.client("s3")
    run.create(BUCKET, {"bucket": "full"})
    s3.put_bucket_versioning(Bucket="full", VersioningConfiguration={"Status": "Enabled"})
    for content in (b"1", b"2"):
        s3.put_object(Bucket="full", Key="object", Body=content)
    s3.delete_object(Bucket="full", Key="object")
    with pytest.raises(RefusedError, match="BucketNotEmpty"):
        run.delete(BUCKET, "full", {"bucket": "full"})
    run.delete(BUCKET, "full", {"bucket": "full", "forceDestroy": True})
    assert run.read(BUCKET, "full") is None


def test_a_repository_with_images_goes_only_by_force(run: Engine, emulator: RunningEmulator) -> None:
    run.create(REPOSITORY, {"name": "images"})
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 1,
            "digest": f"sha256:{'0' * 64}",
        },
        "layers": [],
    }
    emulator.client("ecr").put_image(repositoryName="images", imageManifest=json.dumps(manifest), imageTag="one")
    with pytest.raises(RefusedError, match="RepositoryNotEmptyException"):
        run.delete(REPOSITORY, "images", {"name": "images"})
    run.delete(REPOSITORY, "images", {"name": "images", "forceDelete": True})


def test_creating_what_exists_says_so_in_one_line_of_awss_own(run: Engine) -> None:
    run.create(ROLE, {"name": "twice", "assumeRolePolicy": TRUST})
    with pytest.raises(RefusedError) as refused:
        run.create(ROLE, {"name": "twice", "assumeRolePolicy": TRUST})
    assert str(refused.value).startswith("CreateRole: EntityAlreadyExists: ")
    assert "\n" not in str(refused.value)
    run.delete(ROLE, "twice", {})


def test_parallel_creates_all_succeed(run: Engine) -> None:
    names = [f"parallel-{number}" for number in range(24)]
    with ThreadPoolExecutor(24) as pool:
        made = list(pool.map(lambda name: run.create(BUCKET, {"bucket": name})[0], names))
        assert sorted(made) == sorted(names)
        list(pool.map(lambda name: run.delete(BUCKET, name, {}), names))
