"""Grants and trust."""

from typing import Any

from tests.policies.samples.sample import passes, policy, refused
from tests.policies.shown import Given

ROLE_ARN = "arn:aws:iam::123456789012:role/steps"
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/1111"
EVERY_KEY = "arn:aws:kms:eu-west-1:123456789012:key/*"


def grant(action: Any, resource: Any = "*", **more: Any) -> Given:
    statement = {"Action": action, "Resource": resource, **more}
    return Given("aws:iam/rolePolicy:RolePolicy", {"role": "steps", "policy": policy(statement)})


def trust(service: str, **more: Any) -> Given:
    statement = {"Principal": {"Service": service}, "Action": "sts:AssumeRole", **more}
    return Given("aws:iam/role:Role", {"assumeRolePolicy": policy(statement)})


def attached(arn: str) -> Given:
    return Given("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": "steps", "policyArn": arn})


def inline(action: str) -> Given:
    document = policy({"Action": action, "Resource": "*"})
    return Given("aws:iam/role:Role", {"inlinePolicies": [{"name": "p", "policy": document}]})


FULL = "iam-managed-full-access"
TRUST = "iam-service-trust-without-account"
PASS = "iam-pass-role-without-service"
ASSUME = "iam-assume-role-on-everything"
ADMIN = "iam-full-administration"
WHOLE = "iam-whole-service"
USER = "iam-user-with-policy"
DECRYPT = "kms-decrypt-with-every-key"
NO_ACTION = "iam-no-such-action"
BY_SERVICE = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
BY_ALIAS = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/ours"}}

