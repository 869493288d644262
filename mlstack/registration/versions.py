"""What an older or newer server means for a contract: which of its components are left out, and what is said of it."""

import re
from collections.abc import Collection
from importlib.metadata import version

from mlstack.contract import ComponentType, MLStackOutputs
from mlstack.registration.server import Server, ServerError

OLDEST_TESTED = "0.91.2"
"""`tests/versions/` registers a stack with client and server of this release, and holds every component against its
flavors' config classes."""

OLDEST_READABLE = "0.92.0"
"""A client from this release on cannot read what an older server answers: flavors have had a `display_name` since."""

OPTIONAL: frozenset[ComponentType] = frozenset({"step_operator", "image_builder"})
"""A stack works without them: steps run as the orchestrator runs them, images are built on the client's machine."""

_MEANWHILE = {"image_builder": "; meanwhile mlstack:imageBuilder false lets clients push images that they build"}


def known_to(
    contract: MLStackOutputs, flavors: Collection[tuple[str, str]], server: Server
) -> tuple[MLStackOutputs, tuple[str, ...]]:
    """The contract without the optional components whose flavor the server lacks, and a warning for each.

    `flavors` are pairs of component type and name. Raises ServerError when a component that a stack needs is unknown.
    """
    missing = {kind: part for kind, part in contract.components.items() if (kind, part.flavor) not in flavors}
    needed = [f"the {_said(kind)} flavor {part.flavor!r}" for kind, part in missing.items() if kind not in OPTIONAL]
    if needed:
        raise ServerError(
            f"{server.url} (ZenML {server.version}) does not know {' and '.join(needed)}, which the stack needs; "
            "nothing was changed",
            hint=f"upgrade the server: MLStack is tested with ZenML from {OLDEST_TESTED}",
        )
    warnings = tuple(
        f"left out: {server.url} (ZenML {server.version}) does not know the {_said(kind)} flavor {part.flavor!r}; "
        f"upgrade the server, and `mlstack register` adds it{_MEANWHILE.get(kind, '')}"
        for kind, part in missing.items()
    )
    kept = {kind: part for kind, part in contract.components.items() if kind not in missing}
    return contract.model_copy(update={"components": kept}), warnings


def client_version() -> str:
    """Of the ZenML that is installed here."""
    return version("zenml")


def refuse_unreadable(server: Server, client: str) -> None:
    """Raises ServerError, before anything is asked, for a server whose answers the client's models do not take."""
    theirs, mine, first = _parts(server.version), _parts(client), _parts(OLDEST_READABLE)
    if theirs and mine and first and theirs < first <= mine:
        raise ServerError(
            f"{server.url} is ZenML {server.version}: a client of {client} cannot read what a server before "
            f"{OLDEST_READABLE} answers; nothing was changed",
            hint=f"upgrade the server, or run mlstack with its release: pip install zenml=={server.version}",
        )


def difference(server: Server, client: str) -> tuple[str, ...]:
    """A warning where server and client are not of one minor release; none where they are.

    ZenML's client itself only logs that they differ, and goes on. What it then sends may be more than the server reads.
    """
    mine, theirs, oldest = _parts(client), _parts(server.version), _parts(OLDEST_TESTED)
    if theirs is None or mine is None:
        return (f"{server.url} is of an unknown release, {server.version!r}; this client is ZenML {client}",)
    if theirs[:2] == mine[:2]:
        return ()
    both = f"{server.url} is ZenML {server.version} and this client {client}"
    if theirs > mine:
        return (f"{both}: newer than what MLStack is tested with; pin zenml=={server.version} here if something fails",)
    if oldest is not None and theirs < oldest:
        return (f"{both}: older than {OLDEST_TESTED}, the oldest that MLStack is tested with; upgrade the server",)
    return (f"{both}: it works for a registration, but ZenML asks for the same release to run pipelines",)


def _parts(release: str) -> tuple[int, ...] | None:
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def _said(kind: str) -> str:
    return kind.replace("_", " ")
