"""What the whole suite shares."""

import sys
from collections.abc import Iterator

import pytest

from mlstack.local.cloud import Cloud
from mlstack.local.engine import Engine, find_engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The Pulumi engine; built once per user cache when it cannot be had otherwise."""
    return find_engine(lambda text: print(text, file=sys.stderr))


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One embedded cloud for all that deploys or registers."""
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "state")
    cloud.start(lambda _: None)
    yield cloud
    cloud.stop(lambda _: None)
