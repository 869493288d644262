"""What the two sides hold of a schedule, and which one a name means."""

import pytest

from mlstack.errors import MLStackError
from mlstack.schedules.schedule import Schedule, State, aws_schedule, chosen


def _schedule(id_: str, name: str, *, in_zenml: bool = True, aws_state: str | None = "ENABLED") -> Schedule:
    return Schedule(id_, name, "reports", "cron(0 3 * * ? *)", "default", f"reports-{id_}", in_zenml, aws_state)


def test_group_and_name_in_aws_are_those_of_the_link_that_zenml_keeps() -> None:
    url = "https://eu-west-1.console.aws.amazon.com/scheduler/home?region=eu-west-1#schedules/default/reports-1f"
    assert aws_schedule(url) == ("default", "reports-1f")
    assert aws_schedule("") == (None, None), "a schedule of another orchestrator"


@pytest.mark.parametrize(
    ("in_zenml", "aws_state", "state"),
    [
        (True, "ENABLED", "active"),
        (True, "DISABLED", "paused"),
        (True, None, "only in ZenML"),
        (False, "ENABLED", "only in AWS"),
        (False, None, "removed"),
    ],
)
def test_what_only_one_side_knows_is_said(in_zenml: bool, aws_state: str | None, state: State) -> None:
    assert _schedule("1", "nightly", in_zenml=in_zenml, aws_state=aws_state).state == state


def test_a_schedule_is_meant_by_its_name_its_name_in_aws_or_its_id() -> None:
    both = (_schedule("1", "nightly"), _schedule("2", "weekly"))
    assert {chosen(name, both).id for name in ("2", "weekly", "reports-2")} == {"2"}


def test_a_name_that_is_none_or_not_one_alone_is_refused_with_the_way_out() -> None:
    both = (_schedule("1", "nightly"), _schedule("2", "nightly"))
    with pytest.raises(MLStackError, match="2 schedules are called 'nightly'\n  name one by its id: 1, 2"):
        chosen("nightly", both)
    with pytest.raises(MLStackError, match="no schedule 'nigthly': did you mean nightly"):
        chosen("nigthly", both)
