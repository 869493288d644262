"""A program that does wrong whatever the embedded provider lets it do. Copied to be the `__main__.py` of a project."""

import json

import pulumi


def declare(token: str, name: str, /, **inputs: object) -> pulumi.CustomResource:
    return pulumi.CustomResource(token, name, inputs)


def policy(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **statement}]})


trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
role = declare(
    "aws:iam/role:Role",
    "role",
    name="bad",
    assumeRolePolicy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
)
declare(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "managed",
    role="bad",
    policyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess",
)
for number, action in enumerate(("*", "s3:*", "iam:PassRole", "sts:AssumeRole", "kms:Decrypt", "ecr:ListRepositories")):
    declare(
        "aws:iam/rolePolicy:RolePolicy", f"grant-{number}", role="bad", name=f"g{number}", policy=policy(Action=action)
    )
declare("aws:iam/rolePolicy:RolePolicy", "computed", role="bad", name="c", policy=pulumi.Output.concat(role.id, "{"))
declare("aws:iam/user:User", "user", name="bad")
declare(
    "aws:iam/userPolicy:UserPolicy", "user-grant", user="bad", name="u", policy=policy(Action="s3:ListAllMyBuckets")
)

# A name that is known after the deployment only, and settings that are computed from it.
bucket = declare("aws:s3/bucket:Bucket", "bare", bucket="bad-bucket")
half = declare("aws:s3/bucket:Bucket", "half", bucket="half-bucket")
blocks = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
declare(
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "half-blocks",
    bucket=half.id,
    **dict.fromkeys(blocks, True),
)
declare(
    "aws:s3/bucketPolicy:BucketPolicy",
    "open",
    bucket="bad-bucket",
    policy=policy(Principal="*", Action="s3:GetObject", Resource="arn:aws:s3:::bad-bucket/*"),
)
declare("aws:ecr/repository:Repository", "repository", name="bad", imageTagMutability="MUTABLE")
declare("aws:kms/key:Key", "key", policy=policy(Principal={"AWS": "*"}, Action="kms:Decrypt"))
declare(
    "aws:codebuild/project:Project",
    "builds",
    name="bad",
    serviceRole="arn:aws:iam::123456789012:role/bad",
    artifacts={"type": "NO_ARTIFACTS"},
    source={"type": "S3", "location": "bad-bucket/builds/"},
    environment={
        "computeType": "BUILD_GENERAL1_SMALL",
        "image": "bentolor/docker-dind-awscli",
        "type": "LINUX_CONTAINER",
        "privilegedMode": True,
    },
)
declare("aws:cloudwatch/logGroup:LogGroup", "logs", name="bad", retentionInDays=1)
vpc = declare("aws:ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16")
declare("aws:ec2/subnet:Subnet", "subnet", vpcId=vpc.id, cidrBlock="10.0.0.0/24", mapPublicIpOnLaunch=True)
group = declare("aws:ec2/securityGroup:SecurityGroup", "group", vpcId=vpc.id, name="bad", description="bad")
declare(
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "ssh",
    securityGroupId=group.id,
    ipProtocol="tcp",
    fromPort=22,
    toPort=22,
    cidrIpv4="0.0.0.0/0",
)
pulumi.export("admin_password", "hunter2")
pulumi.export("quiet_password", pulumi.Output.secret("hunter2"))
