"""What `make demo` says of a machine that lacks something; the whole of it is in tests/end_to_end/."""

from pathlib import Path

import pytest

from mlstack.errors import MLStackError
from mlstack.local import demo
from mlstack.local.cloud import Cloud


def test_what_builds_images_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "buildah").write_text("#!/bin/sh\n")
    (tmp_path / "buildah").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MLStackError, match="and there is no docker-registry here") as missing:
        demo._builders_clients(Cloud(tmp_path))
    assert missing.value.hint == "apt-get install docker-registry, then again"
