"""The program deployed in regions of other partitions. The emulator takes what the real ones were never asked."""

import re

import pytest

from tests.end_to_end.conftest import Deployment

pytestmark = pytest.mark.engine

PARTITIONS = {"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}


@pytest.mark.parametrize("region", PARTITIONS)
def test_a_whole_stack_comes_and_goes_without_an_arn_of_another_partition(deployment: Deployment, region: str) -> None:
    partition = PARTITIONS[region]
    deployment.changes["aws:region"] = region
    deployment.configure(
        network={"mode": "isolated"}, connector={"principal": f"arn:{partition}:iam::123456789012:user/zenml-server"}
    )
    assert set(deployment.up()) == {"create"}
    assert set(deployment.up()) == {"same"}
    state = deployment.run("pulumi", "stack", "export", "--stack", "local").stdout
    deployment.pulumi("destroy", "--yes", "--skip-preview")
    assert set(re.findall(r"arn:aws[\w-]*", state)) == {f"arn:{partition}"}
