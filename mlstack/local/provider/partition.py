"""AWS's partitions, as botocore knows them."""

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Partition:
    name: str
    """`aws`, `aws-cn` or `aws-us-gov`: the second field of every ARN."""
    dns_suffix: str


@cache
def partition_of(region: str) -> Partition:
    """Of the commercial regions for one that botocore does not know."""
    from botocore.session import Session

    session = Session()
    name = session.get_partition_for_region(region)
    found = session.get_component("endpoint_resolver").get_partition_dns_suffix(name)
    return Partition(name, found)
