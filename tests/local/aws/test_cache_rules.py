"""ECR's pull-through cache rules and repository templates on the running emulator, through its API."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlstack.local.aws.pull_through import _stand_ins
from tests.local.conftest import RunningEmulator

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/hub-a1b2c3"


@pytest.fixture
def ecr(emulator: RunningEmulator) -> Any:
    return emulator.client("ecr")


@pytest.fixture
def prefix() -> str:
    return f"p{uuid.uuid4().hex[:10]}.hub"


def code(raised: "pytest.ExceptionInfo[ClientError]") -> str:
    return str(raised.value.response["Error"]["Code"])


def test_a_rule_is_made_listed_changed_and_deleted(ecr: Any, prefix: str) -> None:
    made = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix=prefix, upstreamRegistryUrl="registry-1.docker.io", credentialArn=SECRET
    )
    assert (made["upstreamRegistry"], made["registryId"]) == ("docker-hub", "123456789012")
    ecr.update_pull_through_cache_rule(ecrRepositoryPrefix=prefix, credentialArn=f"{SECRET}x")
    (found,) = ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[prefix])["pullThroughCacheRules"]
    assert found["credentialArn"] == f"{SECRET}x"
    assert prefix in [each["ecrRepositoryPrefix"] for each in _all(ecr)]
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=prefix)
    assert prefix not in [each["ecrRepositoryPrefix"] for each in _all(ecr)]
    with pytest.raises(ClientError) as raised:
        ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[prefix])
    assert code(raised) == "PullThroughCacheRuleNotFoundException"


def _all(ecr: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]
    return found


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"ecrRepositoryPrefix": "x" * 31}, "InvalidParameterException"),
        ({"ecrRepositoryPrefix": "Upper"}, "InvalidParameterException"),
        ({"ecrRepositoryPrefix": "ends-in-a-slash/"}, "InvalidParameterException"),
        ({"upstreamRegistryUrl": "registry.example.com"}, "UnsupportedUpstreamRegistryException"),
        ({"upstreamRegistryUrl": "registry-1.docker.io"}, "InvalidParameterException"),
        ({"credentialArn": SECRET.replace("ecr-pullthroughcache/", "mine/")}, "InvalidParameterException"),
    ],
)
def test_what_aws_refuses_of_a_rule_is_refused(ecr: Any, prefix: str, change: dict[str, str], refused: str) -> None:
    with pytest.raises(ClientError) as raised:
        ecr.create_pull_through_cache_rule(
            **{"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": "public.ecr.aws", **change}
        )
    assert code(raised) == refused


def test_a_prefix_has_one_rule_and_one_template(ecr: Any, prefix: str) -> None:
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="public.ecr.aws")
    with pytest.raises(ClientError) as raised:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")
    assert code(raised) == "PullThroughCacheRuleAlreadyExistsException"
    ecr.create_repository_creation_template(prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"])
    with pytest.raises(ClientError) as raised:
        ecr.create_repository_creation_template(prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"])
    assert code(raised) == "TemplateAlreadyExistsException"


def test_a_template_with_a_key_or_tags_wants_a_role_of_its_own(ecr: Any, prefix: str) -> None:
    for more in (
        {"encryptionConfiguration": {"encryptionType": "KMS"}},
        {"resourceTags": [{"Key": "team", "Value": "ml"}]},
    ):
        with pytest.raises(ClientError) as raised:
            ecr.create_repository_creation_template(prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"], **more)
        assert code(raised) == "InvalidParameterException"


def test_only_a_registry_on_loopback_stands_in_for_an_upstream() -> None:
    assert _stand_ins("public.ecr.aws=127.0.0.1:5000 quay.io=localhost:1") == {
        "public.ecr.aws": "127.0.0.1:5000",
        "quay.io": "localhost:1",
    }
    with pytest.raises(ValueError, match=r"on 127\.0\.0\.1"):
        _stand_ins("public.ecr.aws=public.ecr.aws")
