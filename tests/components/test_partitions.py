"""In China and GovCloud nothing that the program declares or puts out is of the partition `aws`."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.stacks import Stacks
from tests.components.stacks import CASES, EXISTING_KEY, PRINCIPAL, settings
from tests.recording import record

REGIONS = {
    "cn-north-1": "aws-cn",
    "cn-northwest-1": "aws-cn",
    "us-gov-west-1": "aws-us-gov",
    "us-gov-east-1": "aws-us-gov",
}

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html: the names of services are
# the same in every partition, but for some (such as EC2's and CloudWatch Logs'), of which only Logs' is used here.
SAME_EVERYWHERE = {
    f"{service}.amazonaws.com" for service in ("codebuild", "logging.s3", "sagemaker", "scheduler", "vpc-flow-logs")
}


ONLY_IN_AWS = "base images through a cache"
"""ECR has it in no other partition, and there it is refused (components/cache_checks.py)."""


def _moved(case: str, region: str) -> dict[str, str]:
    """The settings of a case, with ARNs and zones of that region."""
    partition = REGIONS[region]
    changes = {"mlstack:connector": json.dumps({"principal": PRINCIPAL}), **CASES[case], "aws:region": region}
    moved = {key: text.replace("arn:aws:", f"arn:{partition}:") for key, text in changes.items()}
    return {key: text.replace(EXISTING_KEY.split(":")[3], region) for key, text in moved.items()}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("case", [case for case in CASES if case not in ("another region", ONLY_IN_AWS)])
def test_no_arn_and_no_host_is_of_another_partition(case: str, region: str) -> None:
    recording = record(lambda: Stacks(settings(_moved(case, region))))
    said = [text for each in recording.resources for text in _texts([each.inputs, each.outputs])]
    # Made up by the stand-in for the engine, not by the program.
    whole = (
        "\n".join(said).replace("arn:aws:kms:eu-west-1:123456789012:key/1234", "").replace("arn:aws:s3:::computed", "")
    )
    arns = set(re.findall(r"arn:[\w-]*", whole))
    assert arns <= {f"arn:{REGIONS[region]}"}, arns
    hosts = set(re.findall(r"[\w.-]*amazonaws\.com(?:\.cn)?", whole)) - SAME_EVERYWHERE
    ends = "amazonaws.com.cn" if REGIONS[region] == "aws-cn" else "amazonaws.com"
    assert {host for host in hosts if not host.endswith(ends)} == set()
    assert region in whole


def test_endpoints_in_china_are_called_what_ec2_calls_them_there() -> None:
    recording = record(lambda: Stacks(settings(_moved("everything on", "cn-north-1"))))
    services = {each.inputs["serviceName"] for each in recording.customs if each.type.endswith(":VpcEndpoint")}
    assert services == {
        "com.amazonaws.cn-north-1.s3",
        "com.amazonaws.cn-north-1.logs",
        "cn.com.amazonaws.cn-north-1.ecr.api",
        "cn.com.amazonaws.cn-north-1.ecr.dkr",
        "cn.com.amazonaws.cn-north-1.sagemaker.api",
        "cn.com.amazonaws.cn-north-1.sts",
    }


def test_in_china_zenml_gets_no_connector_for_a_registry_that_it_would_refuse() -> None:
    recording = record(lambda: Stacks(settings(_moved("as it comes", "cn-north-1"))))
    contract = json.loads(recording.of("MLStack").outputs[0]["contract"])
    assert set(contract["connectors"]) == {"s3", "aws"}
    registry = contract["components"]["container_registry"]
    assert registry["connector"] is None
    assert registry["configuration"]["uri"] == "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"


def test_zenmls_own_rule_for_registries_is_still_the_one_that_this_goes_by() -> None:
    """When it takes China's hosts one day, the exception can go."""
    from zenml.integrations.aws.service_connectors.aws_service_connector import AWSServiceConnector

    parse = AWSServiceConnector._parse_ecr_resource_id
    connector = type("Connector", (), {"config": type("Config", (), {"region": "cn-north-1"})})()
    with pytest.raises(ValueError, match="Invalid resource ID"):
        parse(connector, "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn")
