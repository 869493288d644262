"""The recorder of AWS calls: what it writes down, and above all what it does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

from components.names import Names
from tools.calls.embedded import mark, read_raw, watching
from tools.calls.normal import difference, normal

NAMES = Names(name="mlstack", environment="local", account_id="123456789012", region="eu-west-1")

PROCESS = """
import boto3
from botocore.stub import Stubber

def client(service):
    made = boto3.client(service, region_name="eu-west-1", aws_access_key_id="mine", aws_secret_access_key="hidden-key")
    stub = Stubber(made)
    stub.activate()
    return made, stub

s3, stub = client("s3")
stub.add_response("put_object", {})
s3.put_object(Bucket="b", Key="k", Body=b"hidden-body", Metadata={"a": "hidden-metadata"})
stub.add_client_error("get_object", "AccessDenied")
try:
    s3.get_object(Bucket="b", Key="k")
except s3.exceptions.ClientError:
    pass

sagemaker, stub = client("sagemaker")
stub.add_response("create_pipeline", {})
sagemaker.create_pipeline(
    PipelineName="p",
    ClientRequestToken="t" * 32,
    RoleArn="arn:aws:iam::123456789012:role/r",
    PipelineDefinition="hidden-definition",
    Tags=[{"Key": "hidden-tag", "Value": "v"}],
)

sts, stub = client("sts")
given = {"AccessKeyId": "A" * 16, "SecretAccessKey": "hidden-given", "SessionToken": "hidden-token"}
given["Expiration"] = "2026-01-01T00:00:00Z"
stub.add_response("assume_role", {"Credentials": given})
policy = '{"Statement": {"Effect": "Allow", "Action": ["s3:GetObject", "kms:Decrypt"], "Resource": "hidden-arn"}}'
sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/r", RoleSessionName="zenml-connector", Policy=policy)
"""


def _raw(file: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", **watching(file, "step")}
    subprocess.run([sys.executable, "-c", PROCESS], env=environment, check=True, timeout=60)


def test_calls_are_written_down_refused_ones_too_and_nothing_secret_is(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    mark(file, "a flow")
    _raw(file)
    assert "hidden" not in file.read_text()
    records = read_raw(file)
    assert [(each["service"], each["operation"]) for each in records] == [
        ("s3", "PutObject"),
        ("s3", "GetObject"),
        ("sagemaker", "CreatePipeline"),
        ("sts", "AssumeRole"),
    ]
    assert {each["at"] for each in records} == {"step"}
    assert {each["during"] for each in records} == {"a flow"}
    assert records[2]["parameters"] == {
        "PipelineName": "p",
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "Tags": True,
    }
    assert records[3]["parameters"]["Policy"] == ["kms", "s3"], "what the session is for tells the connectors apart"


def test_without_being_told_where_to_nothing_is_watched(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": watching(tmp_path / "none", "step")["PYTHONPATH"]}
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys; print('botocore' in sys.modules)"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert loaded.stdout.strip() == "False"


def _record(key: str, access_key: str = "zenml", **more: object) -> dict[str, object]:
    parameters = {"Bucket": NAMES.bucket, "Key": key}
    return {
        "service": "s3",
        "operation": "GetObject",
        "parameters": parameters,
        "key": access_key,
        "at": "step",
        "during": "pipeline",
        **more,
    }


def test_two_runs_of_the_same_differ_in_nothing() -> None:
    one = "train/model/11111111-2222-4333-8444-555555555555/0a1b2c3d/artifact.pkl"
    other = "load/images/99999999-2222-4333-8444-555555555555/99999999/data.npy"
    assert normal([_record(one)], NAMES) == normal([_record(other)], NAMES)
    assert normal([_record(one)], NAMES)[0]["parameters"] == {
        "Bucket": "{bucket}",
        "Key": "{step}/{output}/{uuid}/{hex8}/{file}",
    }


def test_a_session_goes_by_the_connector_that_asked_for_it() -> None:
    assumed = {
        "service": "sts",
        "operation": "AssumeRole",
        "parameters": {"RoleArn": NAMES.role_arn("access"), "RoleSessionName": "zenml-connector", "Policy": ["s3"]},
        "key": "servers-own",
        "given": "session",
        "at": "server",
        "during": "pipeline",
    }
    who = {each["call"]: each["who"] for each in normal([assumed, _record("logs/x", "session")], NAMES)}
    assert who == {"sts:AssumeRole": "server", "s3:GetObject": "access/s3"}
    assert normal([_record("logs/x", "jobs-own")], NAMES)[0]["who"] == "environment"


def test_a_new_call_is_a_difference_and_a_known_one_from_elsewhere_is_not() -> None:
    known = normal([_record("logs/x")], NAMES)
    assert difference(normal([_record("logs/x", at="client", during="another")], NAMES), known) == []
    (new,) = difference(normal([_record("models/x")], NAMES), known)
    assert "s3:GetObject" in new
    assert json.dumps("models/x") in new
