"""What must not work does not, in any stack, and not merely because nothing does."""

import pytest

from tests.components.stacks import CASES
from tests.least_privilege.asking import Asking
from tests.least_privilege.forbidden import FORBIDDEN
from tests.least_privilege.granted import granted


@pytest.mark.parametrize("sentence", FORBIDDEN)
def test_it_never_happens_that(sentence: str) -> None:
    case = FORBIDDEN[sentence]
    stacks = {name: stack for name in CASES if case.refused.made_in((stack := granted(name)).parts)}
    assert stacks, "no stack has what this is about"
    for name, stack in stacks.items():
        asking = Asking(stack)
        works = asking.allowed(case.works)
        assert works.allowed, f"{name}: the call beside it is refused too, so this proves nothing: {works.why}"
        refused = asking.allowed(case.refused)
        assert not refused.allowed, f"{name}: {sentence}: {refused.why}"
