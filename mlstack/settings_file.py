"""Changes `Pulumi.<environment>.yaml` as a careful person would: comments, order and indentation are kept."""

import io
import os
import tempfile
from pathlib import Path
from typing import Any

from mlstack.errors import UsageError


def loaded(text: str) -> Any:
    """The document of a text that was read before."""
    return _yaml().load(text)


def load(file: Path) -> Any:
    """The document with its comments. Raises UsageError."""
    from ruamel.yaml.error import YAMLError

    try:
        return loaded(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"there is no {file}", hint="name the stack with --stack, in the program's directory"
        ) from None
    except (OSError, UnicodeDecodeError, YAMLError):
        raise UsageError(f"{file} cannot be read", hint=f"mlstack check {file}") from None


def dumped(document: Any, like: Path) -> str:
    """As `like` is indented, by hand or by Pulumi: else every line would change."""
    from ruamel.yaml.util import load_yaml_guess_indent

    _, _, offset = load_yaml_guess_indent(like.read_text(encoding="utf-8"))
    yaml = _yaml()
    yaml.indent(mapping=document["config"].lc.col or 2, sequence=(offset or 0) + 2, offset=offset or 0)
    text = io.StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def without(text: str, parts: tuple[str, ...], like: Path) -> str:
    """Without one setting, key and what is below it: `("mlstack:encryption", "mode")`. No comment goes with it.

    A structure that had nothing else goes as a whole; what is not there is left out already.
    """
    document = loaded(text)
    place = document["config"]
    for depth, part in enumerate(parts):
        if not isinstance(place, dict) or part not in place:
            return text
        if len(place) == 1 and depth:
            return without(text, parts[:depth], like)
        if part != parts[-1]:
            place = place[part]
    if place.fa.flow_style():
        del place[parts[-1]]
        return dumped(document, like)
    first, column = place.lc.key(parts[-1])
    lines = text.splitlines(keepends=True)
    last = first
    for number, line in enumerate(lines[first + 1 :], start=first + 1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        indented = len(line) - len(line.lstrip())
        # Pulumi does not indent the items of a list.
        if indented < column or (indented == column and not content.startswith("-")):
            break
        last = number
    return "".join(lines[:first] + lines[last + 1 :])


def write(file: Path, text: str) -> None:
    """The file is whole at any time."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as beside:
            beside.write(text)
        Path(name).chmod(file.stat().st_mode if file.exists() else 0o644)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml
