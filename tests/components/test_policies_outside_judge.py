"""cfn-lint judges every policy: schema, trust form, and that each action exists. The emulator would accept anything."""

import json
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.components.stacks import CASES, program
from tests.recording import Recording, record

# I3042 asks for ${AWS::Partition}: names here are computed, with the right partition in them. W3005: nothing depends.
IGNORED = {"I3042", "W3005", "I3011", "W1011"}


def _template(recording: Recording) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    for resource in recording.customs:
        logical = "".join(part.capitalize() for part in resource.name.split("-"))
        if resource.type == "aws:iam/role:Role":
            trust = json.loads(resource.inputs["assumeRolePolicy"])
            resources[logical] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
        elif resource.type == "aws:iam/rolePolicy:RolePolicy":
            properties = {
                "PolicyName": "p",
                "Roles": [resource.inputs["role"]],
                "PolicyDocument": json.loads(resource.inputs["policy"]),
            }
            resources[logical] = {"Type": "AWS::IAM::Policy", "Properties": properties}
        elif resource.type == "aws:s3/bucketPolicy:BucketPolicy":
            properties = {"Bucket": resource.inputs["bucket"], "PolicyDocument": json.loads(resource.inputs["policy"])}
            resources[logical] = {"Type": "AWS::S3::BucketPolicy", "Properties": properties}
        elif resource.type == "aws:ec2/vpcEndpoint:VpcEndpoint":
            properties = {
                "VpcId": "vpc-0123456789abcdef0",
                "ServiceName": resource.inputs["serviceName"],
                "VpcEndpointType": resource.inputs["vpcEndpointType"],
                "PolicyDocument": json.loads(resource.inputs["policy"]),
            }
            resources[logical] = {"Type": "AWS::EC2::VPCEndpoint", "Properties": properties}
        elif resource.type == "aws:kms/key:Key":
            properties = {"KeyPolicy": json.loads(resource.inputs["policy"])}
            resources[logical] = {
                "Type": "AWS::KMS::Key",
                "Properties": properties,
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
            }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def _judged(template: dict[str, Any]) -> list[str]:
    found = lint(json.dumps(template, indent=1), config=ManualArgs(include_checks=["I"], regions=["eu-west-1"]))
    return [f"{match.rule.id} {match.path}: {match.message}" for match in found if match.rule.id not in IGNORED]


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_every_policy_is_one_that_cloudformation_would_take(changes: dict[str, str]) -> None:
    template = _template(record(program(changes)))
    assert len(template["Resources"]) >= 3
    assert _judged(template) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"Effect": "Allow", "Action": "ecr:ListRepositories", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"},
        {"Effect": "Alow", "Action": "s3:GetObject", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"StringIs": {"a": "b"}}},
    ],
    ids=["no such action", "misspelt action", "misspelt effect", "no such operator"],
)
def test_the_judge_sees_what_the_emulator_does_not(broken: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": [broken]}
    properties = {"PolicyName": "p", "Roles": ["r"], "PolicyDocument": document}
    assert _judged({"Resources": {"Policy": {"Type": "AWS::IAM::Policy", "Properties": properties}}})
