"""Image builds."""

import re
from collections.abc import Iterator

from pulumi_policy import Severity

from policies.credentials import names_a_secret
from policies.rule import Case, rule

PROJECT = "aws:codebuild/project:Project"

_PINNED = re.compile(r"aws/codebuild/[\w./-]+:[\w.-]*\d[\w.-]*|[^@\s]+@sha256:[0-9a-f]{64}")
_USER_IN_URL = re.compile(r"https?://[^/\s]+@")
_KEY_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/codebuild-controls.html"


@rule(
    name="codebuild-unpinned-image",
    refuses="A build image that somebody else can move under its tag runs their code with the builder's role",
    severity=Severity.HIGH,
    remedy="Name an image of CodeBuild's with its version (aws/codebuild/...:5.0) and others by digest (@sha256:...)",
    url="https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html",
    types=(PROJECT,),
)
def unpinned_image(case: Case) -> Iterator[str]:
    image = case.value("environment", "image")
    if image is not None and not _PINNED.fullmatch(image):
        yield f"the image is {image}"


@rule(
    name="codebuild-credentials-in-url",
    refuses="Credentials in the URL of a source are shown to whoever may describe the project",
    severity=Severity.CRITICAL,
    remedy="Take them out and use a connection of CodeConnections or a secret of Secrets Manager",
    url=f"{_HUB}#codebuild-1",
    control="CodeBuild.1",
    types=(PROJECT,),
)
def credentials_in_url(case: Case) -> Iterator[str]:
    sources = [case.value("source") or {}, *(case.value("secondarySources") or ())]
    for source in sources:
        if _USER_IN_URL.match(source.get("location") or ""):
            yield "the URL of a source has credentials in it"


@rule(
    name="codebuild-credentials-in-environment",
    refuses="Credentials in plain environment variables are shown to whoever may describe the project, and in its logs",
    severity=Severity.CRITICAL,
    remedy="Let the project's role do it, or have the variable of type SECRETS_MANAGER or PARAMETER_STORE",
    url=f"{_HUB}#codebuild-2",
    control="CodeBuild.2",
    types=(PROJECT,),
)
def credentials_in_environment(case: Case) -> Iterator[str]:
    for variable in case.value("environment", "environmentVariables") or ():
        name = variable.get("name") or ""
        plain = (variable.get("type") or "PLAINTEXT") == "PLAINTEXT"
        if plain and (name in _KEY_NAMES or names_a_secret(name)):
            yield f"{name} is in plain text"


@rule(
    name="codebuild-unencrypted-logs",
    refuses="Build logs in S3 hold what builds print",
    severity=Severity.LOW,
    remedy="Leave logsConfig.s3Logs.encryptionDisabled out",
    url=f"{_HUB}#codebuild-3",
    control="CodeBuild.3",
    types=(PROJECT,),
)
def unencrypted_logs(case: Case) -> Iterator[str]:
    if case.value("logsConfig", "s3Logs", "encryptionDisabled") is True:
        yield "logs in S3 are not encrypted"


@rule(
    name="codebuild-without-logs",
    refuses="A build that leaves no log cannot be explained when it fails, or when it did too much",
    severity=Severity.MEDIUM,
    remedy="Set logsConfig.cloudwatchLogs with status ENABLED and the name of a log group of yours",
    url=f"{_HUB}#codebuild-4",
    control="CodeBuild.4",
    types=(PROJECT,),
)
def without_logs(case: Case) -> Iterator[str]:
    enabled = [case.value("logsConfig", kind, "status") for kind in ("cloudwatchLogs", "s3Logs")]
    if "ENABLED" not in enabled:
        yield "no log is enabled"


@rule(
    name="codebuild-privileged",
    refuses="A privileged build has the build host, not just its container",
    severity=Severity.HIGH,
    remedy="Set environment.privilegedMode to false; ZenML's builds run without it",
    url=f"{_HUB}#codebuild-5",
    control="CodeBuild.5",
    foundational=False,
    types=(PROJECT,),
)
def privileged(case: Case) -> Iterator[str]:
    if case.value("environment", "privilegedMode") is True:
        yield "privileged mode is on"


RULES = (
    unpinned_image,
    credentials_in_url,
    credentials_in_environment,
    unencrypted_logs,
    without_logs,
    privileged,
)
