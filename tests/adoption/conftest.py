"""The emulator as the account of whoever adopts."""

import pytest

from mlstack.local.cloud import Cloud


@pytest.fixture
def aws(shared_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in shared_cloud.aws_environment().items():
        monkeypatch.setenv(name, value)
    return shared_cloud
