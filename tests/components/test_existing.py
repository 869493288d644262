"""Mixed stacks: whatever is there already is used by its name, in every pair of choices, and never declared.

What AWS says to a combination is not asked here; that existing resources suffice is `tests/existing`.
"""

import json
from functools import cache
from typing import Any

import pytest

from components.configuration import load
from components.problems import SettingsError
from mlstack.contract import MLStackOutputs
from mlstack.iam.policy import Decision, Policy, Request
from tests.components.pairwise import Combination, pairwise
from tests.components.stacks import EXISTING_KEY, MINIMAL, PRINCIPAL, program
from tests.recording import Recording, record

_ROLE = "arn:aws:iam::123456789012:role/ml/company-{}"
_VPC = {
    "mode": "existing",
    "vpcId": "vpc-0123456789abcdef0",
    "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
}
_PURPOSES = {
    "access": "access",
    "execution": "sagemaker",
    "scheduler": "scheduler",
    "build": "codebuild",
    "flowLogs": "flow-logs",
}

CHOICES: dict[str, dict[str, dict[str, Any]]] = {
    "bucket": {
        "create": {},
        "create with prefix": {"artifactStore": {"prefix": "teams/vision"}},
        "existing": {"artifactStore": {"mode": "existing", "bucket": "company-ml"}},
        "existing with prefix": {
            "artifactStore": {"mode": "existing", "bucket": "company-ml", "prefix": "teams/vision"}
        },
    },
    "access logs": {
        "off": {"accessLogs": {"mode": "off"}},
        "create": {"accessLogs": {"mode": "create"}},
        "existing": {"accessLogs": {"mode": "existing", "bucket": "company-logs"}},
    },
    "repository": {"create": {}, "existing": {"repository": {"mode": "existing", "name": "company/images"}}},
    "key": {
        "create": {},
        "existing": {"encryption": {"mode": "existing", "keyArn": EXISTING_KEY}},
        "of AWS": {"encryption": {"mode": "aws-managed"}},
    },
    "project": {"create": {}, "existing": {"buildProject": {"mode": "existing", "name": "company-builder"}}},
    "network": {
        "public": {},
        "isolated": {"network": {"mode": "isolated"}},
        "existing": {"network": {**_VPC, "securityGroupIds": ["sg-0123456789abcdef0"]}},
        "existing, group created": {"network": _VPC},
    },
    "server": {"in AWS": {}, "outside": {"connector": {"auth": "iam-role"}}},
    **{
        f"role {purpose}": {
            "create": {},
            "existing": {"roles": {purpose: {"mode": "existing", "arn": _ROLE.format(purpose)}}},
        }
        for purpose in _PURPOSES
    },
}


def _config(combination: Combination) -> dict[str, str]:
    settings: dict[str, Any] = {}
    for part, choice in combination.items():
        for key, value in CHOICES[part][choice].items():
            settings[key] = {**settings.get(key, {}), **value}
    return {f"mlstack:{key}": json.dumps(value) for key, value in settings.items()}


@cache
def _recorded(number: int, *, preview: bool = False) -> Recording:
    return record(program(_config(STACKS[number])), preview=preview)


def _allowed(combination: Combination) -> bool:
    try:
        load({**MINIMAL, **_config(combination)}, project="mlstack", environment="dev")
    except SettingsError:
        return False
    return True


STACKS = pairwise({part: list(choices) for part, choices in CHOICES.items()}, _allowed)
every_stack = pytest.mark.parametrize("stack", STACKS, ids=lambda each: f"{STACKS.index(each)}")


