"""Whatever ZenML and AWS really call, each policy that has a say lets through.

This does not prove that AWS decides as our evaluator does, nor that the documented lists are complete.
"""

import time

import pytest

from tests.components.stacks import CASES
from tests.least_privilege.asking import Asking
from tests.least_privilege.calls import must_work, recorded
from tests.least_privilege.granted import granted


@pytest.mark.parametrize("case", CASES)
def test_every_recorded_and_documented_call_is_allowed(case: str) -> None:
    stack = granted(case)
    asking = Asking(stack)
    made = [call for call in must_work() if call.made_in(stack.parts)]
    answers = [(call, asking.allowed(call)) for call in made]
    refused = [f"{call.operation} by {call.who}: {answer.why}" for call, answer in answers if not answer.allowed]
    assert not refused, "\n".join(refused)


def test_nothing_was_called_with_the_credentials_of_a_process() -> None:
    """A step works with ZenML's connectors alone: the execution role needs no right on artifacts."""
    assert {call.who for call in recorded()} <= {"server", "access/s3", "access/ecr", "access/aws"}


def test_all_roles_and_all_calls_take_less_than_two_seconds() -> None:
    stacks = [granted(case) for case in CASES]
    calls = must_work()
    begun = time.process_time()
    asked = 0
    for stack in stacks:
        asking = Asking(stack)
        for call in calls:
            if call.made_in(stack.parts):
                asking.allowed(call)
                asked += 1
    seconds = time.process_time() - begun
    print(f"{asked} calls of {len(stacks)} stacks in {seconds:.2f} s")
    assert seconds < 2.0, f"{asked} calls of {len(stacks)} stacks took {seconds:.2f} s"
