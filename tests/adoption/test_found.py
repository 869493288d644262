"""What is wrong with a stack that is to be adopted is found while looking, before anything is changed."""

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlstack.adoption import adopt, cloudformation, discover
from mlstack.adoption.found import Found, WrongAccountError, asking_aws
from mlstack.adoption.look import look
from mlstack.errors import MLStackError, UsageError
from mlstack.local.cloud import Cloud
from tests.adoption.originals import STATE, TEMPLATE, Original, by_cloudformation

REGION = "eu-west-1"


@pytest.fixture
def name() -> str:
    return f"zenml-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def original(aws: Cloud, name: str) -> Original:
    return by_cloudformation(aws, name)


@pytest.fixture
def found(original: Original, name: str) -> Found:
    return cloudformation.find(name, REGION)


def test_the_parts_of_the_template_are_found_by_their_logical_ids(found: Found, name: str) -> None:
    assert found.bucket == f"{name}-123456789012"
    assert found.repository == found.access_role == found.user == found.build_project == name
    assert (found.execution_role, found.build_role) == (f"{name}-sagemaker", f"{name}-codebuild")
    assert found.zenml_stack == name


def test_the_same_parts_are_found_without_the_template(found: Found, name: str) -> None:
    same = discover.find(name, REGION)
    for part in ("bucket", "repository", "execution_role", "build_role", "build_project", "user", "orchestrator"):
        assert getattr(same, part) == getattr(found, part)


def test_with_several_stacks_in_the_account_one_has_to_be_chosen(aws: Cloud, original: Original) -> None:
    by_cloudformation(aws, f"zenml-{uuid.uuid4().hex[:8]}", images=False)
    with pytest.raises(UsageError, match=rf"ZenML stacks, by their access roles: .*{original.roles[0]}") as refused:
        discover.find(None, REGION)
    assert "mlstack adopt --from discover zenml-" in str(refused.value.hint)
    with pytest.raises(UsageError, match="no role 'nobodys' that ZenML's template or module made"):
        discover.find("nobodys", REGION)


def test_a_stack_that_is_not_there_is_said_with_account_and_region(aws: Cloud) -> None:
    with pytest.raises(UsageError, match="account 123456789012 has no CloudFormation stack 'none' in eu-west-1"):
        cloudformation.find("none", REGION)