def test_every_two_choices_meet_unless_their_settings_exclude_each_other() -> None:
    met = {
        frozenset(((one, stack[one]), (other, stack[other]))) for stack in STACKS for one in stack for other in stack
    }
    excluded = []
    for one in CHOICES:
        for other in list(CHOICES)[list(CHOICES).index(one) + 1 :]:
            for pair in ((a, b) for a in CHOICES[one] for b in CHOICES[other]):
                if frozenset(((one, pair[0]), (other, pair[1]))) not in met:
                    excluded.append((one, pair[0], other, pair[1]))
    existing = ("existing", "existing with prefix")
    assert set(excluded) == {
        *(("bucket", bucket, "access logs", logs) for bucket in existing for logs in ("create", "existing")),
        ("project", "existing", "role build", "create"),
        *(("network", network, "role flowLogs", "existing") for network in CHOICES["network"] if network != "isolated"),
    }
    assert len(STACKS) < 40


@every_stack
def test_a_mixed_stack_declares_nothing_for_what_is_there(stack: Combination) -> None:
    recording = _recorded(STACKS.index(stack))
    made = {resource.type.rsplit(":", 1)[1] for resource in recording.customs}
    buckets = {r.inputs["bucket"] for r in recording.customs if r.type.endswith(":Bucket")}
    own = "mlstack-dev-123456789012-eu-west-1"
    assert (own in buckets) == stack["bucket"].startswith("create")
    assert any("logs" in bucket for bucket in buckets) == (stack["access logs"] == "create")
    assert ("Repository" in made) == (stack["repository"] == "create")
    assert ("Key" in made) == (stack["key"] == "create")
    assert ("Project" in made) == (stack["project"] == "create")
    assert ("Vpc" in made) == (stack["network"] == "isolated")
    assert ("SecurityGroup" in made) == (stack["network"] in ("isolated", "existing, group created"))
    roles = {r.inputs["name"].removeprefix("mlstack-dev-eu-west-1-") for r in recording.customs if _is_role(r.type)}
    wanted = {purpose for purpose in _PURPOSES if stack[f"role {purpose}"] == "create"}
    wanted -= {"flowLogs"} if stack["network"] != "isolated" else set()
    wanted -= {"build"} if stack["project"] == "existing" else set()
    assert roles == {_PURPOSES[purpose] for purpose in wanted}
    assert "company" not in json.dumps([r.inputs.get(key) for r in recording.customs for key in ("name", "bucket")])


@every_stack
def test_a_mixed_stack_speaks_of_what_is_there_by_its_name_and_of_nothing_in_its_place(stack: Combination) -> None:
    recording = _recorded(STACKS.index(stack))
    contract = MLStackOutputs.parse(recording.of("MLStack").outputs[0]["contract"], origin="the recording")
    policies = json.dumps([r.inputs.get("policy") for r in recording.customs if r.type.endswith("Policy")])
    said = policies + contract.as_json()
    own = {
        "bucket": ("mlstack-dev-123456789012-eu-west-1", "company-ml"),
        "repository": ("repository/mlstack-dev", "company/images"),
        "project": ("mlstack-dev-image-builder", "company-builder"),
        **{f"role {each}": (f"eu-west-1-{_PURPOSES[each]}", f"ml/company-{each}") for each in ("access", "execution")},
    }
    for part, (ours, theirs) in own.items():
        existing = stack[part].startswith("existing")
        assert (theirs in said) == existing, f"{part} is {stack[part]}"
        # The log group of an own build project and alike are named after the stack, so only the whole name counts.
        assert not (existing and ours in said), f"{part} exists, and {ours} is spoken of"
    prefix = "/teams/vision" if "prefix" in stack["bucket"] else ""
    bucket = "company-ml" if stack["bucket"].startswith("existing") else "mlstack-dev-123456789012-eu-west-1"
    assert contract.components["artifact_store"].configuration["path"] == f"s3://{bucket}{prefix}"
    output = f"s3://{bucket}{prefix}/sagemaker"
    assert contract.components["orchestrator"].configuration["output_data_s3_uri"] == output


@every_stack
def test_a_mixed_stack_is_previewed_as_it_is_made(stack: Combination) -> None:
    previewed = {resource.urn for resource in _recorded(STACKS.index(stack), preview=True).resources}
    assert previewed == {resource.urn for resource in _recorded(STACKS.index(stack)).resources}


