"""The data sources that a program may ask: who am I, and where."""

from collections.abc import Callable, Mapping
from typing import Final

from mlstack.local.provider.clients import Clients
from mlstack.local.provider.configuration import Configuration
from mlstack.local.provider.partition import partition_of
from mlstack.local.provider.schema import Values


def _caller_identity(clients: Clients, config: Configuration) -> Values:
    found = clients.get("sts", config.region).get_caller_identity()
    account_id = found["Account"]
    return {"accountId": account_id, "arn": found["Arn"], "userId": found["UserId"], "id": account_id}


def _region(clients: Clients, config: Configuration) -> Values:
    endpoint = f"ec2.{config.region}.{partition_of(config.region).dns_suffix}"
    return {"name": config.region, "region": config.region, "id": config.region, "endpoint": endpoint}


def _partition(clients: Clients, config: Configuration) -> Values:
    partition = partition_of(config.region)
    reverse = ".".join(reversed(partition.dns_suffix.split(".")))
    return {
        "partition": partition.name,
        "dnsSuffix": partition.dns_suffix,
        "reverseDnsPrefix": reverse,
        "id": partition.name,
    }


INVOKES: Final[Mapping[str, Callable[[Clients, Configuration], Values]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
}
