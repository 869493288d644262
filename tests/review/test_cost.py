"""What a change adds to the bill, as far as it is known."""

from pathlib import Path
from typing import Any

import yaml

from mlstack.review.charges import CHARGES
from mlstack.review.cost import cost, prices
from mlstack.review.model import Change

ROOT = Path(__file__).parents[2]


def change(type_: str, *, operation: str = "create", old: Any = None, new: Any = None) -> Change:
    old, new = old or {}, new or {}
    return Change(operation=operation, urn=f"u::{type_}", type=type_, name="it", component="C", old=old, new=new)


KEY, ENDPOINT = "aws:kms/key:Key", "aws:ec2/vpcEndpoint:VpcEndpoint"


def test_a_key_that_comes_and_one_that_goes() -> None:
    (comes,) = cost([change(KEY, new={"policy": "{}"})], "us-east-1")
    (goes,) = cost([change(KEY, operation="delete", old={"policy": "{}"})], "us-east-1")
    assert (comes.monthly, goes.monthly) == (1.0, -1.0)


def test_an_interface_endpoint_is_charged_in_each_subnet_and_a_gateway_not_at_all() -> None:
    one = {"vpcEndpointType": "Interface", "subnetIds": ["a"]}
    (line,) = cost(
        [change(ENDPOINT, operation="update", old=one, new={**one, "subnetIds": ["a", "b", "c"]})], "us-east-1"
    )
    assert line.monthly == 14.6
    assert cost([change(ENDPOINT, new={"vpcEndpointType": "Gateway"})], "us-east-1") == ()


def test_what_depends_on_use_has_its_unit_price_and_no_sum() -> None:
    (line,) = cost([change("aws:s3/bucket:Bucket", new={"bucket": "b"})], "us-east-1")
    assert line.monthly is None
    assert line.said == "0.023 for each GB a month"


def test_a_pull_through_cache_costs_what_is_kept_because_of_it() -> None:
    rule = change("aws:ecr/pullThroughCacheRule:PullThroughCacheRule", new={"ecrRepositoryPrefix": "a"})
    template = change("aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate", new={"prefix": "a"})
    (line,) = cost([template, rule], "us-east-1")
    assert (line.monthly, line.said) == (None, "0.10 for each GB a month")


def test_what_is_not_known_is_not_priced_and_never_nothing() -> None:
    (elsewhere,) = cost([change(KEY, new={"policy": "{}"})], "eu-north-1")
    (unknown,) = cost([change("aws:sagemaker/endpoint:Endpoint", new={"name": "e"})], "us-east-1")
    assert elsewhere.said == "not priced for eu-north-1"
    assert unknown.said == "not priced for us-east-1"
    assert elsewhere.monthly is None


def test_what_costs_nothing_has_no_line() -> None:
    assert cost([change("aws:iam/role:Role", new={"name": "r"})], "us-east-1") == ()


def test_what_goes_says_what_it_no_longer_costs() -> None:
    (line,) = cost([change("aws:s3/bucket:Bucket", operation="delete", old={"bucket": "b"})], "us-east-1")
    assert line.said == "no longer 0.023 for each GB a month"


def test_the_region_that_the_program_comes_with_is_priced() -> None:
    region = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]["aws:region"]
    table = prices().regions[region if isinstance(region, str) else region["value"]].prices
    standing = {charge.key for several in CHARGES.values() for charge in several if charge.months}
    assert standing <= set(table)


def test_prices_have_a_date_and_a_source() -> None:
    for table in prices().regions.values():
        assert table.recorded
        assert table.source.startswith("https://")
        assert set(table.prices) <= {charge.key for several in CHARGES.values() for charge in several}
