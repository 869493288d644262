"""One resource of each type in the table, what it stands on, and a change of it that is made in place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.local.provider.conftest import Engine

Inputs = dict[str, Any]

BUCKET = "aws:s3/bucket:Bucket"
REPOSITORY = "aws:ecr/repository:Repository"
ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
USER = "aws:iam/user:User"
KEY = "aws:kms/key:Key"
VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
TABLE_OF_ROUTES = "aws:ec2/routeTable:RouteTable"
GROUP = "aws:ec2/securityGroup:SecurityGroup"

RANGE = "10.7.0.0/16"
HTTPS: Inputs = {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443}


def allow(action: str, resource: str = "arn:aws:s3:::somewhere") -> str:
    statement = {"Effect": "Allow", "Action": [action], "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def expire_after(days: int) -> str:
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def needed(run: Engine, unique: str, name: str) -> str:
    """Makes what the input `name` is to name, and returns that."""
    base = f"{unique}-base"
    match name:
        case "bucket" | "targetBucket":
            bucket = f"{name.lower()}-{unique}"
            run.create(BUCKET, {"bucket": bucket})
            if name == "targetBucket":
                run.create("aws:s3/bucketPolicy:BucketPolicy", {"bucket": bucket, "policy": for_logs(bucket)})
            return bucket
        case "repository":
            return run.create(REPOSITORY, {"name": base})[0]
        case "role" | "roleName":
            return run.create(ROLE, {"name": base, "assumeRolePolicy": trust("sagemaker.amazonaws.com")})[0]
        case "user" | "userName":
            return run.create(USER, {"name": base})[0]
        case "url":
            return f"https://{unique}.example.com"
        case "policyArn":
            return run.create(POLICY, {"name": base, "policy": allow("s3:GetObject")})[0]
        case "targetKeyId":
            return run.create(KEY, {"description": base})[0]
        case "vpcId":
            return run.create(VPC, {"cidrBlock": RANGE})[0]
        case "subnetId":
            return run.create(SUBNET, {"vpcId": needed(run, unique, "vpcId"), "cidrBlock": RANGE})[0]
        case "securityGroupId" | "referencedSecurityGroupId":
            group = {"name": f"{name}-{unique}", "vpcId": needed(run, unique, "vpcId")}
            return run.create(GROUP, group)[0]
        case "routeTableId":
            return run.create(TABLE_OF_ROUTES, {"vpcId": needed(run, unique, "vpcId")})[0]
        case _:
            return unique


def for_logs(bucket: str) -> str:
    """What S3's log delivery needs in the bucket that it writes to."""
    delivery = {"Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject"}
    statement = {"Effect": "Allow", **delivery, "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass(frozen=True)
class Sample:
    inputs: Mapping[str, Any]
    """With a name of what it stands on where the value is None."""
    change: Mapping[str, Any] = field(default_factory=dict)
    """Made in place."""
    replace: Mapping[str, Any] = field(default_factory=dict)
    """Made by replacing it."""

    def on(self, base: Inputs) -> Inputs:
        return {name: base[name] if value is None else value for name, value in self.inputs.items()}


def project(**more: Any) -> Inputs:
    return {
        "name": None,
        "serviceRole": "arn:aws:iam::123456789012:role/codebuild",
        "source": {"type": "S3", "location": "somewhere/contexts/", "buildspec": "version: 0.2"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "computeType": "BUILD_GENERAL1_SMALL",
            "image": "aws/codebuild/standard:7.0",
        },
        "logsConfig": {"cloudwatchLogs": {"groupName": "/builds"}},
        **more,
    }


def encryption(**more: Any) -> list[Inputs]:
    return [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "alias/a"}, **more}]


def expiry(**more: Any) -> list[Inputs]:
    return [
        {
            "id": "old",
            "status": "Enabled",
            "filter": {"prefix": "runs/"},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
            "noncurrentVersionExpiration": {"noncurrentDays": 90, "newerNoncurrentVersions": 3},
            **more,
        }
    ]


def scanned(frequency: str) -> list[Inputs]:
    return [{"scanFrequency": frequency, "repositoryFilters": [{"filter": "ml-*", "filterType": "WILDCARD"}]}]


