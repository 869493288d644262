"""The one setting that a command of ours changes: `connector.keys` in `Pulumi.<environment>.yaml`."""

from pathlib import Path
from typing import Any

from mlstack.errors import UsageError
from mlstack.settings_file import dumped, load
from mlstack.settings_file import write as write_text

SETTING = "mlstack:connector"


def file_of(stack: str) -> Path:
    """`Pulumi.dev.yaml` of stack `dev`, or of `organisation/project/dev`."""
    return Path(f"Pulumi.{stack.rpartition('/')[2]}.yaml")


def read(file: Path) -> tuple[int, ...]:
    """The generations that the file asks for. Raises UsageError when it is not one of a stack with keys."""
    connector = _connector(load(file), file)
    keys = connector.get("keys") or [1]
    if not isinstance(keys, list) or not all(type(key) is int for key in keys):
        raise UsageError(f"{file}: {SETTING}.keys is not a list of numbers", hint=f"mlstack check {file}")
    return tuple(keys)


def write(file: Path, keys: tuple[int, ...]) -> None:
    """Only that line changes; comments and order stay. The file is whole at any time."""
    from ruamel.yaml.comments import CommentedSeq

    document = load(file)
    listed = CommentedSeq(keys)
    listed.fa.set_flow_style()
    _connector(document, file)["keys"] = listed
    write_text(file, dumped(document, file))


def _connector(document: Any, file: Path) -> Any:
    config = document.get("config") if isinstance(document, dict) else None
    connector = config.get(SETTING) if isinstance(config, dict) else None
    if not isinstance(connector, dict) or connector.get("auth") != "iam-role":
        raise UsageError(
            f"{file}: {SETTING}.auth is not iam-role, so that there is no key to rotate",
            hint="with implicit no key exists, with none it is your own; keys are of one environment, so that "
            f"{SETTING} stands in its own file and not in Pulumi.yaml: docs/authentication.md",
        )
    return connector
