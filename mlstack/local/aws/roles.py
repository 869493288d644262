"""Hands AWS services the credentials of a role, when the role's trust policy lets them have it."""

import secrets
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from mlstack.iam.conditions import PolicyError
from mlstack.iam.policy import Caller, Decision, Policy, Request


class RoleError(ValueError):
    """The service may not assume the role."""


def check_trust(role_arn: str, service: str, *, account: str, source_arn: str) -> None:
    """Raises RoleError unless the role exists and lets `service` assume it on behalf of `source_arn`."""
    try:
        role = iam_backends[account]["aws"].get_role_by_arn(role_arn)
    except ServiceException:
        raise RoleError(f"Could not assume role {role_arn}: it does not exist") from None
    asked = Request(
        action="sts:AssumeRole",
        resource=role_arn,
        caller=Caller(account=account, service=service),
        context={"aws:SourceAccount": account, "aws:SourceArn": source_arn},
    )
    try:
        decision = Policy.parse(role.assume_role_policy_document).decide(asked).decision
    except PolicyError as error:
        raise RoleError(f"Could not assume role {role_arn}: {error}") from None
    if decision is not Decision.ALLOW:
        raise RoleError(f"Could not assume role {role_arn}: its trust policy does not allow {service}")


class JobCredentials:
    """Credentials for running jobs, fetched by each with a token of its own, as containers do on AWS."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._jobs: dict[str, tuple[str, str]] = {}

    def open(self, role_arn: str, job: str) -> str:
        token = secrets.token_urlsafe(32)
        self._jobs[token] = (role_arn, job)
        return token

    def close(self, token: str) -> None:
        self._jobs.pop(token, None)

    def of(self, token: str) -> dict[str, Any] | None:
        """None for a token that belongs to no running job."""
        if token not in self._jobs:
            return None
        role_arn, job = self._jobs[token]
        session = sts_backends[role_arn.split(":")[4]]["aws"].assume_role(
            region_name=self._region,
            # As AWS allows in a session's name: up to 64 of these characters.
            role_session_name=job[:64],
            role_arn=role_arn,
            policy="",
            duration=3600,
            external_id="",
        )
        expires: datetime = session.expiration
        return {
            "RoleArn": role_arn,
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "Token": session.session_token,
            "Expiration": expires.replace(tzinfo=expires.tzinfo or UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
