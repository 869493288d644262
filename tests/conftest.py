"""What the whole suite shares."""

import sys

import pytest

from mlstack.local.engine import Engine, find_engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The Pulumi engine; built once per user cache when it cannot be had otherwise."""
    return find_engine(lambda text: print(text, file=sys.stderr))
