"""With every feature on and the longest settings, AWS takes every policy document."""

import json

import pytest
from pulumi import RunError

from components.iam import (
    BUCKET_POLICY_LIMIT,
    ENDPOINT_POLICY_LIMIT,
    KEY_POLICY_LIMIT,
    ROLE_POLICY_LIMIT,
    SESSION_POLICY_LIMIT,
    TRUST_POLICY_LIMIT,
)
from components.ml_stack import MLStack, MLStackArgs
from components.stacks import Stacks, declared
from tests.components.stacks import settings
from tests.recording import Recording, record

LONGEST_PATH = "/" + "p" * 98 + "/"
EVERYTHING = {
    "aws:region": "ap-southeast-2",
    "mlstack:name": "n" * 24,
    "mlstack:connector": json.dumps({"principal": "arn:aws:iam::123456789012:role/" + "z" * 500}),
    "mlstack:roles": json.dumps({"path": LONGEST_PATH, "permissionsBoundary": "arn:aws:iam::123456789012:policy/b"}),
    "mlstack:enhancedScanning": "true",
    "mlstack:accessLogs": '{"mode": "create"}',
    "mlstack:tags": json.dumps({f"tag-{number}": "v" * 256 for number in range(40)}),
}
NETWORKS = {
    "a network of its own": {"mlstack:network": '{"mode": "isolated"}'},
    "sixteen subnets of yours": {
        "mlstack:network": json.dumps(
            {
                "mode": "existing",
                "vpcId": "vpc-0123456789abcdef0",
                "subnetIds": [f"subnet-0123456789abcde{number:02x}" for number in range(16)],
                "securityGroupIds": [f"sg-0123456789abcdef{number}" for number in range(5)],
            }
        )
    },
}
BUILDS = {"builds on AWS": {}, "builds elsewhere": {"mlstack:imageBuilder": "false"}}

LIMITS = {
    ("aws:iam/role:Role", "assumeRolePolicy"): TRUST_POLICY_LIMIT,
    ("aws:iam/rolePolicy:RolePolicy", "policy"): ROLE_POLICY_LIMIT,
    ("aws:s3/bucketPolicy:BucketPolicy", "policy"): BUCKET_POLICY_LIMIT,
    ("aws:kms/key:Key", "policy"): KEY_POLICY_LIMIT,
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "policy"): ENDPOINT_POLICY_LIMIT,
}


@pytest.mark.parametrize("builds", BUILDS)
@pytest.mark.parametrize("network", NETWORKS)
def test_documents_stay_below_the_limits_with_every_feature_on(network: str, builds: str) -> None:
    sizes = _sizes(_everything(NETWORKS[network] | BUILDS[builds]))
    too_long = {name: size for name, size in sizes.items() if size[0] > size[1]}
    assert not too_long
    kinds = {limit for _, limit in sizes.values()}
    assert {TRUST_POLICY_LIMIT, ROLE_POLICY_LIMIT, BUCKET_POLICY_LIMIT, KEY_POLICY_LIMIT, SESSION_POLICY_LIMIT} <= kinds


def test_a_role_has_one_inline_policy_so_that_its_length_is_the_one_that_counts() -> None:
    recording = _everything(NETWORKS["a network of its own"])
    roles = [resource.inputs["role"] for resource in recording.customs if resource.type.endswith(":RolePolicy")]
    assert len(roles) == len(set(roles))


def test_twenty_teams_with_long_names_share_a_key() -> None:
    teams = json.dumps([{"name": f"team-{number}".ljust(24, "x")} for number in range(10, 30)])
    changes = {
        **EVERYTHING,
        **NETWORKS["a network of its own"],
        "mlstack:roles": '{"path": "/machine-learning/"}',
        "mlstack:sharing": '{"key": true, "network": true}',
        "mlstack:teams": teams,
    }
    recording = record(lambda: Stacks(settings(changes, environment="e" * 24)))
    policies = [
        (len(each.inputs[key]), limit, each.name)
        for each in recording.customs
        for (type_, key), limit in LIMITS.items()
        if each.type == type_
    ]
    assert len(policies) > 100
    assert not [each for each in policies if each[0] > each[1]]


def test_more_teams_than_a_key_has_room_for_are_told_what_to_do() -> None:
    teams = json.dumps([{"name": f"team-{number}".ljust(24, "x")} for number in range(10, 50)])
    changes = {**EVERYTHING, "mlstack:sharing": '{"key": true}', "mlstack:teams": teams}
    with pytest.raises(RunError, match=r"the key that 40 teams share is (?s:.)* set mlstack:sharing.key to false"):
        record(lambda: declared(settings(changes)))


def _everything(changes: dict[str, str]) -> Recording:
    args = MLStackArgs.from_settings(settings(EVERYTHING | changes, environment="e" * 24))
    return record(lambda: MLStack("mlstack", args))


def _sizes(recording: Recording) -> dict[str, tuple[int, int]]:
    """Length and limit of each document, by name."""
    sizes = {
        f"{resource.name} {key}": (len(resource.inputs[key]), limit)
        for resource in recording.customs
        for (type_, key), limit in LIMITS.items()
        if resource.type == type_
    }
    contract = json.loads(recording.of("MLStack").outputs[0]["contract"])
    for kind, connector in contract["connectors"].items():
        if policy := connector["configuration"].get("policy"):
            sizes[f"session policy of {kind}"] = (len(policy), SESSION_POLICY_LIMIT)
    return sizes
