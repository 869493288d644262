"""What a new AWS account may not start: SageMaker's quota of the largest instances is 0 until it is raised.

https://docs.aws.amazon.com/sagemaker/latest/dg/regions-quotas.html
"""

import re
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException

_NONE_AT_FIRST = re.compile(r"ml\.(p4d|p4de|p5|p5e|p5en|p6-\w+|trn1|trn1n|trn2)\.")


class ResourceLimitExceeded(ServiceException):  # type: ignore[misc]
    code = "ResourceLimitExceeded"


def check_quota(kind: str, arguments: Mapping[str, Any]) -> None:
    """Raises ResourceLimitExceeded for a job on instances that a new account has none of."""
    asked = arguments.get("ResourceConfig") or (arguments.get("ProcessingResources") or {}).get("ClusterConfig") or {}
    instance_type = str(asked.get("InstanceType") or "")
    if _NONE_AT_FIRST.match(instance_type):
        raise ResourceLimitExceeded(
            f"The account-level service limit '{instance_type} for {kind.lower()} job usage' is 0 Instances, with "
            "current utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to "
            "request an increase for this quota."
        )
