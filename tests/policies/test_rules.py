"""Each rule before samples that it must refuse and samples that it must let pass."""

from collections import Counter
from types import ModuleType

import pytest
from pulumi_policy import Severity

from policies import pack
from policies.rule import Rule
from tests.policies.samples import SAMPLES
from tests.policies.samples.sample import Sample
from tests.policies.shown import BY_NAME, judge


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.rule}: {sample.title}")
def test_a_rule_refuses_what_it_is_for_and_nothing_else(sample: Sample) -> None:
    verdict = judge(BY_NAME[sample.rule], sample.stack, sample.config)
    assert verdict.not_checked is None
    if sample.says is None:
        assert verdict.found == ()
    else:
        assert len(verdict.found) >= 1, "nothing was found"
        assert any(sample.says in message for message in verdict.found), verdict.found


@pytest.mark.parametrize("rule", pack.RULES, ids=lambda rule: rule.name)
def test_every_rule_has_samples_of_both_kinds(rule: Rule) -> None:
    kinds = Counter(sample.says is None for sample in SAMPLES if sample.rule == rule.name)
    assert kinds[False], "no sample that it refuses"
    assert kinds[True], "no sample that it lets pass"


@pytest.mark.parametrize("rule", pack.RULES, ids=lambda rule: rule.name)
def test_every_rule_says_what_it_refuses_how_bad_that_is_and_what_to_do(rule: Rule) -> None:
    assert rule.severity in Severity
    assert len(rule.refuses.split()) >= 6
    assert len(rule.remedy.split()) >= 3
    for text in (rule.refuses, rule.remedy):
        assert not text.endswith("."), "findings put the sentences together"
    assert rule.url.startswith("https://")
    policy = rule.policy()
    assert policy.severity and policy.description and policy.remediation_steps and policy.url and policy.framework


def test_a_control_of_aws_is_named_where_it_can_be_looked_up() -> None:
    for rule in pack.RULES:
        if rule.control:
            assert "docs.aws.amazon.com/securityhub" in rule.url, rule.name
            anchors = {each.strip().lower().replace(".", "-") for each in rule.control.split(",")}
            assert rule.url.rsplit("#", 1)[1] in anchors, rule.name


def test_no_rule_is_left_out_of_the_pack() -> None:
    modules = [value for value in vars(pack).values() if isinstance(value, ModuleType)]
    written = {rule.name for module in modules for rule in vars(module).values() if isinstance(rule, Rule)}
    assert written == {rule.name for rule in pack.RULES}
    assert len(BY_NAME) == len(pack.RULES), "two rules of one name"
