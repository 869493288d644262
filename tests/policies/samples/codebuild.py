"""Image builds."""

from typing import Any

from policies import codebuild
from tests.policies.samples.sample import passes, refused
from tests.policies.shown import Given


def project(**props: Any) -> Given:
    return Given(codebuild.PROJECT, {"name": "builds", **props})


def image(named: str) -> Given:
    return project(environment={"image": named})


def variable(**given: str) -> Given:
    return project(environment={"image": "aws/codebuild/standard:7.0", "environmentVariables": [given]})


def location(url: str) -> Given:
    return project(source={"type": "BITBUCKET", "location": url})


UNPINNED = "codebuild-unpinned-image"
URL = "codebuild-credentials-in-url"
ENVIRONMENT = "codebuild-credentials-in-environment"
S3_LOGS = "codebuild-unencrypted-logs"
LOGS = "codebuild-without-logs"
PRIVILEGED = "codebuild-privileged"
DIGEST = f"@sha256:{'0' * 64}"

SAMPLES = (
    refused(UNPINNED, "ZenML's own default", image("bentolor/docker-dind-awscli"), says="bentolor/docker-dind-awscli"),
    refused(UNPINNED, "a tag of somebody else's", image("docker.io/library/python:3.11"), says="python:3.11"),
    refused(
        UNPINNED, "an image of CodeBuild's without a version", image("aws/codebuild/standard:latest"), says=":latest"
    ),
    passes(UNPINNED, "an image of CodeBuild's", image("aws/codebuild/amazonlinux-x86_64-standard:5.0")),
    passes(UNPINNED, "a mirror by digest", image(f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/build{DIGEST}")),
    refused(URL, "a password", location("https://user:password@bitbucket.org/us/it.git"), says="credentials in it"),
    passes(URL, "no credentials", location("https://bitbucket.org/us/it.git")),
    refused(
        ENVIRONMENT,
        "a key of AWS",
        variable(name="AWS_SECRET_ACCESS_KEY", value="x", type="PLAINTEXT"),
        says="AWS_SECRET_ACCESS_KEY is in plain text",
    ),
    refused(ENVIRONMENT, "what its name calls a secret", variable(name="PYPI_TOKEN", value="x"), says="PYPI_TOKEN"),
    passes(ENVIRONMENT, "a secret by name", variable(name="PYPI_TOKEN", value="pypi", type="SECRETS_MANAGER")),
    passes(ENVIRONMENT, "an ordinary variable", variable(name="STAGE", value="production")),
    refused(
        S3_LOGS,
        "switched off",
        project(logsConfig={"s3Logs": {"status": "ENABLED", "encryptionDisabled": True}}),
        says="not encrypted",
    ),
    passes(S3_LOGS, "left on", project(logsConfig={"s3Logs": {"status": "ENABLED"}})),
    refused(LOGS, "nothing said", project(), says="no log is enabled"),
    refused(LOGS, "disabled", project(logsConfig={"cloudwatchLogs": {"status": "DISABLED"}}), says="no log is enabled"),
    passes(LOGS, "in CloudWatch", project(logsConfig={"cloudwatchLogs": {"status": "ENABLED"}})),
    refused(PRIVILEGED, "on", project(environment={"privilegedMode": True}), says="privileged mode is on"),
    passes(PRIVILEGED, "off", project(environment={"privilegedMode": False})),
)
