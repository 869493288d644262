"""Calls that must not work, each beside one that does and differs in nothing but what is forbidden."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.least_privilege.calls import Call

_ARTIFACT = {"Bucket": "{bucket}", "Key": "train/model/{uuid}/{hex8}/{file}"}
_PIPELINE = {"PipelineName": "{pipeline}", "RoleArn": "{role_arn_sagemaker}"}
_JOB = {"TrainingJobName": "{job}", "RoleArn": "{role_arn_sagemaker}"}
_SESSION = {"RoleArn": "{role_arn_access}", "RoleSessionName": "zenml-connector-{uuid}"}
_IMAGE = {"repositoryName": "{repository}"}
_OUTPUT = {"Bucket": "{bucket}", "Key": "sagemaker/{job}/output.tar.gz"}
_CONTEXT = {"Bucket": "{bucket}", "Key": "code-build-contexts/{uuid}/{sha1}.zip"}
_FOREIGN_KEY = "arn:{partition}:kms:{region}:999999999999:key/11111111-2222-3333-4444-555555555555"
_OTHER_KEY = "arn:{partition}:kms:{region}:{account}:key/99999999-2222-3333-4444-555555555555"
_LOGS = "logs.{region}.{dns_suffix}"
_DELIVERY = {"Bucket": "{access_log_bucket}", "Key": "{bucket}/log", "SourceArn": "arn:{partition}:s3:::{bucket}"}


@dataclass(frozen=True, kw_only=True)
class Forbidden:
    who: str
    does: str
    on: Mapping[str, str]
    """Parameters of the call that works."""
    but: Mapping[str, str] = field(default_factory=dict)
    """What the forbidden one changes in them."""
    as_well: str | None = None
    """The forbidden operation, when it is another."""
    by: str | None = None
    """Who does the forbidden one, when somebody else."""
    needs: tuple[str, ...] = ()
    inside: bool = False

    @property
    def works(self) -> Call:
        return self._call(self.who, self.does, self.on)

    @property
    def refused(self) -> Call:
        return self._call(self.by or self.who, self.as_well or self.does, {**self.on, **self.but})

    def _call(self, who: str, operation: str, parameters: Mapping[str, str]) -> Call:
        return Call(
            who=who,
            operation=operation,
            parameters=parameters,
            inside=self.inside,
            needs=frozenset(self.needs),
            source="forbidden",
        )


def _zenml(
    does: str, on: Mapping[str, str], through: str = "aws", needs: tuple[str, ...] = (), **how: object
) -> Forbidden:
    return Forbidden(who=f"access/{through}", does=does, on=on, needs=("connectors", *needs), **how)  # type: ignore[arg-type]


_ORCHESTRATOR = ("connectors", "orchestrator")

FORBIDDEN: dict[str, Forbidden] = {
    # ZenML and the bucket
    "ZenML reads another bucket": _zenml("s3:GetObject", _ARTIFACT, "s3", but={"Bucket": "another"}),
    "ZenML reads another bucket through the widest connector": _zenml(
        "s3:GetObject", _ARTIFACT, but={"Bucket": "another"}
    ),
    "ZenML writes into another bucket": _zenml("s3:PutObject", _ARTIFACT, "s3", but={"Bucket": "another"}),
    "ZenML lists another bucket": _zenml("s3:HeadBucket", {"Bucket": "{bucket}"}, "s3", but={"Bucket": "another"}),
    "ZenML reads the access logs": _zenml(
        "s3:GetObject", _ARTIFACT, "s3", but={"Bucket": "{access_log_bucket}"}, needs=("log bucket",)
    ),
    "ZenML deletes the bucket": _zenml("s3:DeleteObject", _ARTIFACT, "s3", as_well="s3:DeleteBucket"),
    "ZenML deletes the bucket through the widest connector": _zenml(
        "s3:DeleteObject", _ARTIFACT, as_well="s3:DeleteBucket"
    ),
    "ZenML changes the policy of the bucket": _zenml("s3:DeleteObject", _ARTIFACT, as_well="s3:PutBucketPolicy"),
    "ZenML reads without TLS": _zenml("s3:GetObject", _ARTIFACT, "s3", but={"SecureTransport": "false"}),
    "ZenML writes without TLS": _zenml("s3:PutObject", _ARTIFACT, "s3", but={"SecureTransport": "false"}),
    "ZenML lists without TLS": _zenml("s3:HeadBucket", _ARTIFACT, "s3", but={"SecureTransport": "false"}),
    "ZenML reads with a TLS that is broken": _zenml("s3:GetObject", _ARTIFACT, "s3", but={"TlsVersion": "1.1"}),
    "ZenML writes without the key": _zenml(
        "s3:PutObject", _ARTIFACT, "s3", but={"ServerSideEncryption": "AES256"}, needs=("encrypted",)
    ),
    "ZenML writes with a key of another account": _zenml(
        "s3:PutObject",
        {**_ARTIFACT, "ServerSideEncryption": "aws:kms"},
        "s3",
        but={"SSEKMSKeyId": _FOREIGN_KEY},
        needs=("encrypted",),
    ),
    "ZenML writes with another key of the account": _zenml(
        "s3:PutObject",
        {**_ARTIFACT, "ServerSideEncryption": "aws:kms"},
        "s3",
        but={"SSEKMSKeyId": _OTHER_KEY},
        needs=("encrypted",),
    ),
    # ZenML's connectors are narrower than its role
    "ZenML starts pipelines through the connector of the bucket": _zenml(
        "sagemaker:CreatePipeline", _PIPELINE, by="access/s3", needs=("orchestrator",)
    ),
    "ZenML reads artifacts through the connector of the registry": _zenml(
        "s3:GetObject", _ARTIFACT, "s3", by="access/ecr", needs=("registry",)
    ),
    # ZenML and roles
    "ZenML hands a pipeline the role of somebody else": _zenml(
        "sagemaker:CreatePipeline", _PIPELINE, but={"RoleArn": "{role_arn_of-somebody-else}"}, needs=("orchestrator",)
    ),
    "ZenML hands a job the role of somebody else": _zenml(
        "sagemaker:CreateTrainingJob", _JOB, but={"RoleArn": "{role_arn_of-somebody-else}"}, needs=("sagemaker",)
    ),
    "ZenML hands a job its own role": _zenml(
        "sagemaker:CreateTrainingJob", _JOB, but={"RoleArn": "{role_arn_access}"}, needs=("sagemaker",)
    ),
    "ZenML hands a job the role of the builds": _zenml(
        "sagemaker:CreateTrainingJob", _JOB, but={"RoleArn": "{role_arn_codebuild}"}, needs=("sagemaker",)
    ),
    "ZenML hands the execution role to another service": _zenml(
        "iam:PassRole",
        {"RoleArn": "{role_arn_sagemaker}", "PassedToService": "sagemaker.amazonaws.com"},
        but={"PassedToService": "lambda.amazonaws.com"},
        needs=("sagemaker",),
    ),
    "ZenML hands the scheduler's role to SageMaker": _zenml(
        "iam:PassRole",
        {"RoleArn": "{role_arn_scheduler}", "PassedToService": "scheduler.amazonaws.com"},
        but={"PassedToService": "sagemaker.amazonaws.com"},
        needs=("orchestrator",),
    ),
    "ZenML hands a schedule the role of somebody else": _zenml(
        "scheduler:CreateSchedule",
        {"Name": "{pipeline}", "Target.RoleArn": "{role_arn_scheduler}"},
        but={"Target.RoleArn": "{role_arn_of-somebody-else}"},
        needs=("orchestrator",),
    ),
    "ZenML makes a schedule in somebody else's group": _zenml(
        "scheduler:CreateSchedule",
        {"Name": "{pipeline}", "Target.RoleArn": "{role_arn_scheduler}"},
        but={"GroupName": "another"},
        needs=("orchestrator",),
    ),
    "ZenML starts a build of another project": _zenml(
        "codebuild:StartBuild", {"projectName": "{project}"}, but={"projectName": "another"}, needs=("image builder",)
    ),
    "ZenML pushes to another repository": _zenml(
        "ecr:PutImage", _IMAGE, "ecr", but={"repositoryName": "another"}, needs=("no image builder",)
    ),
    "ZenML reads logs of something else": _zenml(
        "logs:GetLogEvents",
        {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": "{job}"},
        but={"logGroupName": "/aws/lambda/another"},
        needs=("orchestrator",),
    ),
    # Who becomes ZenML
    "a role of another account becomes ZenML": Forbidden(
        who="server", by="another account", does="sts:AssumeRole", on=_SESSION, needs=("connectors",)
    ),
    "an administrator of the account becomes ZenML": Forbidden(
        who="server", by="administrator", does="sts:AssumeRole", on=_SESSION, needs=("connectors",)
    ),
    "a step becomes ZenML": Forbidden(
        who="server", by="sagemaker", does="sts:AssumeRole", on=_SESSION, needs=("connectors", "sagemaker")
    ),
    "ZenML's server works in a session of another name": Forbidden(
        who="server", does="sts:AssumeRole", on=_SESSION, but={"RoleSessionName": "mallory"}, needs=("connectors",)
    ),
    "ZenML's server works in a session whose name only begins like a connector's": Forbidden(
        who="server",
        does="sts:AssumeRole",
        on={**_SESSION, "RoleSessionName": "zenml-connector"},
        but={"RoleSessionName": "zenml-connectors"},
        needs=("connectors",),
    ),
    "ZenML's server takes the execution role": Forbidden(
        who="server",
        does="sts:AssumeRole",
        on=_SESSION,
        but={"RoleArn": "{role_arn_sagemaker}"},
        needs=("connectors", "sagemaker"),
    ),
    # Services and their roles
    "SageMaker works for another account": Forbidden(
        who="sagemaker.amazonaws.com",
        does="sts:AssumeRole",
        on={"RoleArn": "{role_arn_sagemaker}"},
        but={"SourceAccount": "999999999999"},
        needs=("sagemaker",),
    ),
    "the scheduler works for another account": Forbidden(
        who="scheduler.amazonaws.com",
        does="sts:AssumeRole",
        on={"RoleArn": "{role_arn_scheduler}"},
        but={"SourceAccount": "999999999999"},
        needs=("orchestrator",),
    ),
    "CodeBuild works for another account": Forbidden(
        who="codebuild.amazonaws.com",
        does="sts:AssumeRole",
        on={"RoleArn": "{role_arn_codebuild}"},
        but={"SourceAccount": "999999999999"},
        needs=("image builder",),
    ),
    "SageMaker takes the role of the builds": Forbidden(
        who="sagemaker.amazonaws.com",
        does="sts:AssumeRole",
        on={"RoleArn": "{role_arn_sagemaker}"},
        but={"RoleArn": "{role_arn_codebuild}"},
        needs=("sagemaker", "image builder"),
    ),
    "Lambda takes the execution role": Forbidden(
        who="sagemaker.amazonaws.com",
        by="lambda.amazonaws.com",
        does="sts:AssumeRole",
        on={"RoleArn": "{role_arn_sagemaker}"},
        needs=("sagemaker",),
    ),
    # Steps, with the role of their job
    "a job reads artifacts": Forbidden(
        who="sagemaker", does="s3:GetObject", on=_OUTPUT, but=_ARTIFACT, needs=("sagemaker",)
    ),
    "a job writes artifacts": Forbidden(
        who="sagemaker", does="s3:PutObject", on=_OUTPUT, but=_ARTIFACT, needs=("sagemaker",)
    ),
    "a job deletes its output": Forbidden(
        who="sagemaker", does="s3:PutObject", on=_OUTPUT, as_well="s3:DeleteObject", needs=("sagemaker",)
    ),
    "a job pulls from another repository": Forbidden(
        who="sagemaker",
        does="ecr:BatchGetImage",
        on=_IMAGE,
        but={"repositoryName": "another"},
        needs=("sagemaker",),
    ),
    "a job pushes an image": Forbidden(
        who="sagemaker", does="ecr:BatchGetImage", on=_IMAGE, as_well="ecr:PutImage", needs=("sagemaker",)
    ),
    "a pipeline hands a job the access role": Forbidden(
        who="sagemaker",
        does="sagemaker:CreateTrainingJob",
        on=_JOB,
        but={"RoleArn": "{role_arn_access}"},
        needs=("orchestrator",),
    ),
    "a job writes metrics of something else": Forbidden(
        who="sagemaker",
        does="cloudwatch:PutMetricData",
        on={"Namespace": "/aws/sagemaker/TrainingJobs"},
        but={"Namespace": "AWS/Billing"},
        needs=("sagemaker",),
    ),
    "a job decrypts without S3": Forbidden(
        who="sagemaker",
        does="kms:Decrypt",
        on={"ViaService": "s3"},
        but={"ViaService": "secretsmanager"},
        needs=("sagemaker", "encrypted"),
    ),
    # The scheduler and the builds
    "the scheduler makes a pipeline of its own": Forbidden(
        who="scheduler",
        does="sagemaker:StartPipelineExecution",
        on=_PIPELINE,
        as_well="sagemaker:CreatePipeline",
        needs=("orchestrator",),
    ),
    "a build reads artifacts": Forbidden(
        who="codebuild", does="s3:GetObject", on=_CONTEXT, but=_ARTIFACT, needs=("image builder",)
    ),
    "a build writes its context": Forbidden(
        who="codebuild", does="s3:GetObject", on=_CONTEXT, as_well="s3:PutObject", needs=("image builder",)
    ),
    "a build pushes to another repository": Forbidden(
        who="codebuild", does="ecr:PutImage", on=_IMAGE, but={"repositoryName": "another"}, needs=("image builder",)
    ),
    "a build pulls from another repository": Forbidden(
        who="codebuild",
        does="ecr:BatchGetImage",
        on=_IMAGE,
        but={"repositoryName": "another"},
        needs=("image builder",),
    ),
    "a build writes the logs of another project": Forbidden(
        who="codebuild",
        does="logs:PutLogEvents",
        on={"logGroupName": "/aws/codebuild/{project}", "logStreamName": "x"},
        but={"logGroupName": "/aws/codebuild/another"},
        needs=("image builder",),
    ),
    # The bucket, the key and the log bucket against others
    "another account reads artifacts": Forbidden(
        who="access/s3", by="another account", does="s3:GetObject", on=_ARTIFACT, needs=("connectors",)
    ),
    "another account uses the key through S3": Forbidden(
        who="access/s3",
        by="another account",
        does="kms:Decrypt",
        on={"ViaService": "s3"},
        needs=("connectors", "own key"),
    ),
    "an administrator reads with the key what the roles keep": Forbidden(
        who="administrator",
        does="kms:DescribeKey",
        as_well="kms:Decrypt",
        on={"ViaService": "s3"},
        needs=("connectors", "own key"),
    ),
    "whoever may read the bucket decrypts without S3": Forbidden(
        who="access/s3",
        does="kms:Decrypt",
        on={"ViaService": "s3"},
        but={"ViaService": "dynamodb"},
        needs=("connectors", "encrypted"),
    ),
    "CloudWatch Logs encrypts the logs of something else with the key": Forbidden(
        who=_LOGS,
        does="kms:Encrypt",
        on={"LogGroupArn": "arn:{partition}:logs:{region}:{account}:log-group:/aws/codebuild/{project}"},
        but={"LogGroupArn": "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/another"},
        needs=("own key", "image builder"),
    ),
    "S3 delivers the logs of another bucket": Forbidden(
        who="logging.s3.amazonaws.com",
        does="s3:PutObject",
        on=_DELIVERY,
        but={"SourceArn": "arn:{partition}:s3:::another"},
        needs=("log bucket",),
    ),
    "S3 delivers the logs of another account": Forbidden(
        who="logging.s3.amazonaws.com",
        does="s3:PutObject",
        on=_DELIVERY,
        but={"SourceAccount": "999999999999"},
        needs=("log bucket",),
    ),
    # The network
    "a job puts an interface where the stack has none": Forbidden(
        who="sagemaker",
        does="ec2:CreateNetworkInterface",
        on={},
        but={"SubnetId": "subnet-99999999999999999", "Untagged": "yes"},
        needs=("sagemaker", "network"),
    ),
    "a build hands its interface to another service": Forbidden(
        who="codebuild",
        does="ec2:CreateNetworkInterfacePermission",
        on={"AwsService": "codebuild.amazonaws.com"},
        but={"AwsService": "ec2.amazonaws.com"},
        needs=("image builder", "network"),
    ),
    "a step carries data out with credentials of another account": Forbidden(
        who="access/s3",
        by="another account",
        does="s3:PutObject",
        on=_ARTIFACT,
        needs=("connectors", "isolated"),
        inside=True,
    ),
    "a step carries data out to a bucket of another account": Forbidden(
        who="access/s3",
        does="s3:PutObject",
        on=_ARTIFACT,
        but={"ResourceAccount": "999999999999"},
        needs=("connectors", "isolated"),
        inside=True,
    ),
    "the flow logs go into another group": Forbidden(
        who="flow-logs",
        does="logs:PutLogEvents",
        on={"logGroupName": "{flow_log_group}", "logStreamName": "eni"},
        but={"logGroupName": "another"},
        needs=("isolated",),
    ),
}
