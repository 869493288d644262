"""What somebody else made of a ZenML stack, and has to be told once it is ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from mlstack.errors import MLStackError, UsageError


class WrongAccountError(UsageError):
    """The AWS credentials are of another account than what is to be adopted."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The parts of one ZenML stack on AWS, by their names. None: it has no such part."""

    origin: str
    """Where it was found, for people: `CloudFormation stack zenml-abc123`."""
    account_id: str
    region: str
    bucket: str
    access_role: str
    repository: str | None = None
    execution_role: str | None = None
    build_role: str | None = None
    build_project: str | None = None
    user: str | None = None
    """Whose access key ZenML has; None when ZenML assumes the access role with an identity of its own."""
    zenml_stack: str | None = None
    """Name of the stack in ZenML, where the origin knows it."""
    orchestrator: Literal["sagemaker", "local"] = "sagemaker"
    leave: tuple[str, ...] = ()
    """What is left for people to do, so that the former owner does not take away what is ours now."""

    def called(self, zenml_stack: str | None) -> "Found":
        return replace(self, zenml_stack=zenml_stack) if zenml_stack else self


def refuse_skypilot(origin: str) -> None:
    """Raises UsageError: adopting it would take the stack's orchestrator away."""
    raise UsageError(
        f"{origin} runs pipelines with SkyPilot, which mlstack does not set up; nothing was changed",
        hint="leave it with its owner, or change its orchestrator to sagemaker there first",
    )


@contextmanager
def asking_aws() -> Iterator[None]:
    """What AWS refuses, as one message that names the call. Raises MLStackError."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        said = error.response["Error"]
        raise MLStackError(
            f"AWS refuses {error.operation_name}: {said.get('Code')}: {said.get('Message')}; nothing was imported",
            hint="the credentials have to read what is adopted: buckets, repositories, roles, users, projects",
        ) from None
    except BotoCoreError as error:
        raise MLStackError(f"AWS does not answer: {error}; nothing was imported", hint="run it again") from None


def whoami(region: str | None = None) -> tuple[str, str]:
    """Account and region of the AWS credentials. Raises MLStackError when there are none."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.Session(region_name=region)
    if session.region_name is None:
        raise UsageError("no AWS region is chosen", hint="say it with --region eu-west-1, or set AWS_REGION")
    try:
        account = session.client("sts", region_name=session.region_name).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise MLStackError(
            f"AWS does not take the credentials: {error}", hint="aws sts get-caller-identity says whose they are"
        ) from None
    return str(account), str(session.region_name)


def refuse_another_account(what: str, of: str, credentials: str) -> None:
    """Raises WrongAccountError."""
    if of != credentials:
        raise WrongAccountError(
            f"{what} is in account {of}, and the AWS credentials are of {credentials}; nothing was changed",
            hint=f"use credentials of {of} (AWS_PROFILE, or aws sso login)",
        )
