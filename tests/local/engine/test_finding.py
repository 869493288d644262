"""Getting the engine, with small programs standing for `pulumi` and `go`; test_real.py has the real ones."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from mlstack.local.engine import MINIMUM, EngineError, cache, find_engine, go_modules, release

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a directory for programs of the test and the system's own, a cache of its own, and no internet."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(release, "_INSTALLER", "http://127.0.0.1:9/install.sh")
    monkeypatch.setattr(go_modules, "_DISK", 0)
    return programs


def program(directory: Path, name: str, body: str) -> Path:
    file = directory / name
    file.write_text(f"#!/bin/sh\n{textwrap.dedent(body)}", encoding="utf-8")
    file.chmod(0o755)
    return file


def go(directory: Path, build: str = "", version: str = "go1.26.0") -> Path:
    """Answers like go, and builds a program that answers like Pulumi."""
    sdk = directory.parent / "sdk" / "python"
    for name in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
        (sdk / name).parent.mkdir(parents=True, exist_ok=True)
        (sdk / name).write_text("#!/bin/sh\n", encoding="utf-8")
    return program(
        directory,
        "go",
        f"""
        case "$1" in
        env) echo {version} ;;
        list) echo {sdk.parent} ;;
        build)
            echo built >> {directory.parent}/builds
            {build or ":"}
            while [ "$1" != -o ]; do shift; done
            printf '#!/bin/sh\\necho v3.259.0\\n' > "$2"; chmod +x "$2" ;;
        esac
        """,
    )


def builds(directory: Path) -> int:
    file = directory.parent / "builds"
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_an_installed_one_that_is_new_enough_is_used(path: Path) -> None:
    program(path, "pulumi", "echo v3.300.1")
    program(path, "pulumi-language-python", "")
    found = find_engine(lambda _: None)
    assert (found.bin, found.version, found.origin) == (path, "3.300.1", "path")


@pytest.mark.parametrize(
    ("version", "host", "said"),
    [
        ("v3.100.0", True, f"is 3.100.0, older than {MINIMUM}"),
        ("what?", True, "does not say which version it is"),
        ("v3.300.0", False, "has no pulumi-language-python beside it"),
    ],
)
def test_one_that_does_not_do_is_left_alone_and_named(path: Path, version: str, host: bool, said: str) -> None:
    pulumi = program(path, "pulumi", f"echo {version}")
    if host:
        program(path, "pulumi-language-python", "")
    go(path)
    news: list[str] = []
    assert find_engine(news.append).origin == "go"
    assert any(str(pulumi) in line and said in line for line in news), news


def test_on_a_closed_network_it_is_built_and_complete(path: Path) -> None:
    go(path)
    started = time.monotonic()
    found = find_engine(lambda _: None)
    assert time.monotonic() - started < 10, "a closed network is noticed, not waited for"
    assert {file.name for file in found.bin.iterdir()} == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    }
    assert all(os.access(file, os.X_OK) for file in found.bin.iterdir())


def test_what_was_got_once_is_used_again_without_running_anything(path: Path) -> None:
    go(path)
    first = find_engine(lambda _: None)
    (path / "go").unlink()
    assert find_engine(lambda _: None) == first
    assert builds(path) == 2


def test_without_any_way_there_is_one_message_with_the_ways_out(path: Path) -> None:
    with pytest.raises(EngineError) as refused:
        find_engine(lambda _: None)
    text = str(refused.value)
    assert "get.pulumi.com cannot be reached" in text
    assert "there is no `go`" in text
    for way in ("install Pulumi", "reach get.pulumi.com", "install Go"):
        assert way in text
    assert refused.value.exit_code == 1


def test_a_go_that_is_too_old_is_named_with_what_is_needed(path: Path) -> None:
    go(path, version="go1.19.8")
    with pytest.raises(EngineError, match=r"is go1\.19\.8, older than 1\.25"):
        find_engine(lambda _: None)


def test_a_failed_build_shows_gos_last_words_and_leaves_nothing_half(path: Path, tmp_path: Path) -> None:
    go(path, build="echo 'undefined: something' >&2; exit 1")
    with pytest.raises(EngineError, match="undefined: something"):
        find_engine(lambda _: None)
    assert _left(tmp_path) == []


def test_too_little_space_is_said_before_the_build(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(path)
    monkeypatch.setattr(go_modules, "_DISK", 10**18)
    with pytest.raises(EngineError, match="GB are free"):
        find_engine(lambda _: None)
    assert builds(path) == 0


def test_progress_is_told_while_it_builds(path: Path) -> None:
    go(path, build="echo go: downloading something >&2; echo some/package >&2")
    news: list[str] = []
    find_engine(news.append)
    assert any("about four minutes, once" in line for line in news)
    assert any("downloading something" in line for line in news)


def test_interrupted_it_leaves_nothing_half_and_no_process_and_the_next_one_goes_on(path: Path, tmp_path: Path) -> None:
    go(path, build=f"echo $$ > {tmp_path}/pid; sleep 60")
    process = _in_a_process(path)
    _wait_for(tmp_path / "pid")
    process.send_signal(signal.SIGINT)
    process.wait(20)
    builder = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{builder}").exists() or "Z" in Path(f"/proc/{builder}/stat").read_text().split()[2]
    assert _left(tmp_path) == []
    go(path)
    assert find_engine(lambda _: None).origin == "go"


def test_what_a_killed_one_left_is_cleared_away(path: Path, tmp_path: Path) -> None:
    stale = tmp_path / "cache" / "engine" / "unfinished-stale"
    stale.mkdir(parents=True)
    go(path)
    find_engine(lambda _: None)
    assert not stale.exists()


def test_two_at_once_build_once(path: Path, tmp_path: Path) -> None:
    go(path, build=f"touch {tmp_path}/pid; sleep 2")
    first = _in_a_process(path)
    _wait_for(tmp_path / "pid")
    news: list[str] = []
    found = find_engine(news.append)
    assert first.wait(30) == 0
    assert found.origin == "go"
    assert builds(path) == 2, "the command line tool and the language host, once each"
    assert any("another run is getting the engine" in line for line in news)


def test_the_minimum_is_the_one_that_the_project_file_asks_for() -> None:
    project = YAML(typ="safe").load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert project["requiredPulumiVersion"] == f">={MINIMUM}"


def test_the_modules_are_pinned_with_sums() -> None:
    modules = ROOT / "mlstack" / "local" / "engine" / "go"
    cli = (modules / "cli" / "go.mod").read_text(encoding="utf-8")
    assert f"github.com/pulumi/pulumi/pkg/v3 v{cache.GO_VERSION}" in cli
    assert "replace github.com/atotto/clipboard => github.com/tgummerer/clipboard" in cli
    assert "github.com/pulumi/pulumi/sdk/v3 v3.79.0" in (modules / "host" / "go.mod").read_text(encoding="utf-8")
    for module in ("cli", "host"):
        assert "h1:" in (modules / module / "go.sum").read_text(encoding="utf-8")


def _left(tmp_path: Path) -> list[str]:
    return [entry.name for entry in (tmp_path / "cache" / "engine").iterdir() if entry.name != "lock"]


def _in_a_process(path: Path) -> "subprocess.Popen[bytes]":
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from mlstack.local.engine import find_engine, go_modules, release\n"
        "release._INSTALLER = 'http://127.0.0.1:9/'; go_modules._DISK = 0\n"
        "find_engine(lambda _: None)"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 20
    while not (file.exists() and (file.name != "pid" or file.stat().st_size >= 0)):
        assert time.monotonic() < deadline, f"{file} did not appear"
        time.sleep(0.05)
    time.sleep(0.2)
