"""The image of a pipeline that a command runs: built where that can be and used by digest, or the reason why not."""

import re
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self

import typer

from mlstack.contract import MLStackOutputs
from mlstack.errors import MLStackError, UsageError
from mlstack.images.aws import Clients
from mlstack.images.base import Base
from mlstack.images.cache import Cache
from mlstack.images.context import LIMIT, shown_size
from mlstack.stages import Running

EXAMPLE = Path("examples/digits")
"""In the program's directory. Its image holds what the steps of the example and of `mlstack verify` import."""

ImageOption = Annotated[
    str | None,
    typer.Option(
        "--image", help="Of that pipeline's steps: one of the stack's registry, or a directory to build it of."
    ),
]
NoImageOption = Annotated[bool, typer.Option("--no-image", help="Build none, and leave the image to ZenML.")]
BaseOption = Annotated[
    str | None,
    typer.Option("--base", help="What the image is built upon: IMAGE:TAG, or IMAGE@sha256:... Replaces ARG BASE."),
]

_BASE = re.compile(r"^ARG BASE=(\S+)$", re.MULTILINE)
_WIDTH = 250


@dataclass(frozen=True, kw_only=True)
class PipelineImage:
    """What a pipeline runs in."""

    image: str | None = None
    """For `parent_image`; None when ZenML is left to it."""
    digest: str | None = None
    bytes: int | None = None
    """That are pulled."""
    built: bool = False
    """False also when the registry held this content already."""
    seconds: float = 0.0
    reason: str | None = None
    """Why there is none."""
    told: str = ""
    """All of that in one line."""

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "told"}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which image a pipeline is to run in."""

    named: str | None = None
    """One that is there."""
    context: Path | None = None
    """What it is built of; None, without `named` too, leaves it to ZenML."""
    base: Base | None = None

    @classmethod
    def of(cls, image: str | None, base: str | None, *, build: bool = True, program: Path = Path()) -> Self:
        """Of the options above. Raises UsageError, before anything is touched."""
        if not build and (image or base):
            raise UsageError("--no-image builds none", hint="leave --image and --base away")
        if not build:
            return cls()
        context = program / EXAMPLE if image is None else Path(image)
        if image is not None and not context.is_dir():
            if base is not None:
                raise UsageError(f"--base is for an image that is built, and {image} is one", hint="leave --base away")
            return cls(named=_named(image))
        chosen = None if base is None else Base.parse(base, origin="--base")
        if image is not None or (chosen is not None and context.is_dir()):
            text = _dockerfile(context)
            if chosen is not None and not _BASE.search(text):
                raise UsageError(f"{context}/Dockerfile has no line ARG BASE=", hint="its FROM says what --base would")
        return cls(context=context, base=chosen)


def image_for(
    choice: Choice,
    contract: MLStackOutputs,
    stage: Running,
    *,
    otherwise: str,
    as_whom: Callable[[], Clients] | None = None,
) -> PipelineImage:
    """The image that is chosen, built in the stack's registry unless that holds it.

    Whatever is in the way becomes the `reason`: nothing here fails what goes on without an image. `otherwise` says how.
    `as_whom`: else with the rights of the stack's connector, or where it has none with the caller's own. Ctrl-C stops
    the build in the cloud.
    """
    if choice.named:
        return PipelineImage(image=choice.named, digest=choice.named.partition("@")[2] or None, told=choice.named)
    begun = time.monotonic()
    reason = "--no-image" if choice.context is None else None
    if contract.components["orchestrator"].flavor == "local":
        reason, otherwise = "mlstack:orchestrator is local", "the steps run on this machine"
    if reason is None:
        try:
            image = _built(choice, contract, stage, as_whom)
            return replace(image, seconds=round(time.monotonic() - begun, 1))
        except (MLStackError, OSError) as error:
            reason = _in_one_line(error)
    stage.skipped = True
    seconds = round(time.monotonic() - begun, 1)
    return PipelineImage(seconds=seconds, reason=reason, told=f"not built, {otherwise}: {reason}")


def _built(
    choice: Choice, contract: MLStackOutputs, stage: Running, as_whom: Callable[[], Clients] | None
) -> PipelineImage:
    from mlstack.images.build import Asked, ImageBuild
    from mlstack.images.connector import clients
    from mlstack.images.target import Target

    assert choice.context is not None
    whom = as_whom() if as_whom else None
    with _pinned(choice.context, choice.base, Cache.of(contract), stage.news) as dockerfile:
        asked = Asked(context=choice.context, dockerfile=dockerfile, limit=LIMIT, scan=False)
        build = ImageBuild(asked, Target.of(contract), within=stage)
        packed = build.pack()
        if whom is None:
            stage.news("asking for credentials")
            whom = clients(contract, connector="aws" in contract.connectors)
        build.run(packed, whom)
    made = build.result
    how = "built" if made["built"] else "there already"
    return PipelineImage(
        image=made["image"],
        digest=made["digest"],
        bytes=made["bytes"],
        built=made["built"],
        told=f"{how}, {made['digest']}, {shown_size(made['bytes'])}",
    )


@contextmanager
def _pinned(context: Path, base: Base | None, cache: Cache, news: Callable[[str], None]) -> Iterator[Path]:
    """The context's Dockerfile, with the base of its ARG BASE by digest, through the cache. Raises MLStackError."""
    text = _dockerfile(context)
    found = _BASE.search(text)
    if found is None:
        yield context / "Dockerfile"
        return
    base = base or Base.parse(found[1], origin=f"ARG BASE in {context}/Dockerfile")
    base = cache.upstream(base) or base
    if base.digest is None:
        news(f"asking {base.host} for the digest of {base}")
        try:
            base = base.pinned()
        except MLStackError as error:
            raise MLStackError(error.message, hint="--base takes one that can be reached from here") from None
    with tempfile.TemporaryDirectory(prefix="mlstack-image-") as directory:
        file = Path(directory) / "Dockerfile"
        file.write_text(_BASE.sub(f"ARG BASE={cache.through(base)}", text, count=1), encoding="utf-8")
        yield file


def _dockerfile(context: Path) -> str:
    try:
        return (context / "Dockerfile").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "no text"
        raise UsageError(
            f"{context}/Dockerfile cannot be read: {said}", hint="--image names the directory of another, or an image"
        ) from None


def _named(image: str) -> str:
    try:
        return str(Base.parse(image, origin="--image"))
    except UsageError:
        raise UsageError(
            f"--image is {image!r}: neither a directory nor an image with its registry and a tag or digest",
            hint="such as --image code, or --image 123456789012.dkr.ecr.eu-west-1.amazonaws.com/mlstack-dev@sha256:...",
        ) from None


def _in_one_line(error: MLStackError | OSError) -> str:
    """What is wrong and the way out; of a build's log, which it keeps itself, the end of the last line."""
    if isinstance(error, OSError):
        return str(error)
    said: list[str] = []
    log: list[str] = []
    for line in error.message.splitlines():
        (log if line.startswith("  |") else said).append(line.strip(" |"))
    told = textwrap.shorten(" ".join(said), _WIDTH, placeholder=" ...")
    if log:
        return f"{told}: {log[-1] if len(log[-1]) <= _WIDTH else f'... {log[-1][-_WIDTH:]}'}"
    return f"{told} ({' '.join(error.hint.split())})" if error.hint else told
