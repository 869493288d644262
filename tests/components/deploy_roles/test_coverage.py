"""For each resource type that the program declares: the role that deploys may make, change and delete it, both read it.

The lists are what the plugin is documented to call; nothing here proves that it calls nothing else.
"""

from dataclasses import dataclass

import pytest

from components.deploy_roles.github import DEPLOY, PREVIEW
from tests.components import stacks
from tests.components.deploy_roles.asked import BOUNDARY, names, roles
from tests.recording import record

N = names()
BUCKET, LOGS = N.bucket_arn, N.build_log_group_arn
OURS = {"aws__ResourceTag/mlstack__project": "mlstack", "aws__ResourceTag/mlstack__environment": "dev"}
ASKED = {"aws__RequestTag/mlstack__project": "mlstack", "aws__RequestTag/mlstack__environment": "dev"}
LIMITED = {"iam__PermissionsBoundary": BOUNDARY}


@dataclass(frozen=True, kw_only=True)
class Kind:
    on: str
    """ARN of one."""
    reads: tuple[str, ...]
    makes: tuple[str, ...]
    ends: tuple[str, ...]
    everywhere: bool = False
    """Reading it knows no resource-level permission."""


def ec2(kind: str, reads: str, makes: str, *ends: str) -> Kind:
    return Kind(
        on=N.arn("ec2", f"{kind}/x"), reads=(f"ec2:{reads}",), makes=(f"ec2:{makes}",), ends=ends, everywhere=True
    )


def bucket(setting: str, reads: str | None = None, *, ends: tuple[str, ...] = ()) -> Kind:
    return Kind(on=BUCKET, reads=(reads or f"s3:Get{setting}",), makes=(f"s3:Put{setting}",), ends=ends)


