"""Makes moto attach a policy that AWS itself keeps: it has them as data that takes seconds to load, all at once."""

import json
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend


def mend_managed_policies() -> None:
    """Patches moto in this process: each is there once it is asked for."""
    attach = IAMBackend.attach_role_policy

    def attach_of_aws(self: IAMBackend, policy_arn: str, role_name: str) -> None:
        name = policy_arn.rpartition("/")[2]
        if ":iam::aws:policy/" in policy_arn and policy_arn not in self.managed_policies and name in _of_aws():
            policy = AWSManagedPolicy.from_data(name, self.account_id, self.region_name, _of_aws()[name])
            self.managed_policies[policy.arn] = policy
        attach(self, policy_arn, role_name)

    IAMBackend.attach_role_policy = attach_of_aws


@cache
def _of_aws() -> dict[str, Any]:
    policies: dict[str, Any] = json.loads(aws_managed_policies_data)
    return policies