def test_a_stack_that_is_only_being_reviewed_is_refused(aws: Cloud, name: str) -> None:
    aws.aws_client("cloudformation").create_change_set(
        StackName=name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=TEMPLATE.read_text(encoding="utf-8")
    )
    with pytest.raises(UsageError, match=f"{name} is REVIEW_IN_PROGRESS; nothing was changed"):
        cloudformation.find(name, REGION)


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        ("ROLLBACK_COMPLETE", "describe-stack-events"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("DELETE_FAILED", "--from discover"),
        ("UPDATE_IN_PROGRESS", "wait until"),
    ],
)
def test_a_stack_in_a_failed_state_is_refused(
    original: Original, name: str, status: str, way_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emulator's stacks never fail: only the status is made up."""
    monkeypatch.setattr(cloudformation, "_describe", lambda *_: {"StackStatus": status})
    with pytest.raises(UsageError, match=f"is {status}; nothing was changed") as refused:
        cloudformation.find(name, REGION)
    assert way_out in str(refused.value.hint)


def test_a_stack_of_another_template_is_refused(aws: Cloud, name: str) -> None:
    template = {"Resources": {"S3Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}}}
    aws.aws_client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    with pytest.raises(UsageError, match="has no ECRRepository, StackAccessRole, SageMakerRuntimeRole"):
        cloudformation.find(name, REGION)


def test_credentials_of_another_account_are_refused(aws: Cloud, tmp_path: Path) -> None:
    elsewhere = tmp_path / "zenml.tfstate"
    elsewhere.write_text(STATE.read_text(encoding="utf-8").replace("123456789012", "999999999999"), encoding="utf-8")
    with pytest.raises(WrongAccountError, match="is in account 999999999999, and the AWS credentials are of 1234"):
        adopt.find("terraform", str(elsewhere), region=None, module=None)


def test_an_origin_that_is_none_and_one_without_its_name_are_refused(aws: Cloud) -> None:
    with pytest.raises(UsageError, match="--from is 'cdk'"):
        adopt.find("cdk", None, region=REGION, module=None)
    with pytest.raises(UsageError, match="--from terraform needs the state file"):
        adopt.find("terraform", None, region=REGION, module=None)


@pytest.mark.parametrize(
    ("what", "delete"),
    [
        ("bucket", lambda aws, it: aws.aws_client("s3").delete_bucket(Bucket=it.bucket)),
        ("repository", lambda aws, it: aws.aws_client("ecr").delete_repository(repositoryName=it.repository)),
        ("CodeBuild project", lambda aws, it: aws.aws_client("codebuild").delete_project(name=it.project)),
    ],
)
def test_what_is_gone_is_named(aws: Cloud, original: Original, found: Found, what: str, delete: Any) -> None:
    delete(aws, original)
    with pytest.raises(UsageError, match=f"names the {what} .*, which account 123456789012 does not have"):
        look(found)


def test_a_bucket_of_an_environment_of_ours_is_managed_already(aws: Cloud, original: Original, found: Found) -> None:
    tags = [{"Key": "mlstack:environment", "Value": "prod"}, {"Key": "mlstack:project", "Value": "mlstack"}]
    aws.aws_client("s3").put_bucket_tagging(Bucket=original.bucket, Tagging={"TagSet": tags})
    with pytest.raises(UsageError, match="is managed already, by environment prod of mlstack") as refused:
        look(found)
    assert refused.value.hint == "there is nothing to adopt: mlstack deploy --stack prod"


def test_a_user_with_two_keys_is_refused_for_aws_allows_no_third(aws: Cloud, original: Original, found: Found) -> None:
    aws.aws_client("iam").create_access_key(UserName=original.user)
    with pytest.raises(UsageError, match=r"has two access keys, .* and AWS allows no third") as refused:
        look(found)
    assert original.secret not in str(refused.value)


def test_roles_of_several_paths_are_refused(aws: Cloud, original: Original, found: Found) -> None:
    iam = aws.aws_client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = f"{original.roles[0]}-moved"
    iam.create_role(RoleName=role, Path="/ml/", AssumeRolePolicyDocument=trust)
    with pytest.raises(UsageError, match=f"several paths .*/ml/{role}"):
        look(replace(found, execution_role=role))


def test_what_others_set_on_the_bucket_is_kept(aws: Cloud, original: Original, found: Found) -> None:
    s3, bucket = aws.aws_client("s3"), original.bucket
    assert sorted(look(found).keep) == ["image-encryption", "image-lifecycle"]
    deny = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "s3:GetObject"}
    policy = {"Version": "2012-10-17", "Statement": [{**deny, "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    seen = look(found)
    assert sorted(seen.keep) == ["bucket-lifecycle", "bucket-policy", "image-encryption", "image-lifecycle"]
    assert seen.imports["artifacts-versioning"] == bucket
    assert seen.settings["tags"] == {"project": "zenml"}


def test_a_bucket_under_a_key_of_yours_stays_under_it(aws: Cloud, original: Original, found: Found) -> None:
    key = aws.aws_client("kms").create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    aws.aws_client("s3").put_bucket_encryption(
        Bucket=original.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    assert look(found).settings["encryption"] == {"mode": "existing", "keyArn": key}


def test_without_a_user_the_one_whom_the_role_trusts_is_the_principal(
    aws: Cloud, original: Original, found: Found
) -> None:
    iam, of_pro = aws.aws_client("iam"), replace(found, user=None)
    principal = "arn:aws:iam::715803424590:role/zenml-tenant"

    def trust(*whom: str) -> None:
        statement = {"Effect": "Allow", "Principal": {"AWS": list(whom)}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.update_assume_role_policy(RoleName=original.roles[0], PolicyDocument=document)

    trust(principal)
    assert look(of_pro).settings["connector"] == {"principal": principal}
    trust("arn:aws:iam::123456789012:root")
    with pytest.raises(UsageError, match="trusts arn:aws:iam::123456789012:root; nothing was changed"):
        look(of_pro)


def test_cloudformation_retains_what_is_ours_and_parameters_stay(aws: Cloud, original: Original, name: str) -> None:
    formation = aws.aws_client("cloudformation")
    before = formation.describe_stacks(StackName=name)["Stacks"][0]["Parameters"]
    assert cloudformation.retain(name, REGION) == 8
    assert cloudformation.retain(name, REGION) == 0, "a second time there is nothing to tell"
    assert formation.describe_stacks(StackName=name)["Stacks"][0]["Parameters"] == before
    formation.delete_stack(StackName=name)
    assert aws.aws_client("iam").get_user(UserName=original.user)["User"]["UserName"] == original.user
    assert aws.aws_client("s3").head_bucket(Bucket=original.bucket)


def test_what_registered_the_stack_may_go_with_it() -> None:
    template = {
        "Resources": {
            "S3Bucket": {"Type": "AWS::S3::Bucket"},
            "InvokeZenMLAPIFunction": {"Type": "AWS::Serverless::Function"},
            "InvokeZenMLAPICustomResource": {"Type": "Custom::Resource"},
        }
    }
    text, changed = cloudformation._retaining(template)
    retained = {key for key, each in json.loads(text)["Resources"].items() if "DeletionPolicy" in each}
    assert (retained, changed) == ({"S3Bucket"}, 1)


def test_settings_of_another_stack_are_not_overwritten(found: Found, tmp_path: Path) -> None:
    from mlstack.adoption import environment

    file = tmp_path / "Pulumi.prod.yaml"
    seen = look(found)
    file.write_text(environment.text_of(environment.settings_of(found, seen, "zenml"), found, seen), encoding="utf-8")
    assert environment.read(file, found).names.bucket == found.bucket
    file.write_text(file.read_text(encoding="utf-8").replace(found.bucket, "another-bucket"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"Pulumi.prod.yaml is of another environment: its bucket is another-bucket"):
        environment.read(file, found)


def test_what_aws_refuses_is_one_message_that_names_the_call(aws: Cloud) -> None:
    with (
        pytest.raises(MLStackError, match=r"AWS refuses GetRole: NoSuchEntity: .*; nothing was imported"),
        asking_aws(),
    ):
        aws.aws_client("iam").get_role(RoleName="nobodys")
