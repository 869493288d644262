"""Single requests of the engine: what is refused, what is compared how, and what AWS itself would not do."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from mlstack.local.provider.values import UNKNOWN
from tests.local.conftest import RunningEmulator
from tests.local.provider.conftest import Engine, RefusedError, connected

BUCKET = "aws:s3/bucket:Bucket"
ROLE = "aws:iam/role:Role"
REPOSITORY = "aws:ecr/repository:Repository"
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
        ("aws:codebuild/project:Project", {"source": {"type": "S4"}}, "source.type", "is 'S4'"),
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


def test_parallel_creates_all_succeed(run: Engine) -> None:
    names = [f"parallel-{number}" for number in range(24)]
    with ThreadPoolExecutor(24) as pool:
        made = list(pool.map(lambda name: run.create(BUCKET, {"bucket": name})[0], names))
        assert sorted(made) == sorted(names)
        list(pool.map(lambda name: run.delete(BUCKET, name, {}), names))
