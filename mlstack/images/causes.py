"""What a failed build means for whoever has to mend it, from what CodeBuild and the builder say."""

import re
from collections.abc import Sequence

from mlstack.errors import MLStackError

_RELEVANT = 12
"""Lines of the log that are shown."""

_CAUSES = (
    (
        r"tag[^\n]*(?:immutable|already exists)|ImageTagAlreadyExists",
        "tag",
        "the tag is another image's already, and the repository's tags are written once",
        "run it again: when somebody built the same content meanwhile, that image is taken; else choose another --tag",
    ),
    (
        r"no space left on device|ENOSPC|disk quota exceeded",
        "space",
        "the build ran out of disk space",
        "make the image or the context smaller, or give the project a larger compute type: "
        "mlstack:imageBuilderConfig.compute_type",
    ),
    (
        r"ecr:\w+[^\n]*(?:not authorized|denied)|not authorized to perform: ecr:|denied: [^\n]*(?:push|not authorized)"
        r"|no basic auth credentials|unauthorized: authentication required|denied: requested access to the resource"
        r"|403 Forbidden",
        "permission",
        "whoever builds may not push to, or pull from, the repository",
        "`pulumi up --refresh` puts the build role's rights back (docs/permissions.md, role codebuild); a base image "
        "in another repository needs that repository's policy",
    ),
    (
        r"toomanyrequests|pull rate limit|429 Too Many Requests",
        "rate limit",
        "the registry of the base image allows no more anonymous pulls",
        "take the base image from ECR: public.ecr.aws, or a copy in the stack's repository",
    ),
    (
        r"manifest unknown|manifest for [^\n]* not found|pull access denied|name unknown|not found: manifest"
        r"|failed to resolve source metadata|error creating build container[^\n]*pull",
        "base image",
        "a base image could not be pulled",
        "check the FROM lines: name, tag and registry; the build has the stack's repository and what is public. Of a "
        "cached base whose tag has gone on: mlstack image init --refresh-base",
    ),
    (
        r"Cannot connect to the Docker daemon|docker daemon is not running|Is the docker daemon running",
        "daemon",
        "there is no docker daemon where the image was to be built",
        "start it, or choose another --engine",
    ),
    (
        r"(?:Temporary failure in name resolution|Could not resolve|Network is unreachable|i/o timeout"
        r"|ConnectTimeoutError|dial tcp[^\n]*)",
        "network",
        "the build could not reach something that it needs",
        "in a network without internet it has ECR, S3 and the logs: base images and packages come from a mirror there",
    ),
    (
        r"dockerfile parse error|Dockerfile parse|unknown instruction|failed to parse",
        "Dockerfile",
        "the Dockerfile cannot be read",
        "mend the line that is named",
    ),
    (
        r"(?:COPY|ADD) failed|failed to compute cache key|no such file or directory[^\n]*(?:COPY|ADD|copier)"
        r"|copier: stat|possible typos|no items matching glob",
        "missing file",
        "the Dockerfile copies a file that the context does not hold",
        "check its path, and .dockerignore",
    ),
    (
        r"exit code: \d+|did not complete successfully|exit status \d+|returned a non-zero code",
        "command",
        "a command of the Dockerfile failed",
        "mend it; the lines above say what it printed",
    ),
)

_TELLING = re.compile(
    r"error|fail|denied|not found|no space|cannot|unable|exit (?:code|status)|authorized|immutable", re.IGNORECASE
)


class BuildError(MLStackError):
    """The image was not built."""

    def __init__(self, message: str, *, kind: str, hint: str | None, lines: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.lines = tuple(lines)


def build_failed(
    status: str, contexts: Sequence[str], lines: Sequence[str], *, build: str, minutes: int = 0
) -> BuildError:
    """The error for a build that ended with `status` and said this."""
    shown = relevant(lines)
    hint: str | None
    said = "\n".join(f"  | {line}" for line in shown)
    if status == "TIMED_OUT":
        message, kind = f"the build did not end within {minutes} minutes", "timeout"
        hint = "--timeout gives more minutes"
    elif status == "STOPPED":
        message, kind, hint = "the build was stopped", "stopped", "somebody stopped it in AWS; run it again"
    else:
        kind, message, hint = diagnosed([*lines, *contexts])
        if kind == "unknown":
            message = f"the build ended as {status}" + (f": {contexts[-1].strip()}" if contexts else "")
    return BuildError("\n".join(filter(None, [f"{message} ({build})", said])), kind=kind, hint=hint, lines=shown)


def diagnosed(lines: Sequence[str]) -> tuple[str, str, str | None]:
    """Kind, message and way out of the first cause that the text names."""
    text = "\n".join(lines)
    for pattern, kind, message, hint in _CAUSES:
        if re.search(pattern, text, re.IGNORECASE):
            return kind, message, hint
    return "unknown", "the build failed", "the lines above are the end of its log"


def relevant(lines: Sequence[str]) -> list[str]:
    """The end of the log; with the telling lines before it when the end says nothing."""
    kept = [line.rstrip() for line in lines if line.strip() and not line.startswith("[Container]")]
    end = kept[-_RELEVANT:]
    if any(_TELLING.search(line) for line in end):
        return end
    return [*[line for line in kept[:-_RELEVANT] if _TELLING.search(line)][-4:], *end]
