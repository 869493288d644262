"""The context: what is in it, that equal ones are equal bytes, and what is refused before anything is sent."""

import io
import os
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from mlstack.errors import UsageError
from mlstack.images.archive import ChangedError, Packed, pack, unpack, zip_size
from mlstack.images.context import collect, parse_size


def project(root: Path) -> Path:
    for name, text in {
        "Dockerfile": "FROM scratch\nCOPY . /app\n",
        "train.py": "print('hello')\n",
        "steps/load.py": "x = 1\n",
        "steps/run.sh": "#!/bin/sh\n",
    }.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (root / "steps/run.sh").chmod(0o755)
    (root / "latest").symlink_to("steps/load.py")
    return root


def members(packed: Packed) -> dict[str, tarfile.TarInfo]:
    with zipfile.ZipFile(io.BytesIO(packed.zip_stream().read())) as archive:
        assert archive.testzip() is None
        assert archive.read("Dockerfile") == packed.dockerfile
        with tarfile.open(fileobj=io.BytesIO(archive.read("context.tar"))) as tar:
            return {each.name: each for each in tar}


def test_the_archive_holds_names_contents_and_modes_and_nothing_of_the_machine(tmp_path: Path) -> None:
    packed = pack(collect(project(tmp_path)))
    found = members(packed)
    assert list(found) == ["Dockerfile", "latest", "steps", "steps/load.py", "steps/run.sh", "train.py"]
    assert {(each.uid, each.gid, each.uname, each.mtime) for each in found.values()} == {(0, 0, "", 946684800)}
    assert found["steps/run.sh"].mode == 0o755
    assert found["train.py"].mode == 0o644
    assert found["latest"].linkname == "steps/load.py"


def test_the_same_content_is_the_same_bytes_wherever_and_whenever_it_lies(tmp_path: Path) -> None:
    first, second = project(tmp_path / "a"), project(tmp_path / "another place")
    (second / "train.py").chmod(0o600)
    os.utime(second / "train.py", (1, 1))
    one, other = pack(collect(first)), pack(collect(second))
    assert one.zip_stream().read() == other.zip_stream().read()
    assert one.content == other.content
    assert zip_size(one) == len(one.zip_stream().read())


@pytest.mark.parametrize("change", ["content", "name", "executable", "link", "dockerfile"])
def test_any_change_that_a_build_can_see_changes_the_content(tmp_path: Path, change: str) -> None:
    root = project(tmp_path)
    (root / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
    before = pack(collect(root)).content
    if change == "content":
        (root / "train.py").write_text("print('hellO')\n")
    elif change == "name":
        (root / "train.py").rename(root / "trains.py")
    elif change == "executable":
        (root / "train.py").chmod(0o755)
    elif change == "link":
        (root / "latest").unlink()
        (root / "latest").symlink_to("train.py")
    else:
        (root / "Dockerfile").write_text("FROM scratch\nCOPY . /other\n")
    assert pack(collect(root)).content != before


def test_what_is_ignored_changes_nothing_and_an_exception_below_it_comes_with_its_directories(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / ".dockerignore").write_text("data\n!data/keep/one.csv\n.dockerignore\n")
    (root / "data/keep").mkdir(parents=True)
    (root / "data/big.csv").write_text("1")
    (root / "data/keep/one.csv").write_text("1")
    (root / "data/keep/two.csv").write_text("1")
    before = pack(collect(root))
    assert {name for name in members(before) if name.startswith("data")} == {"data", "data/keep", "data/keep/one.csv"}
    (root / "data/big.csv").write_text("22")
    assert pack(collect(root)).content == before.content


def test_the_ignore_file_beside_the_dockerfile_counts_alone(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / ".dockerignore").write_text("train.py\n")
    (root / "gpu.Dockerfile").write_text("FROM scratch\n")
    (root / "gpu.Dockerfile.dockerignore").write_text("steps\n")
    found = members(pack(collect(root, root / "gpu.Dockerfile")))
    assert "train.py" in found
    assert "steps" not in found


def test_a_context_is_laid_out_as_it_was_packed(tmp_path: Path) -> None:
    root, there = project(tmp_path / "code"), tmp_path / "there"
    there.mkdir()
    unpack(collect(root), there)
    assert (there / "train.py").read_text() == "print('hello')\n"
    assert stat.S_IMODE((there / "steps/run.sh").stat().st_mode) == 0o755
    assert (there / "latest").readlink() == Path("steps/load.py")
    assert pack(collect(there)).content == pack(collect(root)).content


def refusal(root: Path, **more: object) -> str:
    with pytest.raises(UsageError) as refused:
        collect(root, **more)  # type: ignore[arg-type]
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", "X=1"),
        ("config/.env.production", "X=1"),
        ("id_ed25519", "x"),
        (".aws/credentials", "[default]"),
        ("home/.ssh/known", "x"),
        ("key.txt", "-----BEGIN OPENSSH PRIVATE KEY-----\n"),
        ("settings.ini", "aws_secret_access_key = abcdefghijklmnopqrstuvwxyz\n"),
        (".npmrc", "//registry.example/:_authToken=abc\n"),
        ("terraform.tfstate", "{}"),
    ],
)
def test_a_file_that_looks_like_a_secret_is_refused_with_both_ways_out(tmp_path: Path, name: str, text: str) -> None:
    root = project(tmp_path)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    said = refusal(root)
    assert name in said
    assert ".dockerignore" in said
    assert "--not-secret" in said
    assert "nothing was uploaded" in said
    assert collect(root, not_secret=[name]).files
    (root / ".dockerignore").write_text(f"{name}\n")
    assert collect(root).files


