"""The two lists of calls are what they say: from real runs, with sources, and without anything stale."""

import re

from tests.components.stacks import CASES
from tests.least_privilege.calls import RECORDED, documented, must_work, recorded
from tests.least_privilege.forbidden import FORBIDDEN
from tests.least_privilege.granted import granted
from tests.least_privilege.operations import OPERATIONS, PAGES
from tools.calls.normal import read

FLOWS = {
    "registration",
    "pipeline",
    "schedule",
    "step operator",
    "dynamic pipeline",
    "image build",
    "registry log-in",
    "large artifact",
    "clean-up",
}


def test_every_kind_of_run_was_recorded_in_client_server_and_steps() -> None:
    records = read(RECORDED)
    assert {flow for record in records for flow in record["during"]} == FLOWS
    assert {place for record in records for place in record["at"]} == {"client", "server", "step"}


def test_both_botocore_and_aiobotocore_were_heard() -> None:
    """s3fs speaks through the one, everything else through the other."""
    made = {call.operation for call in recorded()}
    assert {"s3:UploadPart", "s3:HeadObject"} <= made, "no call of s3fs"
    assert {"sagemaker:CreatePipeline", "scheduler:CreateSchedule", "codebuild:StartBuild"} <= made


def test_what_was_recorded_names_no_account_no_region_and_no_run() -> None:
    text = RECORDED.read_text(encoding="utf-8")
    assert not re.findall(r"\d{12}|eu-west-1|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{32}|AKIA|ASIA|arn:aws:", text)


def test_every_documented_call_has_a_source_that_can_be_looked_up() -> None:
    for call in documented():
        assert re.match(r"https://docs\.aws\.amazon\.com/|(zenml|sagemaker|s3fs|mlstack)/\S+\.py", call.source), call


def test_every_call_is_made_in_some_stack() -> None:
    parts = [granted(case).parts for case in CASES]
    for call in must_work():
        assert any(call.made_in(each) for each in parts), f"{call} is made in no stack of CASES"


def test_no_operation_is_left_over_and_each_service_has_its_page() -> None:
    used = {call.operation for call in must_work()}
    used |= {call.operation for each in FORBIDDEN.values() for call in (each.works, each.refused)}
    assert used == set(OPERATIONS)
    assert {operation.partition(":")[0] for operation in OPERATIONS} <= set(PAGES)
