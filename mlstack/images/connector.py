"""AWS credentials from the stack's own service connector, for those who have ZenML's and none of AWS."""

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
            raise AwsError(
                f"the service connector {connector.name} gives no credentials: {str(error).strip()[:600]}",
                hint="mlstack verify looks at it; an expired key is replaced with mlstack rotate-key, "
                "nothing was left behind",
            ) from None
    return Clients(session, contract.region)


def clients(contract: MLStackOutputs, *, connector: bool) -> Clients:
    """With the connector's credentials, or the caller's own."""
    return connector_clients(contract) if connector else own_clients(contract.region)
