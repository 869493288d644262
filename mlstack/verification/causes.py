"""What AWS, SageMaker and ZenML say when something is missing, and what mends it.

The first that matches counts, so the more specific stand first.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cause:
    kind: str
    pattern: str
    message: str
    """With the pattern's groups, and `line` for the line in which it was found."""
    hint: str


# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
DENIED = (
    r"[Uu]ser: (?P<who>arn:\S+) is not authorized to perform: (?P<action>(?!sts:AssumeRole\b)[\w-]+:\w+)"
    r"(?: on (?:the )?resource(?: associated with this ciphertext)?:? ?[\"']?(?P<resource>[^\s\"']+)[\"']?)?"
    r"(?: (?:because )?(?P<why>(?:with an explicit deny|no |an )[^\n\"']*?))?(?:[\n\"']|\. |$)"
)
"""Named by AWS: who, what, on what, and by which kind of policy."""

CAUSES = (
    Cause(
        kind="trust",
        pattern=r"[Uu]ser: (?P<who>arn:\S+) is not authorized to perform: sts:AssumeRole "
        r"on resource: (?P<role>[^\s\"']+)",
        message="{who} may not assume {role}",
        hint="the trust policy of the access role lets one identity in, mlstack:connector.principal: set it to the one "
        "that your ZenML server really runs as, then `pulumi up`",
    ),
    Cause(
        kind="trust",
        pattern=r"Could not assume role (?P<role>arn:[^\s:]+:[^\s]+?)[:.]?(?:\s|$)",
        message="SageMaker could not assume {role}",
        hint="its trust policy must let sagemaker.amazonaws.com in, for this account: `pulumi up --refresh` writes it",
    ),
    Cause(
        kind="quota",
        pattern=r"service limit ['\"](?P<what>[^'\"]+)['\"] is (?P<limit>\d+)",
        message="the account's quota '{what}' is {limit}",
        hint="raise it (console: Service Quotas, Amazon SageMaker), or choose another type with mlstack:instanceType, "
        "`pulumi up` and `mlstack register`",
    ),
    Cause(
        kind="quota",
        pattern=r"ResourceLimitExceeded|LimitExceededException|ThrottlingException|TooManyRequests",
        message="a limit of the account is reached: {line}",
        hint="the console's Service Quotas page raises it; other runs may be using it up just now",
    ),
    Cause(
        kind="capacity",
        pattern=r"CapacityError|InsufficientInstanceCapacity|[Ii]nsufficient capacity",
        message="AWS has no instance of this type to give now: {line}",
        hint="try again later, or choose another type with mlstack:instanceType",
    ),
    Cause(
        kind="instance type",
        pattern=r"[iI]nstanceType[^\n]*failed to satisfy constraint|[Uu]nsupported instance type|"
        r"[Ii]nstance type [^\n]*is not (?:available|supported)",
        message="SageMaker does not take the instance type in this region: {line}",
        hint="set mlstack:instanceType to one that it lists, then `pulumi up` and `mlstack register`",
    ),
    Cause(
        kind="image",
        pattern=r"ImageNotFoundException|RepositoryNotFoundException|[Rr]equested image[^\n]*not found|"
        r"[Cc]annot find (?:repository|[^\n]*image)|manifest unknown",
        message="the image of the steps is not there: {line}",
        hint="--image names one of the stack's repository (`aws ecr describe-images`); without --image ZenML builds "
        "one. The repository's lifecycle rule removes old ones",
    ),
    Cause(
        kind="image",
        pattern=r"CannotPullContainer|(?:[Ff]ailed|[Uu]nable) to pull|ECR image[^\n]*(?:access|permission|invalid)|"
        r"[Ii]nvalid (?:ECR )?image URI",
        message="SageMaker could not pull the image: {line}",
        hint="SageMaker pulls from ECR of the same region, with the execution role (docs/permissions.md, role "
        "sagemaker), not from Docker Hub; in a VPC without internet it needs the endpoints of ECR and S3",
    ),
    Cause(
        kind="bucket",
        pattern=r"NoSuchBucket|[Tt]he specified bucket does not exist",
        message="the bucket does not exist: {line}",
        hint="it was deleted, or ZenML knows another environment's: `pulumi up --refresh`, then `mlstack register`",
    ),
    Cause(
        kind="key",
        pattern=r"KMS\.(?:Disabled|KMSInvalidState|NotFound)\w*|KMSInvalidStateException|DisabledException|"
        r"(?:is disabled|pending deletion)",
        message="the encryption key cannot be used: {line}",
        hint="enable it again, or save it from its deletion: `aws kms enable-key`, `aws kms cancel-key-deletion`",
    ),
    Cause(
        kind="credentials",
        pattern=r"NoCredentialsError|Unable to locate credentials|ExpiredToken\w*|The config profile \([^)]*\)|"
        r"InvalidClientTokenId|UnrecognizedClientException",
        message="there are no AWS credentials that work: {line}",
        hint="with mlstack:connector.auth none every client and every step brings its own: `aws sso login`, "
        "AWS_PROFILE, or a role",
    ),
    Cause(
        kind="integration",
        pattern=r"No module named '(?:sagemaker|s3fs|boto3|pytz|aws_profile_manager|zenml)[^'\n]*'|"
        r"(?:AWS|aws|S3|s3)'? integration[^\n]*not[^\n]*installed",
        message="ZenML's AWS integration is incomplete: {line}",
        hint="here: pip install 'zenml[s3fs,connectors-aws]' 'sagemaker<3' pytz; an image of your own needs what "
        "`zenml integration requirements aws s3` lists",
    ),
    Cause(
        kind="builder",
        pattern=r"DockerException|Error while fetching server API version|[Dd]ocker daemon|"
        r"docker[^\n]*not (?:found|running)",
        message="there is no Docker here to build the image with: {line}",
        hint="mlstack:imageBuilder true builds it on AWS; or name one that is built already with --image",
    ),
    Cause(
        kind="network",
        pattern=r"ConnectTimeout\w*|Max retries exceeded|EndpointConnectionError|Could not connect to the endpoint",
        message="something that is needed could not be reached: {line}",
        hint="steps call the ZenML server and AWS: in a VPC without internet they need a way to the server, and the "
        "endpoints of mlstack:network",
    ),
    # S3 may say no more than this, and s3fs makes a PermissionError of it.
    Cause(
        kind="permission",
        pattern=r"AccessDenied|PermissionError: |\bAccess Denied|\b403\b[^\n]*Forbidden",
        message="AWS denied an operation without naming the right that is missing: {line}",
        hint="compare the bucket's policy and the roles with docs/permissions.md; `pulumi up --refresh` puts back what "
        "was changed by hand",
    ),
)