def test_no_right_on_objects_reaches_beyond_the_prefix() -> None:
    recording = record(program(_config({"bucket": "existing with prefix"})))
    checked = 0
    for text in _policies(recording):
        for statement in json.loads(text)["Statement"]:
            resources = statement.get("Resource", [])
            for resource in [resources] if isinstance(resources, str) else resources:
                if resource.startswith("arn:aws:s3:::company-ml/"):
                    assert resource.startswith("arn:aws:s3:::company-ml/teams/vision/"), statement["Sid"]
                    checked += 1
    assert checked >= 4, "access role, its connector, execution role, build role"
    source = recording.of("aws:codebuild/project:Project").inputs["source"]["location"]
    assert source == "company-ml/teams/vision/code-build-contexts/"


@pytest.mark.parametrize("role", ["access", "execution"])
def test_listings_end_at_the_prefix_and_the_bucket_itself_can_still_be_asked_for(role: str) -> None:
    recording = record(program(_config({"bucket": "existing with prefix"})))
    policy = Policy.parse(recording.named(f"mlstack-{role}-permissions").inputs["policy"])

    def may_list(**context: str) -> bool:
        asked = {f"s3:{key}": value for key, value in context.items()}
        request = Request(action="s3:ListBucket", resource="arn:aws:s3:::company-ml", context=asked)
        return policy.decide(request).decision is Decision.ALLOW

    assert may_list(prefix="teams/vision/step/")
    assert may_list(prefix="teams/vision")
    assert may_list(), "HeadBucket"
    assert not may_list(prefix="teams/visionaries/")
    assert not may_list(prefix="")


def test_a_group_that_is_made_in_an_existing_network_lets_https_out_and_nothing_in() -> None:
    recording = record(program(_config({"network": "existing, group created"})))
    group = recording.of("aws:ec2/securityGroup:SecurityGroup").inputs
    assert group["vpcId"] == _VPC["vpcId"]
    rules = [r for r in recording.customs if "Rule" in r.type]
    assert [(r.type.rsplit(":", 1)[1], r.inputs["fromPort"], r.inputs["toPort"]) for r in rules] == [
        ("SecurityGroupEgressRule", 443, 443)
    ]


def test_a_group_that_is_made_is_known_by_its_tags_and_named_subnets_by_their_ids() -> None:
    recording = record(program(_config({"network": "existing, group created"})))
    policy = json.loads(recording.named("mlstack-execution-permissions").inputs["policy"])
    by_sid = {each["Sid"]: each for each in policy["Statement"]}
    assert by_sid["InterfacesWhere"]["Resource"] == [
        f"arn:aws:ec2:eu-west-1:123456789012:subnet/{each}" for each in _VPC["subnetIds"]
    ]
    assert "Condition" not in by_sid["InterfacesWhere"]
    assert by_sid["InterfacesGroup"]["Condition"]["StringEquals"]["aws:ResourceTag/mlstack:environment"] == "dev"


def test_the_user_of_a_server_outside_aws_may_assume_the_existing_access_role() -> None:
    recording = record(program(_config({"server": "outside", "role access": "existing"})))
    policy = json.loads(recording.of("aws:iam/userPolicy:UserPolicy").inputs["policy"])
    assert policy["Statement"][0]["Resource"] == _ROLE.format("access")
    assert PRINCIPAL not in json.dumps(policy)


def _policies(recording: Recording) -> list[str]:
    contract = MLStackOutputs.parse(recording.of("MLStack").outputs[0]["contract"], origin="the recording")
    sessions = [connector.configuration.get("policy") for connector in contract.connectors.values()]
    return [r.inputs["policy"] for r in recording.customs if r.type.endswith(":RolePolicy")] + [
        s for s in sessions if s
    ]


def _is_role(type_: str) -> bool:
    return type_ == "aws:iam/role:Role"
