"""A Dockerfile and a .dockerignore for a project, written once and then its owner's."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from rich.console import Console

from mlstack.contract import MLStackOutputs
from mlstack.errors import MLStackError, UsageError
from mlstack.images.base import PUBLIC, Base
from mlstack.images.cache import FROM, Cache
from mlstack.images.needed import flavors, missing, needed, way_out
from mlstack.images.project import UV, Project, default_python, read
from mlstack.stages import Stages

PYTHONS = ("3.10", "3.11", "3.12")
"""ZenML runs on newer ones too, the SageMaker SDK that it asks for does not."""
USERS = ("auto", "root", "zenml")
UID = 1000
# Of uv's wheel for linux/amd64.
UV_HASH = "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19"


class Init:
    """`result` holds what was written and what is missing, once `write` is through."""

    def __init__(
        self,
        directory: Path,
        *,
        python: str | None,
        base: str | None,
        user: str,
        force: bool,
        package: str | None = None,
    ) -> None:
        """Raises UsageError for what is wrong, before anything is asked or written."""
        self._directory, self._user = directory, user
        self._python = python or default_python(directory)
        if self._python not in PYTHONS:
            raise UsageError(
                f"{directory / '.python-version'} says {self._python}: an image has {', '.join(PYTHONS)}",
                hint="choose one with --python",
            )
        self._project: Project = read(directory, self._python, package)
        self._base = Base.parse(base or f"{PUBLIC}:{self._python}-slim-bookworm", origin="--base")
        self._files = [directory / "Dockerfile", directory / ".dockerignore"]
        there = [str(each) for each in self._files if os.path.lexists(each)]
        if there and not force:
            raise UsageError(
                f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} there already",
                hint="--force writes over what is there; --refresh-base only pins the base anew",
            )
        self._stages = Stages(Console(stderr=True))
        self.result: dict[str, Any] = {}

    def write(self, contract: MLStackOutputs) -> None:
        """Raises MLStackError; then nothing was written."""
        with self._stages.stage("requirements") as stage:
            stage.news("ZenML computes what the stack's components need")
            wanted = needed(flavors(contract))
            stage.result = f"{len(wanted.requirements)}, of {' and '.join(wanted.integrations) or 'no integration'}"
        cache, base = Cache.of(contract), self._base
        if base.digest is None:
            with self._stages.stage("base") as stage:
                # Where it comes from may be asked by visitors, the stack's own registry not.
                base = cache.through((cache.upstream(base) or base).pinned())
                stage.result = str(base)
        base = cache.through(base)
        sagemaker = any(each.flavor == "sagemaker" for each in contract.components.values())
        root = self._user == "root" or (self._user == "auto" and sagemaker)
        lacks, is_open = missing(wanted, self._project)
        _write(self._files, [self._dockerfile(base, root=root), _rendered("dockerignore.jinja")])
        self.result = {
            "ok": True,
            "environment": contract.environment,
            "team": contract.team,
            "directory": str(self._directory),
            "files": [str(each) for each in self._files],
            "project": self._project.kind,
            "hashed": self._project.hashed,
            "package": self._project.package,
            "left_out": list(self._project.left_out),
            "git": list(self._project.git),
            "python": self._python,
            "base": str(base),
            "user": "root" if root else "zenml",
            "integrations": list(wanted.integrations),
            "requirements": list(wanted.requirements),
            "missing": list(lacks),
            "open": list(is_open),
            "add": way_out(lacks, self._project) if lacks else "",
        }

    def told(self) -> str:
        """The result for people."""
        found = self.result
        lines = [*(f"wrote   {each}" for each in found["files"]), f"base    {found['base']}"]
        why = " (others may be unable to write in SageMaker's /opt/ml and /tmp; --user zenml runs without its rights)"
        lines.append(f"user    {found['user']}{why if self._user == 'auto' and found['user'] == 'root' else ''}")
        if found["left_out"]:
            members = ", ".join(found["left_out"])
            lines.append(f"\nnot installed, because the project does not depend on them: {members} (--package NAME)")
        if found["git"]:
            lines.append(f"\nfrom git repositories, which a build reads without credentials: {', '.join(found['git'])}")
        if found["open"]:
            lines.append(f"\nrequirements.txt leaves the version open of {', '.join(found['open'])}")
        if not found["hashed"]:
            lines.append(
                "\nrequirements.txt has no hashes, so it is installed unchecked. With them: "
                "uv pip compile --generate-hashes"
            )
        if found["missing"] and found["project"] == "uv":
            lines += ["\nZenML needs more on this stack than uv.lock installs. Before the first build:", found["add"]]
        elif found["missing"]:
            lines += ["\nZenML needs more on this stack. Lines for requirements.txt before the first build:"]
            lines += [found["add"]]
        team = f" --team {found['team']}" if found["team"] else ""
        lines.append(f"\nnext: mlstack image build {self._directory}{team}")
        return "\n".join(lines)

    def _dockerfile(self, base: Base, *, root: bool) -> str:
        project = self._project
        return _rendered(
            "Dockerfile.jinja",
            base=str(base),
            kind=project.kind,
            files=" ".join(project.files),
            hashed=project.hashed,
            git=bool(project.git),
            package=project.package,
            installs=project.installs,
            python=self._python,
            root=root,
            uid=UID,
            uv=UV,
            uv_hash=UV_HASH,
        )


def refresh(directory: Path, contract: Callable[[], MLStackOutputs]) -> dict[str, Any]:
    """Pin each base of the directory's Dockerfile that has a tag to the digest that its registry names now.

    `contract` is read for a base of an ECR registry: it says of what a cached one is a copy. Raises MLStackError, with
    the file as it was, when there is none or a registry does not answer.
    """
    file = directory / "Dockerfile"
    if not file.is_file():
        raise UsageError(f"{directory} holds no Dockerfile", hint="write one: mlstack image init")
    text = file.read_bytes().decode("utf-8", "surrogateescape")
    pinned: dict[str, str] = {}
    for found in FROM.finditer(text):
        image = found["image"]
        if "@" in image and ":" in image.partition("@")[0].rpartition("/")[2] and image not in pinned:
            base = Base.parse(image, origin=f"FROM in {file}")
            cache = Cache.of(contract()) if ".dkr.ecr." in base.host else None
            upstream = cache.upstream(base) if cache else None
            pinned[image] = str(cache.through(upstream.pinned()) if cache and upstream else base.pinned())
    if not pinned:
        raise UsageError(
            f"{file} pins no base with both a tag and a digest, so there is nothing to refresh",
            hint="write it as FROM registry/name:tag@sha256:...",
        )
    after = FROM.sub(lambda found: found["before"] + pinned.get(found["image"], found["image"]), text)
    if after != text:
        _write([file], [after])
    return {
        "ok": True,
        "file": str(file),
        "bases": [{"before": before, "after": after} for before, after in pinned.items()],
    }


def _rendered(template: str, **values: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mlstack.images", "."),
        autoescape=False,  # noqa: S701 -- a Dockerfile is no HTML
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(values)


def _write(files: list[Path], texts: list[str]) -> None:
    """All of them or none: each is written whole beside its place before the first takes it."""
    beside: list[Path] = []
    try:
        for file, text in zip(files, texts, strict=True):
            descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
            beside.append(Path(name))
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(text.encode("utf-8", "surrogateescape"))
            beside[-1].chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
        for file, made in zip(files, beside, strict=True):
            made.replace(file)
    except OSError as error:
        raise MLStackError(f"{error.filename} cannot be written: {error.strerror}", hint="look at its rights") from None
    finally:
        for each in beside:
            each.unlink(missing_ok=True)
