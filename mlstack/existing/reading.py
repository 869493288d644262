"""Reads resources with boto3. Every call only describes: nothing here changes anything.

Through Pulumi's own data sources it could not be done: none gives the policy of a key, the policies of a role, the
encryption of a bucket or a CodeBuild project. And they answer while other resources are being made already.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

from mlstack.errors import MLStackError

T = TypeVar("T")

_ABSENT = {
    "404",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchEntity",
    "NoSuchPublicAccessBlockConfiguration",
    "NotFoundException",
    "RepositoryNotFoundException",
    "RepositoryPolicyNotFoundException",
    "ServerSideEncryptionConfigurationNotFoundError",
    "InvalidVpcID.NotFound",
    "InvalidSubnetID.NotFound",
    "InvalidGroup.NotFound",
    "InvalidGroupId.Malformed",
}
_REFUSED = {"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AccessDeniedError"}


class RefusedError(Exception):
    """These credentials may not read it."""

    def __init__(self, operation: str) -> None:
        super().__init__(operation)
        self.operation = operation
        """Of the API: `GetKeyPolicy`."""


class Aws:
    """boto3 with the settings of the environment: its region, its profile, its account."""

    def __init__(self, region: str, profile: str | None) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import ProfileNotFound

        try:
            self._session = boto3.Session(region_name=region, profile_name=profile)
        except ProfileNotFound as error:
            raise MLStackError(f"aws:profile: {error}", hint="aws configure list-profiles") from None
        self._config = Config(retries={"max_attempts": 3, "mode": "standard"}, connect_timeout=5, read_timeout=20)
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Made once. Not for threads: ask for all before starting any."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service, config=self._config)
        return self._clients[service]

    def ask(self, service: str, operation: str, **arguments: Any) -> dict[str, Any] | None:
        """The answer, or None when there is no such thing. Raises RefusedError, or MLStackError for all else."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self.client(service), operation)(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _ABSENT:
                return None
            if code in _REFUSED:
                raise RefusedError(error.operation_name) from None
            message = error.response["Error"].get("Message", code)
            raise MLStackError(f"AWS refuses {error.operation_name}: {code}: {message}", hint=_HINT) from None
        except BotoCoreError as error:
            raise MLStackError(f"existing resources cannot be read: {error}", hint=_HINT) from None
        return answer

    def account(self) -> tuple[str, str]:
        """Id of the account, and ARN of who asks."""
        found = self.ask("sts", "get_caller_identity") or {}
        return str(found["Account"]), str(found["Arn"])


_HINT = "check the credentials with `aws sts get-caller-identity`, and the network"


def policies_of_role(aws: Aws, name: str) -> list[Mapping[str, Any]]:
    """Every document that is inline in a role or attached to it."""
    found: list[Mapping[str, Any]] = []
    for inline in _pages(aws, "list_role_policies", "PolicyNames", RoleName=name):
        answer = aws.ask("iam", "get_role_policy", RoleName=name, PolicyName=inline)
        found += [decoded(answer["PolicyDocument"])] if answer else []
    for attached in _pages(aws, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        found += managed_policy(aws, attached["PolicyArn"])
    return found


def managed_policy(aws: Aws, arn: str) -> list[Mapping[str, Any]]:
    """Its default version; nothing when there is no such policy."""
    policy = aws.ask("iam", "get_policy", PolicyArn=arn)
    if policy is None:
        return []
    version = policy["Policy"]["DefaultVersionId"]
    answer = aws.ask("iam", "get_policy_version", PolicyArn=arn, VersionId=version)
    return [decoded(answer["PolicyVersion"]["Document"])] if answer else []


def _pages(aws: Aws, operation: str, key: str, **arguments: Any) -> list[Any]:
    found: list[Any] = []
    marker: dict[str, Any] = {}
    while True:
        answer = aws.ask("iam", operation, **arguments, **marker) or {}
        found += answer.get(key, [])
        if not answer.get("IsTruncated"):
            return found
        marker = {"Marker": answer["Marker"]}


def decoded(document: object) -> Mapping[str, Any]:
    """A policy document: boto3 decodes some of them, and leaves others as text."""
    found: Any = document
    if isinstance(document, str):
        found = json.loads(document if document.lstrip().startswith("{") else unquote(document))
    return found if isinstance(found, Mapping) else {}


def or_refused(work: Callable[[], T], refused: list[str]) -> T | None:
    """`work`'s result; None, and the operation in `refused`, when these credentials may not ask."""
    try:
        return work()
    except RefusedError as error:
        refused.append(error.operation)
        return None
