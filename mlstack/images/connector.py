"""AWS credentials from the stack's own service connector, for those who have ZenML's and none of AWS."""

from datetime import UTC, datetime
from typing import Any

from mlstack.contract import MLStackOutputs
from mlstack.errors import MLStackError, UsageError
from mlstack.images.aws import AwsError, Clients, own_clients
from mlstack.registration.server import connection


def connector_clients(contract: MLStackOutputs) -> Clients:
    """Clients with the short-lived credentials that ZenML's server hands out. Raises MLStackError when it does not."""
    connector = contract.connectors.get("aws")
    if connector is None:
        raise UsageError(
            f"environment {contract.environment} has no connector that gives AWS credentials",
            hint="it was deployed with connector.auth none: take your own, without --connector",
        )
    with connection():
        from zenml.client import Client

        try:
            client = Client().get_service_connector_client(
                connector.name, resource_type=connector.resource_type, resource_id=connector.resource_id
            )
            session = client.connect()
        except KeyError:
            raise MLStackError(
                f"ZenML holds no service connector {connector.name}", hint="mlstack register makes it"
            ) from None
        except Exception as error:
            raise _refused(Client(), connector.name, str(error).strip()[:600]) from None
    return Clients(session, contract.region)


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
