from pathlib import Path

import pytest

from tests.tools.github.fake import Gh


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gh:
    return Gh(tmp_path, monkeypatch)
