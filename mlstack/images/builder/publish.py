"""From the definition beside this file to an image in the stack's repository, and the setting that uses it."""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlstack.contract import MLStackOutputs
from mlstack.errors import UsageError
from mlstack.images.archive import pack
from mlstack.images.aws import Clients
from mlstack.images.build import Asked, ImageBuild
from mlstack.images.builder import FILES, FOLDER
from mlstack.images.context import LIMIT, collect
from mlstack.images.target import Target
from mlstack.registration.source import Told

TAG = "mlstack-builder-"
"""How its tags begin; components/container_registry.py keeps those from expiring."""
SETTING = "mlstack:imageBuilderConfig.build_image"

_BY_DIGEST = re.compile(r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}")
_BASE = re.compile(r"^ARG BASE=.*$", re.MULTILINE)


@contextmanager
def definition(base: str | None) -> Iterator[Path]:
    """A directory with the definition, built upon `base` when one is given. It goes with the block.

    Raises UsageError for a base without a digest.
    """
    if base is not None and not _BY_DIGEST.fullmatch(base):
        raise UsageError(
            f"--base is {base!r}: what may push into your repository is built upon one image, not on whatever a tag "
            "names that day",
            hint="name it by digest: IMAGE@sha256:<64 hexadecimal digits>",
        )
    with tempfile.TemporaryDirectory(prefix="mlstack-builder-") as directory:
        place = Path(directory)
        for name in FILES:
            shutil.copyfile(FOLDER / name, place / name)
        (place / "docker").chmod(0o755)
        if base is not None:
            file = place / "Dockerfile"
            file.write_text(_BASE.sub(f"ARG BASE={base}", file.read_text(encoding="utf-8")), encoding="utf-8")
        yield place


def only(told: tuple[Told, ...]) -> MLStackOutputs:
    """The contract of the one stack. Raises UsageError when there are teams."""
    contract = told[0].contract
    if contract.team is not None:
        raise UsageError(
            f"environment {contract.environment} has teams: {SETTING} is the same for all, and a team's build role "
            "pulls from the team's own repository only",
            hint="build with mlstack image build --team NAME, or name an image there that all may pull",
        )
    return contract


class Publication:
    """`result` may be asked at any time: what is known so far."""

    def __init__(
        self, contract: MLStackOutputs, directory: Path, *, engine: str, quiet: bool, stack: str | None
    ) -> None:
        """`directory`: of `definition`. Raises UsageError when the stack has no image builder that could use it."""
        target = Target.of(contract)
        if target.project is None:
            raise UsageError(
                f"the image builder of environment {target.environment} is switched off: nothing would use this image",
                hint="set mlstack:imageBuilder to true and deploy it",
            )
        self._configured = str(contract.components["image_builder"].configuration.get("build_image", ""))
        self._stack = stack or target.environment
        tag = f"{TAG}{pack(collect(directory, limit=LIMIT)).content[:12]}"
        self._build = ImageBuild(
            Asked(context=directory, tag=tag, engine=engine, limit=LIMIT, quiet=quiet),
            target,
        )

    @property
    def result(self) -> dict[str, Any]:
        # Nobody runs a pipeline in it.
        return {name: value for name, value in self._build.result.items() if name != "docker_settings"}

    def run(self, clients: Clients) -> None:
        """Raises MLStackError."""
        self._build.run(self._build.pack(), clients)
        image = str(self._build.result["image"])
        self._build.result |= {
            "used": image == self._configured,
            "setting": {SETTING: image},
            "commands": [
                shlex.join(["pulumi", "config", "set", "--path", SETTING, image, "--stack", self._stack]),
                shlex.join(["mlstack", "deploy", "--stack", self._stack]),
            ],
        }
