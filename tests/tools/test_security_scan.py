"""`make security`: that checkov sees what the program declares, and that its word counts.

checkov reads what is declared, not what AWS makes of it; policies it judges by its own patterns only.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.components.stacks import CASES, program
from tests.recording import COMPUTED, record
from tools.security.__main__ import SCANNED
from tools.security.exceptions import FILE, Allowed, Comparison, load
from tools.security.judge import Failure, JudgeError, Verdict, install, judge, read
from tools.security.plan import UnknownTypeError, plan

Plan = dict[str, Any]

MAY_BE_EXCEPTED = {
    "CKV_AWS_144",  # replication
    "CKV_AWS_145",  # encryption of the access-log bucket
    "CKV_AWS_51",  # the tags that are written again
    "CKV_AWS_273",  # the user of access-key mode
    "CKV_AWS_40",  # and its policy
}
BUCKET = "aws_s3_bucket.mlstack-artifacts-bucket"


@pytest.fixture(scope="module")
def declared() -> dict[str, Plan]:
    return {name: plan(record(program(CASES[name])).resources) for name in SCANNED}


def without(whole: Plan, address: str) -> Plan:
    """The plan with one resource forgotten."""
    left: Plan = copy.deepcopy(whole)
    for resources in _lists(left):
        resources[:] = [resource for resource in resources if resource["address"] != address]
    return left


def with_value(whole: Plan, address: str, **values: Any) -> Plan:
    """The plan with other values in one resource."""
    changed: Plan = copy.deepcopy(whole)
    for resource in changed["planned_values"]["root_module"]["resources"]:
        if resource["address"] == address:
            resource["values"].update(values)
    for resource in changed["resource_changes"]:
        if resource["address"] == address:
            resource["change"]["after"].update(values)
    return changed


def _lists(of: Plan) -> Iterator[list[Any]]:
    yield of["planned_values"]["root_module"]["resources"]
    yield of["resource_changes"]
    yield of["configuration"]["root_module"]["resources"]


MISTAKES: dict[str, tuple[Callable[[Plan], Plan], Failure]] = {
    "a bucket open to the public": (
        lambda it: with_value(
            it, "aws_s3_bucket_public_access_block.mlstack-artifacts-public-access", block_public_acls=False
        ),
        Failure("CKV_AWS_53", "aws_s3_bucket_public_access_block.mlstack-artifacts-public-access", ""),
    ),
    "no versioning": (
        lambda it: without(it, "aws_s3_bucket_versioning.mlstack-artifacts-versioning"),
        Failure("CKV_AWS_21", BUCKET, ""),
    ),
    "no key of one's own": (
        lambda it: without(it, "aws_s3_bucket_server_side_encryption_configuration.mlstack-artifacts-encryption"),
        Failure("CKV_AWS_145", BUCKET, ""),
    ),
    "nobody is told of events": (
        lambda it: without(it, "aws_s3_bucket_notification.mlstack-artifacts-events"),
        Failure("CKV2_AWS_62", BUCKET, ""),
    ),
    "images that are not scanned": (
        lambda it: with_value(
            it, "aws_ecr_repository.mlstack-registry-repository", image_scanning_configuration=[{"scan_on_push": False}]
        ),
        Failure("CKV_AWS_163", "aws_ecr_repository.mlstack-registry-repository", ""),
    ),
    "a key that stays the same": (
        lambda it: with_value(it, "aws_kms_key.mlstack-encryption-key", enable_key_rotation=False),
        Failure("CKV_AWS_7", "aws_kms_key.mlstack-encryption-key", ""),
    ),
}


@pytest.fixture(scope="module")
def verdicts(declared: dict[str, Plan]) -> dict[str, Verdict]:
    """Of the real checkov, on what is declared and on each mistake: starting it is most of its time."""
    mistaken = {name: make(declared["as it comes"]) for name, (make, _) in MISTAKES.items()}
    return judge(install(), {**declared, **mistaken})


def test_checkov_finds_nothing_but_what_is_excepted_and_every_exception_is_needed(
    declared: dict[str, Plan], verdicts: dict[str, Verdict]
) -> None:
    compared = Comparison({name: verdicts[name] for name in declared}, load(FILE.read_text(encoding="utf-8")))
    assert compared.holds, compared.table()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_checkov_sees(mistake: str, verdicts: dict[str, Verdict]) -> None:
    expected = MISTAKES[mistake][1]
    assert (expected.id, expected.resource) in {(each.id, each.resource) for each in verdicts[mistake].failures}


@pytest.mark.parametrize("name", SCANNED)
def test_checkov_is_shown_every_resource(name: str, declared: dict[str, Plan]) -> None:
    assert len(declared[name]["resource_changes"]) == len(record(program(CASES[name])).customs)


def test_exceptions_are_about_four_things_only() -> None:
    assert {each.id for each in load(FILE.read_text(encoding="utf-8"))} <= MAY_BE_EXCEPTED


def test_the_encryption_rule_is_excepted_for_the_log_bucket_alone() -> None:
    about = {each.resource for each in load(FILE.read_text(encoding="utf-8")) if each.id == "CKV_AWS_145"}
    assert about == {"aws_s3_bucket.mlstack-access-logs-bucket"}


@pytest.mark.parametrize("left_out", ["id", "resource", "reason"])
def test_an_exception_without_any_of_its_parts_is_refused(left_out: str) -> None:
    parts = {"id": "CKV_AWS_1", "resource": "aws_s3_bucket", "reason": "why"}
    text = "[[exception]]\n" + "\n".join(f'{key} = "{value}"' for key, value in parts.items() if key != left_out)
    with pytest.raises(ValueError, match=r"exceptions\.toml.*needs an id, a resource and a reason"):
        load(text)


def test_an_exception_for_one_resource_does_not_cover_another() -> None:
    allowed = Allowed("CKV_AWS_21", "aws_s3_bucket.one", "why")
    assert allowed.covers(Failure("CKV_AWS_21", "aws_s3_bucket.one", ""))
    assert not allowed.covers(Failure("CKV_AWS_21", "aws_s3_bucket.other", ""))


def test_an_exception_that_nothing_needs_is_a_failure() -> None:
    compared = Comparison({"it": Verdict(1, ())}, (Allowed("CKV_AWS_21", "aws_s3_bucket", "why"),))
    assert not compared.holds
    assert "exceptions that nothing needs" in compared.table()


def test_a_report_on_fewer_resources_than_were_declared_is_no_verdict() -> None:
    report = {
        "summary": {"parsing_errors": 0, "resource_count": 2},
        "results": {"passed_checks": [], "failed_checks": []},
    }
    with pytest.raises(JudgeError, match="saw 2 resources, the plans have 3"):
        read(report, {"/0.json": "it"}, {"it": 3})


def test_a_type_without_a_terraform_name_stops_the_scan() -> None:
    resources = record(program()).resources
    strange = next(each for each in resources if each.custom)
    strange.type = "aws:quantum/computer:Computer"
    with pytest.raises(UnknownTypeError, match="aws:quantum/computer:Computer"):
        plan(resources)


def test_what_only_aws_knows_is_a_reference_and_not_a_value(declared: dict[str, Plan]) -> None:
    key = COMPUTED["aws:kms/key:Key"]["arn"]
    assert key not in str(declared["as it comes"]["planned_values"])
    assert "aws_kms_key.mlstack-encryption-key.arn" in str(declared["as it comes"]["configuration"])
