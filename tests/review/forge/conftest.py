from collections.abc import Iterator

import pytest

from tests.review.forge.stand_in import FACES, StandIn, serving


@pytest.fixture(params=FACES)
def forge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Each forge in turn."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(request.param) as stand_in:
        yield stand_in