SAMPLES = (
    refused(
        FULL,
        "SageMaker's full access",
        attached("arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"),
        says="AmazonSageMakerFullAccess is attached",
    ),
    refused(
        FULL,
        "the administrator in another partition",
        attached("arn:aws-us-gov:iam::aws:policy/AdministratorAccess"),
        says="AdministratorAccess",
    ),
    refused(
        FULL,
        "the deprecated property of the role",
        Given("aws:iam/role:Role", {"managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]}),
        says="AmazonS3FullAccess",
    ),
    passes(FULL, "a narrow policy of AWS", attached("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")),
    passes(FULL, "a policy of ours with that name", attached("arn:aws:iam::123456789012:policy/OurFullAccess")),
    refused(TRUST, "no condition", trust("sagemaker.amazonaws.com"), says="sagemaker.amazonaws.com"),
    refused(
        TRUST,
        "a condition that excludes one account only",
        trust("sagemaker.amazonaws.com", Condition={"StringNotEquals": {"aws:SourceAccount": "1"}}),
        says="on behalf of every account",
    ),
    refused(
        TRUST,
        "a condition that every account meets",
        trust("sagemaker.amazonaws.com", Condition={"StringLike": {"aws:SourceAccount": "*"}}),
        says="on behalf of every account",
    ),
    passes(
        TRUST,
        "the account is named",
        trust("sagemaker.amazonaws.com", Condition={"StringEquals": {"AWS:SourceAccount": "123456789012"}}),
    ),
    passes(TRUST, "a service that sends no account", trust("ec2.amazonaws.com")),
    passes(
        TRUST,
        "a service that is exempt",
        trust("build.apprunner.amazonaws.com"),
        config={"exempt": ["build.apprunner.amazonaws.com"]},
    ),
    refused(PASS, "no condition", grant("iam:PassRole", ROLE_ARN), says="to every service"),
    refused(PASS, "a wildcard that means it too", grant("iam:Pass*", ROLE_ARN), says="to every service"),
    refused(PASS, "in the letters that IAM takes as well", grant("IAM:passrole", ROLE_ARN), says="to every service"),
    refused(
        PASS,
        "everything but something else",
        Given("aws:iam/policy:Policy", {"policy": policy({"NotAction": "iam:CreateUser", "Resource": ROLE_ARN})}),
        says="to every service",
    ),
    passes(
        PASS,
        "everything but that",
        Given("aws:iam/policy:Policy", {"policy": policy({"NotAction": "iam:*", "Resource": "*"})}),
    ),
    refused(PASS, "every role", grant("iam:PassRole", "*", Condition=BY_SERVICE), says="every role of the account"),
    passes(PASS, "one role to one service", grant("iam:PassRole", ROLE_ARN, Condition=BY_SERVICE)),
    passes(PASS, "a denial", grant("iam:PassRole", ROLE_ARN, Effect="Deny")),
    refused(ASSUME, "every role there is", grant("sts:AssumeRole"), says="assumes *"),
    refused(
        ASSUME,
        "every role of an account",
        grant(["sts:AssumeRole"], ["arn:aws:iam::123456789012:role/*"]),
        says="role/*",
    ),
    refused(
        ASSUME, "a name in every account", grant("sts:AssumeRole", "arn:aws:iam::*:role/zenml"), says="::*:role/zenml"
    ),
    refused(ASSUME, "a role that holds it inline", inline("sts:AssumeRole"), says="assumes *"),
    passes(ASSUME, "one role", grant("sts:AssumeRole", ROLE_ARN)),
    passes(ASSUME, "another action of STS", grant("sts:GetCallerIdentity")),
    refused(ADMIN, "everything", grant("*"), says="allows everything"),
    refused(
        ADMIN,
        "everything but one bucket",
        Given("aws:iam/policy:Policy", {"policy": policy({"Action": "*", "NotResource": "arn:aws:s3:::ours"})}),
        says="allows everything",
    ),
    passes(ADMIN, "a denial of everything", grant("*", Effect="Deny")),
    passes(ADMIN, "one action", grant("s3:ListAllMyBuckets")),
    refused(WHOLE, "all of S3", grant(["s3:*", "ecr:GetAuthorizationToken"]), says="allows s3:*"),
    refused(
        WHOLE,
        "all but IAM",
        Given("aws:iam/policy:Policy", {"policy": policy({"NotAction": "iam:*", "Resource": "*"})}),
        says="NotAction",
    ),
    passes(WHOLE, "a prefix", grant("s3:Get*", "arn:aws:s3:::ours/*")),
    refused(
        USER,
        "a policy in a user",
        Given("aws:iam/userPolicy:UserPolicy", {"user": "zenml", "policy": policy()}),
        says="attached to user zenml",
    ),
    passes(USER, "a policy in a role", grant("s3:GetObject", "arn:aws:s3:::ours/*")),
    refused(DECRYPT, "every key", grant("kms:Decrypt", EVERY_KEY), says=f"decrypts with {EVERY_KEY}"),
    refused(
        DECRYPT,
        "by an alias, which AWS does not count",
        grant("kms:Decrypt", EVERY_KEY, Condition=BY_ALIAS),
        says="key/*",
    ),
    passes(
        DECRYPT,
        "by an alias, which the configuration counts",
        grant("kms:Decrypt", EVERY_KEY, Condition=BY_ALIAS),
        config={"conditions": ["kms:ResourceAliases"]},
    ),
    passes(DECRYPT, "one key", grant("kms:*", KEY_ARN)),
    refused(NO_ACTION, "a misspelt action", grant("s3:GetObjekt"), says="is s3:getobject meant?"),
    refused(NO_ACTION, "ZenML's own mistake", grant("ecr:ListRepositories"), says="ecr:ListRepositories"),
    refused(NO_ACTION, "a wildcard that means nothing", grant("kms:Decript*"), says="kms:Decript*"),
    refused(NO_ACTION, "no service", grant("GetObject"), says="not of the form"),
    refused(
        NO_ACTION,
        "a denial that denies nothing",
        Given("aws:s3/bucketPolicy:BucketPolicy", {"policy": policy({"Effect": "Deny", "Action": "s3:PutObjects"})}),
        says="s3:PutObjects",
    ),
    passes(NO_ACTION, "actions that exist, however they are written", grant(["S3:getobject", "ecr:Batch*", "*"])),
)