@pytest.mark.parametrize("name", [".env.example", "environment.py", "keys.py", "public.pem"])
def test_what_only_resembles_a_secret_is_let_through(tmp_path: Path, name: str) -> None:
    root = project(tmp_path)
    (root / name).write_text("-----BEGIN CERTIFICATE-----\n")
    assert collect(root).files


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "steps/../../outside"])
def test_a_symbolic_link_out_of_the_context_is_refused(tmp_path: Path, target: str) -> None:
    root = project(tmp_path / "code")
    (root / "way-out").symlink_to(target)
    assert f"way-out -> {target}" in refusal(root)


def test_a_link_that_stays_inside_is_kept_wherever_it_leads(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "steps/up").symlink_to("../train.py")
    (root / "steps/nowhere").symlink_to("not-there")
    assert members(pack(collect(root)))["steps/up"].linkname == "../train.py"


def test_a_context_above_the_limit_is_refused_with_what_is_large_in_it(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "data").mkdir()
    (root / "data/big.bin").write_bytes(bytes(3_000_000))
    said = refusal(root, limit=1_000_000)
    assert "3.0 MB" in said
    assert "data/big.bin" in said
    assert "--max-size" in said


def test_no_dockerfile_no_directory_a_pipe_and_a_wrong_option_are_each_said_plainly(tmp_path: Path) -> None:
    assert "holds no Dockerfile" in refusal(tmp_path)
    assert "is no directory" in refusal(tmp_path / "nowhere")
    root = project(tmp_path)
    assert "no such file" in refusal(root, dockerfile=root / "other")
    assert "holds no such file" in refusal(root, not_secret=["nowhere.txt"])
    os.mkfifo(root / "pipe")
    assert "neither files, directories nor links" in refusal(root)


def test_sizes_are_read_as_they_are_written() -> None:
    assert [parse_size(text) for text in ("500MB", "2GB", "1.5 kB", "12")] == [500_000_000, 2_000_000_000, 1500, 12]
    for wrong in ("", "large", "-1", "5TB", "0"):
        with pytest.raises(UsageError):
            parse_size(wrong)


def test_a_file_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    root = project(tmp_path)
    context = collect(root)
    packed = pack(context)
    (root / "train.py").write_text("print('HELLO')\n")  # as long as before
    with pytest.raises(ChangedError, match="while it was uploaded"):
        packed.zip_stream().read()
    (root / "train.py").write_text("longer than it was when it was looked at")
    with pytest.raises(ChangedError, match=r"train\.py changed"):
        pack(context)


def test_a_context_of_200_mb_is_packed_within_seconds_and_a_few_megabytes(tmp_path: Path) -> None:
    root = project(tmp_path)
    for number in range(20):
        (root / f"{number}.bin").write_bytes(os.urandom(1_000_000) * 10)
    program = (
        "import re, sys, time; from pathlib import Path\n"
        "from mlstack.images.context import collect; from mlstack.images.archive import pack\n"
        "packed = pack(collect(Path(sys.argv[1]))); digested = time.process_time(); stream = packed.zip_stream()\n"
        "while stream.read(1 << 20): pass\n"
        "print(digested, int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    print(f"{seconds:.2f} s, {megabytes:.0f} MB")
    assert seconds < 2.0  # 0.5 s alone on two cores
    assert megabytes < 80