KINDS = {
    "aws:s3/bucket:Bucket": Kind(
        on=BUCKET,
        reads=("s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketAcl", "s3:GetBucketTagging"),
        makes=("s3:CreateBucket", "s3:PutBucketTagging"),
        ends=("s3:DeleteBucket",),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": bucket("LifecycleConfiguration"),
    "aws:s3/bucketLogging:BucketLogging": bucket("BucketLogging"),
    "aws:s3/bucketNotification:BucketNotification": bucket("BucketNotification"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": bucket("BucketOwnershipControls"),
    "aws:s3/bucketPolicy:BucketPolicy": bucket("BucketPolicy", ends=("s3:DeleteBucketPolicy",)),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": bucket("BucketPublicAccessBlock"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": bucket(
        "EncryptionConfiguration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": bucket("BucketVersioning"),
    "aws:ecr/repository:Repository": Kind(
        on=N.repository_arn,
        reads=("ecr:DescribeRepositories", "ecr:ListTagsForResource"),
        makes=(
            "ecr:CreateRepository",
            "ecr:TagResource",
            "ecr:PutImageTagMutability",
            "ecr:PutImageScanningConfiguration",
        ),
        ends=("ecr:DeleteRepository",),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Kind(
        on=N.repository_arn,
        reads=("ecr:GetLifecyclePolicy",),
        makes=("ecr:PutLifecyclePolicy",),
        ends=("ecr:DeleteLifecyclePolicy",),
    ),
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": Kind(
        on="*",
        reads=("ecr:GetRegistryScanningConfiguration",),
        makes=("ecr:PutRegistryScanningConfiguration",),
        ends=("ecr:PutRegistryScanningConfiguration",),
    ),
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": Kind(
        on="*",
        reads=("ecr:DescribePullThroughCacheRules",),
        makes=("ecr:CreatePullThroughCacheRule", "ecr:UpdatePullThroughCacheRule"),
        ends=("ecr:DeletePullThroughCacheRule",),
    ),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": Kind(
        on="*",
        reads=("ecr:DescribeRepositoryCreationTemplates",),
        makes=("ecr:CreateRepositoryCreationTemplate", "ecr:UpdateRepositoryCreationTemplate"),
        ends=("ecr:DeleteRepositoryCreationTemplate",),
    ),
    "aws:iam/role:Role": Kind(
        on=N.role_arn("access"),
        reads=(
            "iam:GetRole",
            "iam:ListRolePolicies",
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
        ),
        makes=("iam:CreateRole", "iam:TagRole", "iam:UpdateRole", "iam:UpdateAssumeRolePolicy"),
        ends=("iam:DeleteRole",),
    ),
    "aws:iam/rolePolicy:RolePolicy": Kind(
        on=N.role_arn("access"),
        reads=("iam:GetRolePolicy",),
        makes=("iam:PutRolePolicy",),
        ends=("iam:DeleteRolePolicy",),
    ),
    "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive": Kind(
        on=N.role_arn("access"), reads=("iam:ListRolePolicies",), makes=("iam:DeleteRolePolicy",), ends=()
    ),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": Kind(
        on=N.role_arn("access"), reads=("iam:ListAttachedRolePolicies",), makes=("iam:DetachRolePolicy",), ends=()
    ),
    "aws:iam/userPoliciesExclusive:UserPoliciesExclusive": Kind(
        on=N.user_arn("zenml"), reads=("iam:ListUserPolicies",), makes=("iam:DeleteUserPolicy",), ends=()
    ),
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": Kind(
        on=N.user_arn("zenml"), reads=("iam:ListAttachedUserPolicies",), makes=("iam:DetachUserPolicy",), ends=()
    ),
    "aws:iam/user:User": Kind(
        on=N.user_arn("zenml"),
        reads=("iam:GetUser",),
        makes=("iam:CreateUser", "iam:TagUser"),
        ends=("iam:DeleteUser",),
    ),
    "aws:iam/userPolicy:UserPolicy": Kind(
        on=N.user_arn("zenml"),
        reads=("iam:GetUserPolicy",),
        makes=("iam:PutUserPolicy",),
        ends=("iam:DeleteUserPolicy",),
    ),
    "aws:iam/accessKey:AccessKey": Kind(
        on=N.user_arn("zenml"),
        reads=("iam:ListAccessKeys",),
        makes=("iam:CreateAccessKey",),
        ends=("iam:DeleteAccessKey",),
    ),
    "aws:kms/key:Key": Kind(
        on=N.arn("kms", "key/x"),
        reads=("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"),
        makes=("kms:CreateKey", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:TagResource"),
        ends=("kms:ScheduleKeyDeletion",),
    ),
    "aws:kms/alias:Alias": Kind(
        on=N.arn("kms", N.key_alias),
        reads=("kms:ListAliases",),
        makes=("kms:CreateAlias",),
        ends=("kms:DeleteAlias",),
        everywhere=True,
    ),
    "aws:codebuild/project:Project": Kind(
        on=N.build_project_arn,
        reads=("codebuild:BatchGetProjects",),
        makes=("codebuild:CreateProject", "codebuild:UpdateProject"),
        ends=("codebuild:DeleteProject",),
    ),
    "aws:cloudwatch/logGroup:LogGroup": Kind(
        on=LOGS,
        reads=("logs:DescribeLogGroups", "logs:ListTagsForResource"),
        makes=("logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:AssociateKmsKey"),
        ends=("logs:DeleteLogGroup",),
    ),
    "aws:ec2/vpc:Vpc": ec2("vpc", "DescribeVpcAttribute", "CreateVpc", "ec2:DeleteVpc", "ec2:ModifyVpcAttribute"),
    "aws:ec2/subnet:Subnet": ec2("subnet", "DescribeSubnets", "CreateSubnet", "ec2:DeleteSubnet"),
    "aws:ec2/routeTable:RouteTable": ec2(
        "route-table", "DescribeRouteTables", "CreateRouteTable", "ec2:DeleteRouteTable"
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ec2(
        "route-table", "DescribeRouteTables", "AssociateRouteTable", "ec2:DisassociateRouteTable"
    ),
    "aws:ec2/securityGroup:SecurityGroup": ec2(
        "security-group", "DescribeSecurityGroups", "CreateSecurityGroup", "ec2:DeleteSecurityGroup"
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ec2(
        "security-group", "DescribeSecurityGroups", "RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ec2(
        "security-group-rule",
        "DescribeSecurityGroupRules",
        "AuthorizeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupEgress",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ec2(
        "security-group-rule",
        "DescribeSecurityGroupRules",
        "AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ec2(
        "vpc-endpoint", "DescribeVpcEndpoints", "CreateVpcEndpoint", "ec2:DeleteVpcEndpoints"
    ),
    "aws:ec2/flowLog:FlowLog": ec2("vpc-flow-log", "DescribeFlowLogs", "CreateFlowLogs", "ec2:DeleteFlowLogs"),
}

each = pytest.mark.parametrize("type_", KINDS)


def test_every_type_of_the_program_is_in_the_list_and_no_other() -> None:
    declared = {
        resource.type for changes in stacks.CASES.values() for resource in record(stacks.program(changes)).customs
    }
    assert declared == set(KINDS), "what a workflow may do with a new type belongs into components/deploy_roles/"


@each
def test_both_roles_read_it(type_: str) -> None:
    kind = KINDS[type_]
    for purpose in (PREVIEW, DEPLOY):
        for action in kind.reads:
            assert roles().may(purpose, action, "*" if kind.everywhere else kind.on, **OURS), f"{purpose} {action}"


@each
def test_only_the_deploy_role_makes_changes_and_deletes_it(type_: str) -> None:
    kind = KINDS[type_]
    for action in (*kind.makes, *kind.ends):
        context = {**OURS, **ASKED, **LIMITED}
        assert roles().may(DEPLOY, action, kind.on, **context), action
        assert not roles().may(PREVIEW, action, kind.on, **context), action
