"""`.dockerignore` is read as Docker reads it. The cases follow those of moby's patternmatcher."""

import pytest

from mlstack.errors import UsageError
from mlstack.images.ignore import Ignore


def excluded(patterns: str, path: str) -> bool:
    """As a walk asks: every directory above first."""
    ignore, matched, found = Ignore.parse(patterns, ".dockerignore"), None, False
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        found, matched = ignore.match("/".join(parts[:depth]), matched)
    return found


@pytest.mark.parametrize(
    ("pattern", "path", "out"),
    [
        ("**", "file", True),
        ("**", "file/", True),
        ("**/", "file", True),
        ("**", "dir/file", True),
        ("**/", "dir/file", True),
        ("**/**", "dir/file", True),
        ("dir/**", "dir/file", True),
        ("dir/**", "dir/dir2/file", True),
        ("dir/**", "other/file", False),
        ("**/dir", "dir/file", True),
        ("**/dir2/*", "dir/dir2/file", True),
        ("**/dir2/**", "dir/dir2/dir2/file", True),
        ("**file", "file", True),
        ("**file", "dir/file", True),
        ("**/file", "dir/file", True),
        ("**file", "dir/dir/file.txt", False),
        ("**/file*txt", "dir/file.txt", True),
        ("**/**/*.txt", "dir/dir/file.txt", True),
        ("**/**/*.txt2", "dir/dir/file.txt", False),
        ("a**/*.txt", "a/file.txt", True),
        ("a**/*.txt", "a/dir/dir/file.txt", True),
        ("a/*.txt", "a/dir/file.txt", False),
        ("a[b-d]e", "ae", False),
        ("a[b-d]e", "ace", True),
        ("a[^b-d]e", "aze", True),
        ("a[^b-d]e", "ace", False),
        (".*", ".foo", True),
        (".*", "foo", False),
        ("abc.def", "abcdef", False),
        ("abc.def", "abcZdef", False),
        ("abc?def", "abcZdef", True),
        ("abc?def", "abcdef", False),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("a\\\\", "a\\", True),
        ("**/foo/bar", "foo/bar", True),
        ("**/foo/bar", "dir/dir2/foo/bar", True),
        ("abc/**", "abc", False),
        ("abc/**", "abc/def/ghi", True),
        ("**/.foo", "bar.foo", False),
        ("**/.foo", "x/.foo", True),
        ("a(b)c/def", "a(b)c/def", True),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
        ("docs\n!docs/README.md", "docs/README.md", False),
        ("docs/\n!docs/README.md", "docs/other.md", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-open.md", False),
        ("*.md", "docs/a.md", False),
        ("/code", "code/a.py", True),
        ("./code/../code/", "code/a.py", True),
        ("../code", "code/a.py", False),
        (".", "a.py", False),
        ("# *", "a.py", False),
        ("#a", "#a", False),
        ("   a.py   ", "a.py", True),
        ("! a.py\n", "a.py", False),
        ("*\n!src\nsrc/*.csv", "src/data.csv", True),
        ("*\n!src", "src/deep/model.py", False),
        ("\ufeffa.py", "a.py", True),
        ("__pycache__", "src/__pycache__/a.pyc", False),
        ("**/__pycache__", "src/__pycache__/a.pyc", True),
    ],
)
def test_a_path_is_in_or_out_as_with_docker(pattern: str, path: str, out: bool) -> None:
    assert excluded(pattern, path.rstrip("/")) is out


@pytest.mark.parametrize("line", ["!", "a[", "!  "])
def test_a_pattern_that_docker_refuses_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(UsageError, match=r"\.dockerignore, line 2"):
        Ignore.parse(f"a\n{line}\n", ".dockerignore")