SAMPLES: dict[str, Sample] = {
    BUCKET: Sample(
        {"bucket": None, "tags": {"Owner": "ml"}}, {"tags": {"Owner": "platform"}}, {"objectLockEnabled": True}
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Sample(
        {"bucket": None, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        {"bucket": "another"},
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Sample(
        {"bucket": None, "blockPublicAcls": True, "blockPublicPolicy": True},
        {"ignorePublicAcls": True},
        {"bucket": "another"},
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Sample(
        {"bucket": None, "rules": encryption(bucketKeyEnabled=True, blockedEncryptionTypes=["SSE-C"])},
        {"rules": encryption(blockedEncryptionTypes=["SSE-C"])},
        {"bucket": "another"},
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Sample(
        {"bucket": None, "versioningConfiguration": {"status": "Enabled"}},
        {"versioningConfiguration": {"status": "Suspended"}},
        {"bucket": "another"},
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Sample(
        {"bucket": None, "rules": expiry(transitions=[{"days": 30, "storageClass": "INTELLIGENT_TIERING"}])},
        {"rules": expiry(expiration={"days": 365})},
        {"bucket": "another"},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Sample(
        {"bucket": None, "policy": allow("s3:GetObject")}, {"policy": allow("s3:PutObject")}, {"bucket": "another"}
    ),
    "aws:s3/bucketLogging:BucketLogging": Sample(
        {"bucket": None, "targetBucket": None, "targetPrefix": "access/"},
        {"targetPrefix": "log/"},
        {"bucket": "another"},
    ),
    "aws:s3/bucketNotification:BucketNotification": Sample(
        {"bucket": None, "eventbridge": True}, replace={"bucket": "another"}
    ),
    REPOSITORY: Sample(
        {
            "name": None,
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [
                {"filter": "latest*", "filterType": "WILDCARD"},
                {"filter": "dev*", "filterType": "WILDCARD"},
            ],
            "imageScanningConfiguration": {"scanOnPush": True},
            "tags": {"Owner": "ml"},
        },
        {"imageScanningConfiguration": {"scanOnPush": False}, "tags": {"Team": "ml"}},
        {"encryptionConfigurations": [{"encryptionType": "KMS"}]},
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Sample(
        {"repository": None, "policy": expire_after(14)}, replace={"policy": expire_after(7)}
    ),
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": Sample(
        {"scanType": "ENHANCED", "rules": scanned("CONTINUOUS_SCAN")},
        {"rules": scanned("SCAN_ON_PUSH")},
        {"region": "eu-central-1"},
    ),
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": Sample(
        {"ecrRepositoryPrefix": None, "upstreamRegistryUrl": "public.ecr.aws"},
        {"credentialArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/public-a1b2c3"},
        {"upstreamRegistryUrl": "quay.io"},
    ),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": Sample(
        {
            "prefix": None,
            "appliedFors": ["PULL_THROUGH_CACHE"],
            "description": "base images",
            "encryptionConfigurations": [{"encryptionType": "AES256"}],
            "lifecyclePolicy": expire_after(14),
        },
        {"lifecyclePolicy": expire_after(7), "imageTagMutability": "IMMUTABLE", "appliedFors": ["REPLICATION"]},
        {"prefix": "another"},
    ),
    ROLE: Sample(
        {
            "name": None,
            "path": "/mlstack/",
            "assumeRolePolicy": trust("sagemaker.amazonaws.com"),
            "maxSessionDuration": 7200,
            "tags": {"Owner": "ml"},
        },
        {"assumeRolePolicy": trust("codebuild.amazonaws.com"), "description": "builds", "tags": {}},
        {"path": "/"},
    ),
    "aws:iam/rolePolicy:RolePolicy": Sample(
        {"name": None, "role": None, "policy": allow("s3:GetObject")},
        {"policy": allow("s3:PutObject")},
        {"role": "another"},
    ),
    POLICY: Sample(
        {"name": None, "policy": allow("s3:GetObject"), "description": "reads"},
        {"policy": allow("s3:PutObject"), "tags": {"Owner": "ml"}},
        {"description": "writes"},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Sample(
        {"role": None, "policyArn": None}, replace={"policyArn": "arn:aws:iam::123456789012:policy/other"}
    ),
    USER: Sample({"name": None, "tags": {"Owner": "ml"}}, {"path": "/mlstack/"}, {"name": "another"}),
    "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive": Sample(
        {"roleName": None, "policyNames": []}, replace={"roleName": "another"}
    ),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": Sample(
        {"roleName": None, "policyArns": []}, replace={"roleName": "another"}
    ),
    "aws:iam/userPoliciesExclusive:UserPoliciesExclusive": Sample(
        {"userName": None, "policyNames": []}, replace={"userName": "another"}
    ),
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": Sample(
        {"userName": None, "policyArns": []}, replace={"userName": "another"}
    ),
    "aws:iam/userPolicy:UserPolicy": Sample(
        {"name": None, "user": None, "policy": allow("s3:GetObject")},
        {"policy": allow("s3:PutObject")},
        {"user": "another"},
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Sample(
        {"url": None, "clientIdLists": ["sts.amazonaws.com"], "tags": {"Owner": "ml"}},
        # The emulator knows no call that changes the audiences.
        {"thumbprintLists": ["1c58a3a8518e8759bf075b76b750d4f2df264fcd"], "tags": {"Team": "ml"}},
        {"url": "https://other.example.com"},
    ),
    "aws:iam/accessKey:AccessKey": Sample({"user": None}, {"status": "Inactive"}, {"user": "another"}),
    KEY: Sample(
        {"description": "artifacts", "enableKeyRotation": True, "rotationPeriodInDays": 365, "deletionWindowInDays": 7},
        {"description": "images", "enableKeyRotation": False, "tags": {"Owner": "ml"}},
        {"multiRegion": True},
    ),
    "aws:kms/alias:Alias": Sample({"name": "alias/sample", "targetKeyId": None}, replace={"name": "alias/other"}),
    "aws:codebuild/project:Project": Sample(
        project(
            vpcConfig={"vpcId": "vpc-1", "subnets": ["subnet-1", "subnet-2"], "securityGroupIds": ["sg-1"]},
            buildTimeout=30,
            concurrentBuildLimit=2,
            encryptionKey="alias/a",
            tags={"Owner": "ml"},
        ),
        {"buildTimeout": 45, "description": "images"},
        {"name": "another"},
    ),
    "aws:cloudwatch/logGroup:LogGroup": Sample(
        {"name": None, "retentionInDays": 30, "tags": {"Owner": "ml"}},
        {"retentionInDays": 60, "tags": {"Team": "ml"}},
        {"name": "another"},
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Sample(
        {"name": None, "tags": {"Owner": "ml"}}, {"tags": {"Team": "ml"}}, {"name": "another"}
    ),
    VPC: Sample(
        {"cidrBlock": RANGE, "enableDnsHostnames": True, "tags": {"Owner": "ml"}},
        {"enableDnsSupport": False, "enableDnsHostnames": False, "tags": {"Team": "ml"}},
        {"cidrBlock": "10.8.0.0/16"},
    ),
    SUBNET: Sample(
        {"vpcId": None, "cidrBlock": "10.7.4.0/22", "availabilityZone": "eu-west-1b", "tags": {"Owner": "ml"}},
        {"mapPublicIpOnLaunch": True, "tags": {"Team": "ml"}},
        {"availabilityZone": "eu-west-1a"},
    ),
    TABLE_OF_ROUTES: Sample({"vpcId": None, "tags": {"Owner": "ml"}}, {"tags": {"Team": "ml"}}, {"vpcId": "another"}),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Sample(
        {"subnetId": None, "routeTableId": None}, replace={"subnetId": "another"}
    ),
    GROUP: Sample(
        {"name": None, "vpcId": None, "description": "jobs", "tags": {"Owner": "ml"}},
        {"tags": {"Team": "ml"}},
        {"description": "builds"},
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Sample(
        {"vpcId": None, "tags": {"Owner": "ml"}}, {"tags": {"Team": "ml"}}, {"vpcId": "another"}
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Sample(
        {"securityGroupId": None, "referencedSecurityGroupId": None, **HTTPS, "tags": {"Owner": "ml"}},
        {"fromPort": 80, "description": "HTTP as well", "tags": {"Team": "ml"}},
        {"securityGroupId": "another"},
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Sample(
        {"securityGroupId": None, "cidrIpv4": RANGE, **HTTPS, "description": "HTTPS"},
        {"cidrIpv4": "10.8.0.0/16", "ipProtocol": "udp", "fromPort": 80},
        {"prefixListId": "pl-another"},
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Sample(
        {"vpcId": None, "serviceName": "com.amazonaws.eu-west-1.s3", "policy": allow("s3:*"), "tags": {"Owner": "ml"}},
        {"policy": allow("s3:GetObject"), "tags": {"Team": "ml"}},
        {"vpcEndpointType": "Interface"},
    ),
    "aws:ec2/flowLog:FlowLog": Sample(
        {
            "vpcId": None,
            "trafficType": "ALL",
            "logDestination": "arn:aws:logs:eu-west-1:123456789012:log-group:/flows",
            "iamRoleArn": "arn:aws:iam::123456789012:role/flows",
            "maxAggregationInterval": 60,
            "tags": {"Owner": "ml"},
        },
        {"tags": {"Team": "ml"}},
        {"trafficType": "REJECT"},
    ),
}
