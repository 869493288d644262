"""Somebody who owned resources before there was a stack: makes them, pastes changes, and looks whether they changed."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name

from mlstack.existing.lack import Change

ACCOUNT = "123456789012"
REGION = "eu-west-1"
Client = Callable[[str], Any]

_NOBODY = {
    "Sid": "Nobody",
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "ec2.amazonaws.com"},
}
# Manages the key, and lets nobody use it.
_MANAGED_ALONE = {
    "Sid": "Owner",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"],
    "Resource": "*",
}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass
class Owner:
    """Of resources that are all called `<name>-...`, and bare: nothing of them is as a stack needs it."""

    client: Client
    name: str
    key_arn: str = ""
    vpc_id: str = ""
    subnet_ids: list[str] = field(default_factory=list)
    group_ids: list[str] = field(default_factory=list)

    @property
    def bucket(self) -> str:
        return f"{self.name}-artifacts"

    @property
    def log_bucket(self) -> str:
        return f"{self.name}-access-logs"

    @property
    def repository(self) -> str:
        return f"{self.name}/images"

    @property
    def project(self) -> str:
        return f"{self.name}-builder"

    @property
    def key_id(self) -> str:
        return self.key_arn.rsplit("/", 1)[1]

    def role_arn(self, purpose: str) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{self.name}-{purpose}"

    def make(self) -> "Owner":
        for bucket in (self.bucket, self.log_bucket):
            where = {"LocationConstraint": REGION}
            self.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        self.client("s3").put_object(Bucket=self.bucket, Key="before/us.txt", Body=b"was here before")
        self.client("ecr").create_repository(repositoryName=self.repository, imageTagMutability="IMMUTABLE")
        for purpose in ("access", "execution", "scheduler", "build", "flowLogs"):
            self.client("iam").create_role(
                RoleName=f"{self.name}-{purpose}", AssumeRolePolicyDocument=policy(_NOBODY), MaxSessionDuration=3600
            )
        self.key_arn = self.client("kms").create_key(Policy=policy(_MANAGED_ALONE), KeyUsage="ENCRYPT_DECRYPT")[
            "KeyMetadata"
        ]["Arn"]
        self.make_project(self.project, self.role_arn("build"))
        self._make_network()
        return self

    def make_project(self, name: str, role_arn: str) -> None:
        self.client("codebuild").create_project(
            name=name,
            source={"type": "S3", "location": f"{self.bucket}/builds/"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            serviceRole=role_arn,
        )

    def _make_network(self) -> None:
        ec2 = self.client("ec2")
        self.vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        for number, zone in enumerate("ab"):
            made = ec2.create_subnet(
                VpcId=self.vpc_id, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
            )
            self.subnet_ids.append(made["Subnet"]["SubnetId"])
        group = ec2.create_security_group(GroupName=f"{self.name}-jobs", Description="jobs", VpcId=self.vpc_id)
        self.group_ids.append(group["GroupId"])

    def settings(self, part: str) -> dict[str, Any]:
        """What to write into a settings file to use one part of it, without the namespace."""
        roles = {
            f"roles.{purpose}": {"roles": {purpose: {"mode": "existing", "arn": self.role_arn(purpose)}}}
            for purpose in ("access", "execution", "scheduler", "build", "flowLogs")
        }
        network = {"mode": "existing", "vpcId": self.vpc_id, "subnetIds": self.subnet_ids}
        parts: dict[str, dict[str, Any]] = {
            "artifactStore": {
                "artifactStore": {"mode": "existing", "bucket": self.bucket, "prefix": "teams/vision"},
                "artifactStoreForceDestroy": False,
                "accessLogs": {"mode": "off"},
            },
            "accessLogs": {"accessLogs": {"mode": "existing", "bucket": self.log_bucket}},
            "repository": {
                "repository": {"mode": "existing", "name": self.repository},
                "containerRegistryForceDelete": False,
            },
            "encryption": {"encryption": {"mode": "existing", "keyArn": self.key_arn}},
            "buildProject": {"buildProject": {"mode": "existing", "name": self.project}},
            "network": {"network": {**network, "securityGroupIds": self.group_ids}},
            "network without group": {"network": network},
            **roles,
        }
        return parts[part]

    def together(self, *parts: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in parts:
            for key, value in self.settings(part).items():
                both = isinstance(value, dict) and isinstance(found.get(key), dict)
                found[key] = {**found[key], **value} if both else value
        return found

    def paste(self, change: Change) -> None:
        """Run the command as the owner would: the options of AWS's command line are the members of its API."""
        program, service, operation, *options = shlex.split(change.command)
        assert program == "aws"
        client = self.client({"s3api": "s3"}.get(service, service))
        method = operation.replace("-", "_")
        api = client.meta.method_to_api_mapping[method]
        members = client.meta.service_model.operation_model(api).input_shape.members
        by_option = {xform_name(member, "-"): (member, shape) for member, shape in members.items()}
        arguments: dict[str, Any] = {}
        while options:
            option = options.pop(0).removeprefix("--")
            if option == "cli-input-json":
                assert options.pop(0) == "file://change.json"
                arguments |= change.document
                continue
            member, shape = by_option[option]
            if shape.type_name == "boolean":
                arguments[member] = True
                continue
            value: Any = options.pop(0)
            if value == "file://change.json":
                value = json.dumps(change.document) if shape.type_name == "string" else change.document
            arguments[member] = int(value) if shape.type_name == "integer" else value
        getattr(client, method)(**arguments)

    def snapshot(self) -> dict[str, Any]:
        """Everything that AWS tells of the resources: settings, policies, tags, objects with all their versions."""
        found: dict[str, Any] = {bucket: self._of_bucket(bucket) for bucket in (self.bucket, self.log_bucket)}
        ecr, kms, ec2 = self.client("ecr"), self.client("kms"), self.client("ec2")
        [repository] = ecr.describe_repositories(repositoryNames=[self.repository])["repositories"]
        tags = ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
        found["repository"] = [repository, tags, ecr.list_images(repositoryName=self.repository)["imageIds"]]
        found |= {purpose: self._of_role(purpose) for purpose in ("access", "execution", "scheduler", "build")}
        found["key"] = [
            kms.describe_key(KeyId=self.key_arn)["KeyMetadata"],
            kms.get_key_policy(KeyId=self.key_arn, PolicyName="default")["Policy"],
            kms.list_resource_tags(KeyId=self.key_arn)["Tags"],
            kms.list_grants(KeyId=self.key_arn)["Grants"],
            [each for each in kms.list_aliases()["Aliases"] if each.get("TargetKeyId") in self.key_arn],
        ]
        found["project"] = self.client("codebuild").batch_get_projects(names=[self.project])["projects"]
        inside = [{"Name": "vpc-id", "Values": [self.vpc_id]}]
        found["network"] = [
            ec2.describe_vpcs(VpcIds=[self.vpc_id])["Vpcs"],
            ec2.describe_subnets(Filters=inside)["Subnets"],
            ec2.describe_route_tables(Filters=inside)["RouteTables"],
            ec2.describe_security_groups(Filters=inside)["SecurityGroups"],
            ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"],
        ]
        return {key: json.loads(json.dumps(value, default=str, sort_keys=True)) for key, value in found.items()}

    def _of_role(self, purpose: str) -> list[Any]:
        iam, name = self.client("iam"), f"{self.name}-{purpose}"
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        role = iam.get_role(RoleName=name)["Role"]
        # When it was used last is no setting.
        role.pop("RoleLastUsed", None)
        return [
            role,
            iam.list_role_tags(RoleName=name)["Tags"],
            iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
            [iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in inline],
        ]

    def _of_bucket(self, bucket: str) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        s3 = self.client("s3")
        found: dict[str, Any] = {}
        for operation in (
            "get_bucket_acl",
            "get_bucket_cors",
            "get_bucket_encryption",
            "get_bucket_lifecycle_configuration",
            "get_bucket_logging",
            "get_bucket_notification_configuration",
            "get_bucket_ownership_controls",
            "get_bucket_policy",
            "get_bucket_tagging",
            "get_bucket_versioning",
            "get_bucket_website",
            "get_public_access_block",
        ):
            try:
                answer = getattr(s3, operation)(Bucket=bucket)
                found[operation] = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
            except ClientError as error:
                found[operation] = error.response["Error"]["Code"]
        listed = s3.list_object_versions(Bucket=bucket)
        objects = [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]
        found["objects"] = {
            f"{each['Key']}@{each['VersionId']}": [each.get("ETag"), str(each["LastModified"])] for each in objects
        }
        found["content"] = {
            each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])["Body"].read().hex()
            for each in listed.get("Versions", [])
        }
        return found


def words(message: str) -> str:
    return re.sub(r"\s+", " ", message)
