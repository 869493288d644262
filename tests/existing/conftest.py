"""An AWS emulator of its own, which answers wherever boto3 asks."""

from collections.abc import Iterator
from functools import cache
from itertools import count

import pytest

from tests.existing.owner import Client, Owner
from tests.local.conftest import RunningEmulator, start_emulator, stop_emulator

_numbers = count(1)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    running = start_emulator(tmp_path_factory.mktemp("emulator"))
    yield running
    stop_emulator(running)


@pytest.fixture(autouse=True)
def here(aws: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(scope="session")
def clients(aws: RunningEmulator) -> Client:
    return cache(aws.client)


@pytest.fixture
def owner(clients: Client) -> Owner:
    """With resources of their own, made anew for each test."""
    return Owner(clients, f"company{next(_numbers)}").make()


@pytest.fixture
def another(clients: Client) -> Owner:
    return Owner(clients, f"company{next(_numbers)}").make()
