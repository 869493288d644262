"""The import and the preview after it, in a state of their own: nothing is written, to AWS as little as to the state.

The engine is the real one and reads what exists; only where it keeps its state is a directory that is removed again.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlstack.adoption.imports import filled
from mlstack.engine import Pulumi
from mlstack.outcome import Outcome

News = Callable[[str], None]
_SECRETS = ("encryptionsalt", "secretsprovider", "encryptedkey")


@contextmanager
def rehearsal(project: Path, environment: str, settings: Path) -> Iterator["Rehearsal"]:
    """With the settings of a file, of which only what is not secret is taken."""
    with TemporaryDirectory(prefix="mlstack-adopt-") as directory:
        yield Rehearsal(project, environment, settings, Path(directory))


class Rehearsal:
    def __init__(self, project: Path, environment: str, settings: Path, place: Path) -> None:
        self._place = place
        _write_project(project, place)
        _write_settings(settings, place / f"Pulumi.{environment}.yaml")
        (place / "state").mkdir()
        variables = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{place / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(16),
        }
        variables.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        self._engine = Pulumi(place, environment, environment=variables)
        self._engine.make()

    def declared(self, ids: Mapping[str, str], name: str) -> dict[str, Any]:
        """The import file of what the program declares, with `ids` in it."""
        file = self._place / "declared.json"
        self._engine.write_import_file(file)
        return filled(json.loads(file.read_text(encoding="utf-8")), ids, name)

    def preview(self, imports: Mapping[str, Any], news: News) -> Outcome:
        """What `pulumi up` would do after the import."""
        file = self._place / "imports.json"
        file.write_text(json.dumps(imports), encoding="utf-8")
        news(f"reading {sum('id' in each for each in imports['resources'])} resources")
        self._engine.import_resources(file)
        news("previewing")
        return self._engine.preview(news)


def _write_project(project: Path, place: Path) -> None:
    import yaml

    described = yaml.safe_load((project / "Pulumi.yaml").read_text(encoding="utf-8"))
    described["main"] = str((project / described.get("main", ".")).resolve())
    options = described["runtime"].get("options") or {}
    if "virtualenv" in options:
        options["virtualenv"] = str((project / options["virtualenv"]).absolute())
    (place / "Pulumi.yaml").write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")


def _write_settings(settings: Path, copy: Path) -> None:
    import yaml

    document = yaml.safe_load(settings.read_text(encoding="utf-8"))
    kept = {key: value for key, value in document.items() if key not in _SECRETS}
    copy.write_text(yaml.safe_dump(kept, sort_keys=False), encoding="utf-8")
