"""What the whole suite shares."""

import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from mlstack.local.cloud import Cloud
from mlstack.local.engine import Engine, find_engine
from tools.calls.embedded import start_watched

# Several workers share the processors: how long an example took says nothing about what it shows.
hypothesis.settings.register_profile("suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The Pulumi engine; built once per user cache when it cannot be had otherwise."""
    return find_engine(lambda text: print(text, file=sys.stderr))


@pytest.fixture(scope="session")
def aws_calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the ZenML server of `shared_cloud`, and whoever is told to, writes its AWS calls."""
    file = tmp_path_factory.mktemp("calls") / "calls.jsonl"
    file.touch()
    return file


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory, aws_calls: Path) -> Iterator[Cloud]:
    """One embedded cloud for all that deploys or registers."""
    cloud = Cloud(tmp_path_factory.mktemp("cloud") / "state")
    start_watched(cloud, aws_calls, lambda _: None)
    yield cloud
    cloud.stop(lambda _: None)
