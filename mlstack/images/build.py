"""One image, from its context to its digest."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from mlstack.errors import MLStackError, UsageError
from mlstack.images.archive import Packed, pack
from mlstack.images.aws import Clients
from mlstack.images.codebuild import CodeBuild
from mlstack.images.context import collect, shown_size
from mlstack.images.engine import LocalEngine, check_engine, found_engine
from mlstack.images.registry import Image, Repository, Scan
from mlstack.images.target import Target, check_tag, content_tag, docker_settings
from mlstack.images.upload import upload
from mlstack.stages import Running, Stages, Within

_SCAN_SECONDS = 180.0
_WIDTH = 80
"""Of a log's line that is news among others."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    context: Path
    dockerfile: Path | None = None
    tag: str | None = None
    engine: str = "auto"
    limit: int
    not_secret: tuple[str, ...] = ()
    minutes: int = 30
    quiet: bool = False
    scan: bool = True


class ImageBuild:
    """`result` may be asked at any time: what is known so far."""

    def __init__(self, asked: Asked, target: Target, *, within: Running | None = None) -> None:
        """`within`: a stage of which this is all; its news are then what is shown here otherwise."""
        self._asked, self._target = asked, target
        if asked.tag is not None:
            check_tag(asked.tag)
        self.engine = self._engine()
        self._console = Console(stderr=True)
        self._within = within
        self._stages = Within(within) if within else Stages(self._console)
        self.result: dict[str, Any] = {
            "ok": False,
            "environment": target.environment,
            "team": target.team,
            "engine": self.engine,
        }

    def _engine(self) -> str:
        """CodeBuild when the stack has it: it has the rights, and it is there for everybody."""
        asked, project = self._asked.engine, self._target.project
        if asked == "codebuild" and project is None:
            raise UsageError(
                f"the image builder of environment {self._target.environment} is switched off",
                hint="set mlstack:imageBuilder to true and deploy it, or build here: --engine docker|podman|buildah",
            )
        if asked == "auto":
            engine = "codebuild" if project else found_engine()
            if engine is None:
                raise UsageError(
                    f"the image builder of environment {self._target.environment} is switched off, and there is "
                    "neither docker nor podman nor buildah here",
                    hint="set mlstack:imageBuilder to true and deploy it, or install one of them",
                )
            return engine
        if asked != "codebuild":
            check_engine(asked)
        return asked

    def pack(self) -> Packed:
        """Read the context. Raises UsageError: nothing was asked of AWS yet."""
        with self._stages.stage("context") as stage:
            asked = self._asked
            context = collect(asked.context, asked.dockerfile, limit=asked.limit, not_secret=asked.not_secret)
            packed = pack(context)
            files = "1 file" if context.files == 1 else f"{context.files} files"
            stage.result = f"{files}, {shown_size(context.size)}, content {packed.content[:12]}"
        self.result |= {"content": packed.content, "files": context.files, "context_bytes": context.size}
        return packed

    def run(self, packed: Packed, clients: Clients) -> None:
        """Raises MLStackError; `result` holds the image then if there is one."""
        named = content_tag(packed.content)
        tag = self._asked.tag or named
        repository = Repository(clients, self._target)
        image, there = self._found(repository, tag, named)
        self.result["built"] = not there
        if not there:
            self._make(packed, clients, named=named, tag=tag, exists=image is not None)
            image = repository.find(tag)
            if image is None:
                raise MLStackError(
                    f"the build ended well, but {self._target.repository} holds no image with tag {tag}",
                    hint="its lifecycle policy may have removed it at once, or the build pushed elsewhere",
                )
        assert image is not None
        by_digest = f"{self._target.image}@{image.digest}"
        self.result |= {
            "image": by_digest,
            "digest": image.digest,
            "tag": tag,
            "bytes": image.size,
            "docker_settings": docker_settings(by_digest),
        }
        if self._asked.scan:
            with self._stages.stage("scan") as stage:
                scan = repository.scan(image.digest, _SCAN_SECONDS, stage.news)
                stage.result = scan.shown
            self.result["scan"] = asdict(scan)
        self.result["ok"] = True

    def scanned(self) -> Scan | None:
        found = self.result.get("scan")
        return Scan(**found) if found else None

    def _found(self, repository: Repository, tag: str, named: str) -> tuple[Image | None, bool]:
        """The image of this content, if there is one, and whether it has the tag already."""
        with self._stages.stage("registry") as stage:
            image = repository.find(named)
            there = image if tag == named else repository.find(tag)
            if there is not None and (image is None or there.digest != image.digest):
                repository.refuse_to_move(tag, there)
                there = None
            if there is not None:
                stage.result = f"holds this content as {tag}: nothing to build"
            else:
                stage.result = f"holds this content without the tag {tag}" if image else "does not hold this content"
        return image, there is not None

    def _make(self, packed: Packed, clients: Clients, *, named: str, tag: str, exists: bool) -> None:
        project = self._target.project if self.engine == "codebuild" else None
        if project:
            with self._stages.stage("upload") as stage:
                sent = upload(clients, self._target, packed, stage.news)
                stage.result = "uploaded" if sent else "the bucket holds it already"
            self.result["uploaded"] = sent
        with self._stages.stage("build") as stage:
            told = _Told(self._console, stage.news, quiet=self._asked.quiet, within=self._within is not None)
            if project:
                codebuild = CodeBuild(clients, self._target, project, self._say)
                stage.result = self.result["build"] = codebuild.run(
                    content=packed.content,
                    content_tag=named,
                    tag=tag,
                    bases=self._target.cache.asked_first(packed.dockerfile),
                    exists=exists,
                    minutes=self._asked.minutes,
                    on_phase=told.phase,
                    on_line=told.line,
                )
            else:
                stage.result = self.engine
                LocalEngine(self.engine, clients, self._target).run(
                    packed, content_tag=named, tag=tag, exists=exists, on_phase=told.phase, on_line=told.line
                )

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)


class _Told:
    """The log of a build as it comes, each line with the seconds since its beginning and the phase."""

    def __init__(self, console: Console, news: Callable[[str], None], *, quiet: bool, within: bool) -> None:
        self._console, self._news, self._quiet, self._within = console, news, quiet, within
        self._begun = time.monotonic()
        self._phase = ""

    def phase(self, name: str) -> None:
        self._phase = name.lower().replace("_", " ")
        if self._quiet or self._within:
            self._news(self._phase)
        else:
            self._print("")

    def line(self, text: str) -> None:
        if text.strip() and self._within:
            self._news(f"{self._phase} │ {text.rstrip()[:_WIDTH]}")
        elif text.strip() and not self._quiet:
            self._print(f"│ {text.rstrip()}")

    def _print(self, text: str) -> None:
        seconds = time.monotonic() - self._begun
        line = (
            f"[dim]{seconds:8.1f} s  {escape(self._phase):<15}[/] {escape(text)}"
            if text
            else (f"[dim]{seconds:8.1f} s  {escape(self._phase)}[/]")
        )
        self._console.print(line, soft_wrap=True, highlight=False)
