"""The one setting that a command of ours changes: `connector.keys` in `Pulumi.<environment>.yaml`."""

from pathlib import Path
from typing import Any

from mlstack.errors import UsageError
from mlstack.settings_file import dumped, load
from mlstack.settings_file import write as write_text

NAMESPACE = "mlstack"
SETTING = f"{NAMESPACE}:connector"


def file_of(stack: str) -> Path:
    """`Pulumi.dev.yaml` of stack `dev`, or of `organisation/project/dev`."""
    return Path(f"Pulumi.{stack.rpartition('/')[2]}.yaml")


def read(file: Path, team: str | None = None) -> tuple[int, ...]:
    """The generations that the file asks for, of that team. Raises UsageError when it is not a stack with keys."""
    document = load(file)
    common = _connector(document, file)
    own = (_team(document, file, team).get("connector") or {}) if team else {}
    keys = own.get("keys") or common.get("keys") or [1]
    if not isinstance(keys, list) or not all(type(key) is int for key in keys):
        raise UsageError(f"{file}: {SETTING}.keys is not a list of numbers", hint=f"mlstack check {file}")
    return tuple(keys)


def with_their_own(file: Path) -> tuple[str, ...]:
    """Teams whose keys are not those of the environment."""
    return tuple(each["name"] for each in _teams(load(file)) if (each.get("connector") or {}).get("keys"))


def write(file: Path, keys: tuple[int, ...], team: str | None = None) -> None:
    """Only that line changes; comments and order stay. The file is whole at any time."""
    from ruamel.yaml.comments import CommentedSeq

    document = load(file)
    listed = CommentedSeq(keys)
    listed.fa.set_flow_style()
    connector = _connector(document, file)
    if team:
        connector = _team(document, file, team).setdefault("connector", {})
    connector["keys"] = listed
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


def _teams(document: Any) -> list[Any]:
    return list(document["config"].get(f"{NAMESPACE}:teams") or [])


def _team(document: Any, file: Path, team: str) -> Any:
    for each in _teams(document):
        if each.get("name") == team:
            return each
    raise UsageError(f"{file} has no team {team!r}", hint=f"mlstack check {file}")
