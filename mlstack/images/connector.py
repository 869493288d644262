"""AWS credentials from the stack's own service connector, for those who have ZenML's and none of AWS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from mlstack.contract import Connector, MLStackOutputs
from mlstack.errors import MLStackError, UsageError
from mlstack.images.aws import AwsError, Clients, own_clients
from mlstack.registration.server import connection

if TYPE_CHECKING:
    from botocore.credentials import RefreshableCredentials


RENEWED_BEFORE = 120
"""Seconds before their end at which credentials are asked for anew. ZenML's session of a role is over after an hour or
less, where IAM says nothing else, and a build may take longer."""


def connector_clients(contract: MLStackOutputs) -> Clients:
    """Clients with the short-lived credentials that ZenML's server hands out. Raises MLStackError when it does not."""
    from boto3 import Session
    from botocore.credentials import CredentialResolver, RefreshableCredentials
    from botocore.session import get_session

    connector = contract.connectors.get("aws")
    if connector is None:
        raise UsageError(
            f"environment {contract.environment} has no connector that gives AWS credentials",
            hint="it was deployed with connector.auth none: take your own, without --connector",
        )
    lent = _lent(connector)
    if lent["expiry_time"] is None:
        return Clients(Session(lent["access_key"], lent["secret_key"], lent["token"]), contract.region)
    credentials = RefreshableCredentials.create_from_metadata(
        lent,
        refresh_using=lambda: _lent(connector),
        method=_Provider.METHOD,
        advisory_timeout=RENEWED_BEFORE,
        mandatory_timeout=RENEWED_BEFORE,
    )
    session = get_session()
    session.register_component("credential_provider", CredentialResolver([_Provider(credentials)]))
    return Clients(Session(botocore_session=session), contract.region)


@dataclass(frozen=True)
class _Provider:
    """Where botocore's session looks for credentials: here alone."""

    METHOD: ClassVar[str] = "zenml-connector"
    credentials: RefreshableCredentials

    def load(self) -> RefreshableCredentials:
        return self.credentials


def _lent(connector: Connector) -> dict[str, str | None]:
    """Credentials, as botocore names their parts."""
    with connection():
        from zenml.client import Client

        try:
            client = Client().get_service_connector_client(
                connector.name, resource_type=connector.resource_type, resource_id=connector.resource_id
            )
            keys = client.connect().get_credentials().get_frozen_credentials()
        except KeyError:
            raise MLStackError(
                f"ZenML holds no service connector {connector.name}", hint="mlstack register makes it"
            ) from None
        except Exception as error:
            raise _refused(Client(), connector.name, str(error).strip()[:600]) from None
    ends = client.expires_at
    return {
        "access_key": keys.access_key,
        "secret_key": keys.secret_key,
        "token": keys.token,
        "expiry_time": None if ends is None else ends.replace(tzinfo=ends.tzinfo or UTC).isoformat(),
    }


def _refused(zenml: Any, name: str, said: str) -> AwsError:
    """Which of the two has expired: the connector, by the date that ZenML has of it, or what it would sign with."""
    if "expired" not in said.lower():
        return AwsError(
            f"the service connector {name} gives no credentials: {said}",
            hint="mlstack verify looks at it; a key that is none any more is replaced with mlstack rotate-key, "
            "nothing was left behind",
        )
    own = "or take your own credentials, without --connector: nothing was uploaded"
    ends = zenml.get_service_connector(name, allow_name_prefix_match=False).expires_at
    if ends is not None and ends.replace(tzinfo=UTC) <= datetime.now(UTC):
        return AwsError(
            f"the service connector {name} expired at {ends:%Y-%m-%d %H:%M} UTC",
            hint=f"zenml service-connector update {name} --expires-at 'YYYY-MM-DD HH:MM:SS' moves that date, {own}",
        )
    return AwsError(
        f"the service connector {name} signs with AWS credentials that have expired: {said}",
        hint=f"zenml service-connector update {name} -i takes new ones (with connector.auth implicit they are those "
        f"of the ZenML server), {own}",
    )


def clients(contract: MLStackOutputs, *, connector: bool) -> Clients:
    """With the connector's credentials, or the caller's own."""
    return connector_clients(contract) if connector else own_clients(contract.region)
