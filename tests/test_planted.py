"""The search itself: what it does not find would pass unseen."""

import base64
import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from tests.planted import found_below, found_in, watched_command_lines

SECRET = "planted/secret+value 1"


@pytest.mark.parametrize(
    "text",
    [
        f"key: {SECRET}\n",
        "?key=planted%2Fsecret%2Bvalue%201&",
        *(base64.b64encode(f"{before}{SECRET}: and more".encode()).decode() for before in ("", "x", "xy")),
    ],
)
def test_a_secret_is_found_in_each_of_its_forms(text: str) -> None:
    assert found_in(text.encode(), [SECRET, "another"]) == [SECRET]


def test_it_is_found_in_a_folder_and_in_a_packed_file(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "plain.json").write_text(f'"{SECRET}"')
    (tmp_path / "packed.gz").write_bytes(gzip.compress(SECRET.encode()))
    (tmp_path / "clean").write_text("nothing")
    assert found_below(tmp_path, [SECRET]) == {"state/plain.json": [SECRET], "packed.gz": [SECRET]}


def test_it_is_found_on_a_command_line() -> None:
    with watched_command_lines() as seen:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)", SECRET], check=True)
    assert any(SECRET in line for line in seen)
