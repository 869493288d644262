"""Which rights an API operation asks for, on what and under which condition keys.

Read off AWS's Service Authorization Reference, a page for each service at
https://docs.aws.amazon.com/service-authorization/latest/reference/list_<page>.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_{}.html"
PAGES = {
    "cloudwatch": _REFERENCE.format("amazoncloudwatch"),
    "codebuild": _REFERENCE.format("awscodebuild"),
    "ec2": _REFERENCE.format("amazonec2"),
    "ecr": _REFERENCE.format("amazonelasticcontainerregistry"),
    "iam": _REFERENCE.format("awsidentityandaccessmanagementiam"),
    "kms": _REFERENCE.format("awskeymanagementservice"),
    "logs": _REFERENCE.format("amazoncloudwatchlogs"),
    "s3": _REFERENCE.format("amazons3"),
    "sagemaker": _REFERENCE.format("amazonsagemaker"),
    "scheduler": _REFERENCE.format("amazoneventbridgescheduler"),
    "sts": _REFERENCE.format("awssecuritytokenservice"),
}


@dataclass(frozen=True, kw_only=True)
class Right:
    """One permission. Texts are filled from the parameters of the call and the names of the stack."""

    action: str
    on: str
    context: Mapping[str, str] = field(default_factory=dict)
    only_with: str | None = None
    """A parameter without which the call does not ask for it."""
    key_action: str | None = None
    """What S3 then does with the bucket's key, in the name of the caller."""
    of_everybody: bool = False
    """Nobody needs to be granted it; an endpoint of a network has to let it through all the same."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    rights: tuple[Right, ...]
    made_by: tuple[str, ...] = ()
    """Parts of a stack, any of which makes it; none: every stack does."""


def _on(on: str, *actions: str, made_by: tuple[str, ...] = ()) -> Operation:
    return Operation(rights=tuple(Right(action=action, on=on) for action in actions), made_by=made_by)


def _pass(role: str, service: str) -> Right:
    return Right(action="iam:PassRole", on=role, context={"iam:PassedToService": service}, only_with=role.strip("{}"))


_BUCKET = "arn:{partition}:s3:::{Bucket}"
_OBJECT = "arn:{partition}:s3:::{Bucket}/{Key}"
_PIPELINE = "arn:{partition}:sagemaker:{region}:{account}:pipeline/{PipelineName}"
_TRAINING = "arn:{partition}:sagemaker:{region}:{account}:training-job/{TrainingJobName}"
_SCHEDULE = "arn:{partition}:scheduler:{region}:{account}:schedule/{GroupName}/{Name}"
_PROJECT = "arn:{partition}:codebuild:{region}:{account}:project/{projectName}"
_REPOSITORY = "arn:{partition}:ecr:{region}:{account}:repository/{repositoryName}"
# CloudWatch Logs asks for a right on a group as on a stream without a name.
_STREAM = "arn:{partition}:logs:{region}:{account}:log-group:{logGroupName}:log-stream:{logStreamName}"
_INTERFACE = "arn:{partition}:ec2:{region}:{account}:network-interface/{NetworkInterfaceId}"

_SAGEMAKER = "sagemaker.amazonaws.com"
_ORCHESTRATOR = ("orchestrator",)
# The orchestrator runs dynamic pipelines, and their steps, as jobs of their own.
_JOBS = ("orchestrator", "step operator")


def _objects(action: str, key_action: str | None = None) -> Operation:
    return Operation(rights=(Right(action=action, on=_OBJECT, key_action=key_action),))


OPERATIONS: dict[str, Operation] = {
    "s3:HeadBucket": _on(_BUCKET, "s3:ListBucket"),
    "s3:ListObjectsV2": _on(_BUCKET, "s3:ListBucket"),
    "s3:ListObjectVersions": _on(_BUCKET, "s3:ListBucketVersions"),
    "s3:GetBucketVersioning": _on(_BUCKET, "s3:GetBucketVersioning"),
    "s3:DeleteBucket": _on(_BUCKET, "s3:DeleteBucket"),
    "s3:PutBucketPolicy": _on(_BUCKET, "s3:PutBucketPolicy"),
    "s3:HeadObject": _objects("s3:GetObject"),
    "s3:GetObject": _objects("s3:GetObject", "kms:Decrypt"),
    "s3:GetObjectVersion": _objects("s3:GetObjectVersion", "kms:Decrypt"),
    "s3:PutObject": _objects("s3:PutObject", "kms:GenerateDataKey"),
    "s3:DeleteObject": _objects("s3:DeleteObject"),
    "s3:DeleteObjectVersion": _objects("s3:DeleteObjectVersion"),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
    "s3:CreateMultipartUpload": _objects("s3:PutObject", "kms:GenerateDataKey"),
    "s3:UploadPart": _objects("s3:PutObject", "kms:Decrypt"),
    "s3:UploadPartCopy": Operation(
        rights=(
            Right(action="s3:PutObject", on=_OBJECT, key_action="kms:Decrypt"),
            Right(action="s3:GetObject", on=_OBJECT, key_action="kms:Decrypt"),
        )
    ),
    "s3:CompleteMultipartUpload": _objects("s3:PutObject", "kms:Decrypt"),
    "s3:AbortMultipartUpload": _objects("s3:AbortMultipartUpload"),
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html: no permissions are required.
    "sts:GetCallerIdentity": Operation(rights=(Right(action="sts:GetCallerIdentity", on="*", of_everybody=True),)),
    "sts:AssumeRole": Operation(
        rights=(Right(action="sts:AssumeRole", on="{RoleArn}", context={"sts:RoleSessionName": "{RoleSessionName}"}),),
        made_by=("connectors",),
    ),
    "sagemaker:CreatePipeline": Operation(
        rights=(
            Right(action="sagemaker:CreatePipeline", on=_PIPELINE),
            Right(action="sagemaker:AddTags", on=_PIPELINE, only_with="Tags"),
            _pass("{RoleArn}", _SAGEMAKER),
        ),
        made_by=_ORCHESTRATOR,
    ),
    "sagemaker:DescribePipeline": _on(_PIPELINE, "sagemaker:DescribePipeline", made_by=_ORCHESTRATOR),
    "sagemaker:StartPipelineExecution": _on(_PIPELINE, "sagemaker:StartPipelineExecution", made_by=_ORCHESTRATOR),
    "sagemaker:DescribePipelineExecution": _on(
        "{PipelineExecutionArn}", "sagemaker:DescribePipelineExecution", made_by=_ORCHESTRATOR
    ),
    "sagemaker:ListPipelineExecutionSteps": _on(
        "{PipelineExecutionArn}", "sagemaker:ListPipelineExecutionSteps", made_by=_ORCHESTRATOR
    ),
    "sagemaker:StopPipelineExecution": _on(
        "{PipelineExecutionArn}", "sagemaker:StopPipelineExecution", made_by=_ORCHESTRATOR
    ),
    "sagemaker:ListDomains": _on("*", "sagemaker:ListDomains", made_by=_ORCHESTRATOR),
    "sagemaker:CreateTrainingJob": Operation(
        rights=(
            Right(action="sagemaker:CreateTrainingJob", on=_TRAINING),
            Right(action="sagemaker:AddTags", on=_TRAINING, only_with="Tags"),
            _pass("{RoleArn}", _SAGEMAKER),
        ),
        made_by=_JOBS,
    ),
    "sagemaker:DescribeTrainingJob": _on(_TRAINING, "sagemaker:DescribeTrainingJob", made_by=_JOBS),
    "sagemaker:StopTrainingJob": _on(_TRAINING, "sagemaker:StopTrainingJob", made_by=_JOBS),
    # By itself it is no operation: any that takes a role asks for it, such as Lambda's CreateFunction.
    "iam:PassRole": Operation(
        rights=(Right(action="iam:PassRole", on="{RoleArn}", context={"iam:PassedToService": "{PassedToService}"}),)
    ),
    "scheduler:CreateSchedule": Operation(
        rights=(
            Right(action="scheduler:CreateSchedule", on=_SCHEDULE),
            _pass("{Target.RoleArn}", "scheduler.amazonaws.com"),
        ),
        made_by=_ORCHESTRATOR,
    ),
    "scheduler:UpdateSchedule": Operation(
        rights=(
            Right(action="scheduler:UpdateSchedule", on=_SCHEDULE),
            _pass("{Target.RoleArn}", "scheduler.amazonaws.com"),
        ),
        made_by=_ORCHESTRATOR,
    ),
    "scheduler:GetSchedule": _on(_SCHEDULE, "scheduler:GetSchedule", made_by=_ORCHESTRATOR),
    "scheduler:DeleteSchedule": _on(_SCHEDULE, "scheduler:DeleteSchedule", made_by=_ORCHESTRATOR),
    "codebuild:StartBuild": _on(_PROJECT, "codebuild:StartBuild", made_by=("image builder",)),
    "codebuild:BatchGetBuilds": _on(_PROJECT, "codebuild:BatchGetBuilds", made_by=("image builder",)),
    "codebuild:StopBuild": _on(_PROJECT, "codebuild:StopBuild", made_by=("image builder",)),
    "ecr:GetAuthorizationToken": _on("*", "ecr:GetAuthorizationToken", made_by=("registry",)),
    # Without names it asks for all of them.
    "ecr:DescribeRepositories": _on(_REPOSITORY, "ecr:DescribeRepositories", made_by=("registry",)),
    **{
        f"ecr:{name}": _on(_REPOSITORY, f"ecr:{name}", made_by=("registry",))
        for name in (
            "BatchCheckLayerAvailability",
            "BatchGetImage",
            "BatchImportUpstreamImage",
            "CompleteLayerUpload",
            "CreateRepository",
            "DescribeImageScanFindings",
            "DescribeImages",
            "GetDownloadUrlForLayer",
            "InitiateLayerUpload",
            "PutImage",
            "UploadLayerPart",
        )
    },
    **{
        f"logs:{name}": _on(_STREAM, f"logs:{name}")
        for name in (
            "CreateLogGroup",
            "CreateLogStream",
            "DescribeLogGroups",
            "DescribeLogStreams",
            "GetLogEvents",
            "PutLogEvents",
        )
    },
    "cloudwatch:PutMetricData": Operation(
        rights=(Right(action="cloudwatch:PutMetricData", on="*", context={"cloudwatch:namespace": "{Namespace}"}),)
    ),
    "ec2:CreateNetworkInterface": Operation(
        rights=tuple(
            Right(action="ec2:CreateNetworkInterface", on=f"arn:{{partition}}:ec2:{{region}}:{{account}}:{kind}")
            for kind in ("network-interface/{NetworkInterfaceId}", "subnet/{SubnetId}", "security-group/{GroupId}")
        )
    ),
    "ec2:CreateNetworkInterfacePermission": Operation(
        rights=(
            Right(
                action="ec2:CreateNetworkInterfacePermission",
                on=_INTERFACE,
                context={"ec2:AuthorizedService": "{AwsService}"},
            ),
        )
    ),
    "ec2:DeleteNetworkInterface": _on(_INTERFACE, "ec2:DeleteNetworkInterface"),
    "ec2:DeleteNetworkInterfacePermission": _on(_INTERFACE, "ec2:DeleteNetworkInterfacePermission"),
    **{
        f"ec2:{name}": _on("*", f"ec2:{name}")
        for name in (
            "DescribeDhcpOptions",
            "DescribeNetworkInterfaces",
            "DescribeSecurityGroups",
            "DescribeSubnets",
            "DescribeVpcs",
        )
    },
    **{
        f"kms:{name}": _on("{key}", f"kms:{name}")
        for name in (
            "CancelKeyDeletion",
            "CreateAlias",
            "Decrypt",
            "DeleteAlias",
            "DescribeKey",
            "DisableKey",
            "DisableKeyRotation",
            "EnableKey",
            "EnableKeyRotation",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "GetKeyPolicy",
            "GetKeyRotationStatus",
            "ListAliases",
            "ListGrants",
            "ListKeyPolicies",
            "ListResourceTags",
            "PutKeyPolicy",
            "ReEncryptFrom",
            "ReEncryptTo",
            "RetireGrant",
            "RevokeGrant",
            "ScheduleKeyDeletion",
            "TagResource",
            "UntagResource",
            "UpdateAlias",
            "UpdateKeyDescription",
        )
    },
    "kms:CreateGrant": Operation(
        rights=(Right(action="kms:CreateGrant", on="{key}", context={"kms:GrantIsForAWSResource": "true"}),)
    ),
}
