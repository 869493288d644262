"""What a rule cannot see yet, and a rule that is broken: an advisory line each, and the rest is judged all the same."""

import json
from collections.abc import Iterator

from pulumi_policy import Severity

from policies import s3
from policies.rule import Case, Rule, rule
from tests.policies.samples.iam import grant
from tests.policies.samples.s3 import BUCKET, setting
from tests.policies.samples.sample import policy
from tests.policies.shown import BY_NAME, UNKNOWN, Given, judge


def made(*, whole_stack: bool) -> Rule:
    @rule(
        name="broken",
        refuses="Nothing",
        severity=Severity.LOW,
        remedy="None",
        url="https://example.org",
        whole_stack=whole_stack,
    )
    def broken(case: Case) -> Iterator[str]:
        yield "found before it broke"
        raise KeyError(case.resource.name)

    return broken


def test_a_rule_that_raises_is_named_with_its_error_and_keeps_what_it_found() -> None:
    for whole_stack in (False, True):
        verdict = judge(made(whole_stack=whole_stack), [BUCKET])
        assert verdict.found == ("bucket: found before it broke. None",)
        assert verdict.not_checked is not None
        assert "rule broken itself failed with KeyError: 'bucket' (test_wall.py:" in verdict.not_checked


def test_an_unknown_value_is_named_with_its_resource() -> None:
    verdict = judge(BY_NAME["iam-no-such-action"], [Given("aws:iam/rolePolicy:RolePolicy", {"policy": UNKNOWN})])
    assert verdict.not_checked == "it could not be checked before the deployment, because policy is not known yet"
    verdict = judge(
        BY_NAME["codebuild-unpinned-image"],
        [Given("aws:codebuild/project:Project", {"environment": {"image": UNKNOWN}})],
    )
    assert "because environment.image is not known yet" in str(verdict.not_checked)


def test_one_bucket_that_cannot_be_seen_hides_nothing_of_the_others() -> None:
    other = Given(s3.BUCKET, {"bucket": "other"}, name="other")
    verdict = judge(BY_NAME["s3-plain-http"], [BUCKET, setting(s3.POLICY, policy=UNKNOWN), other])
    assert [message.split(":")[0] for message in verdict.found] == ["other"]
    assert verdict.not_checked == "bucket could not be checked before the deployment, because policy is not known yet"


def test_a_setting_of_nobody_knows_which_bucket_is_not_taken_for_a_missing_one() -> None:
    somewhere = Given(s3.VERSIONING, {"bucket": UNKNOWN}, name="versioning")
    verdict = judge(BY_NAME["s3-without-versions"], [BUCKET, somewhere])
    assert verdict.found == ()
    assert "bucket of versioning is not known before the deployment" in str(verdict.not_checked)


def test_an_action_of_a_service_outside_the_catalogue_is_not_called_non_existent() -> None:
    verdict = judge(BY_NAME["iam-no-such-action"], [grant(["braket:GetJob", "s3:GetObjekt"])])
    assert len(verdict.found) == 1
    assert "the actions of braket are not known to the catalogue" in str(verdict.not_checked)


def test_a_policy_that_is_no_json_is_not_called_good() -> None:
    verdict = judge(BY_NAME["iam-full-administration"], [Given("aws:iam/policy:Policy", {"policy": "{"})])
    assert verdict.not_checked == "it could not be checked: it.policy is not JSON"


def test_a_bucket_policy_that_our_evaluator_does_not_understand_is_not_called_good() -> None:
    strange = policy({"Effect": "Deny", "Principal": {"CanonicalUser": "x"}, "Action": "s3:*", "Resource": "*"})
    verdict = judge(BY_NAME["s3-plain-http"], [BUCKET, setting(s3.POLICY, policy=strange)])
    assert "its policy is not understood" in str(verdict.not_checked)


def test_a_policy_given_as_an_object_is_read_like_its_text() -> None:
    document = json.loads(policy({"Action": "*", "Resource": "*"}))
    verdict = judge(BY_NAME["iam-full-administration"], [Given("aws:iam/policy:Policy", {"policy": document})])
    assert len(verdict.found) == 1


def test_a_policy_variable_hides_no_wide_grant() -> None:
    verdict = judge(BY_NAME["iam-assume-role-on-everything"], [grant("sts:AssumeRole", ["*", "arn:${aws:username}"])])
    assert len(verdict.found) == 1


def test_outputs_that_are_not_known_yet_are_named() -> None:
    stack = Given("pulumi:pulumi:Stack", {"plain": "x", "later": UNKNOWN, "deep": {"too": [UNKNOWN]}})
    verdict = judge(BY_NAME["stack-secret-in-output"], [stack])
    assert verdict.not_checked == "it could not be checked: later, deep.too[0] cannot be known before the deployment"
