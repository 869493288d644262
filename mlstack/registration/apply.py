"""Carries a plan out, in the order in which no stack is ever without a usable component."""

import os
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential

from mlstack.errors import MLStackError
from mlstack.registration.client import ZenML
from mlstack.registration.identity import is_lasting, way_out
from mlstack.registration.objects import Held, Wanted, links_of, what
from mlstack.registration.plan import Change, Plan
from mlstack.registration.put_back import put_back
from mlstack.registration.server import Server

Progress = Callable[[str], None]

PROPAGATION = 60.0
"""Seconds for which a refused connector is tried again: new IAM identities take that long to be known everywhere.
MLSTACK_VERIFY_SECONDS overrides it."""


class VerificationError(MLStackError):
    """The server could not work with a connector."""


def verify(zenml: ZenML, plan: Plan, progress: Progress) -> None:
    """Let the server try every connector that is new or changed, before anything is written.

    Raises VerificationError when one is still refused after PROPAGATION seconds.
    """
    tried = [
        change.wanted
        for change in plan.changes
        if change.kind == "connector" and change.wanted and change.action in ("create", "update", "replace")
    ]
    if not tried:
        return
    zenml.warm_up()
    _try_each(zenml.server, tried, zenml.verify, progress)


def verify_stored(zenml: ZenML, connectors: Iterable[Held], progress: Progress) -> None:
    """Let the server try connectors as it has them. Raises VerificationError as above."""
    _try_each(zenml.server, list(connectors), zenml.verify_stored, progress)


def apply(zenml: ZenML, plan: Plan, before: Iterable[Held], progress: Progress) -> str | None:
    """Do what the plan says; the stack's id, if there is one afterwards.

    When it fails, at whatever call, ZenML is put back to `before`, and the error says so or names what could not be.
    """
    changed = {change.held.id for change in plan.changes if change.held and change.action != "same"}
    # Once overwritten or removed, a key could not be put back any more.
    before = tuple(zenml.with_secrets(each) if each.id in changed else each for each in before)
    try:
        return _Run(zenml, plan, progress).carry_out()
    except BaseException as error:
        progress("putting back what this run changed")
        left = put_back(zenml, before, plan, progress)
        if isinstance(error, MLStackError):
            raise PutBackError(error, left) from None
        raise


def remove(zenml: ZenML, plan: Plan, progress: Progress) -> None:
    """Do what a removal plan says, in its order: nothing in ZenML ever points at what is gone.

    When it fails the next run goes on from what is left.
    """
    for change in plan.changes:
        if change.held:
            progress(f"removing {what(change.held)} {change.name}")
            zenml.remove(change.held)


class PutBackError(MLStackError):
    """What went wrong, and what ZenML holds after it."""

    def __init__(self, error: MLStackError, left: list[str]) -> None:
        if left:
            after = f"could not be put back: {', '.join(left)}"
            hint = f"{error.hint}; the next run goes on from what is there" if error.hint else "run it again"
        else:
            after, hint = "ZenML is as it was before this run", error.hint or "run it again"
        super().__init__(f"{error.message}\n{after}", hint=hint)


class _Run:
    def __init__(self, zenml: ZenML, plan: Plan, progress: Progress) -> None:
        self._zenml = zenml
        self._plan = plan
        self._progress = progress
        self._ids: dict[tuple[str, str], str] = {
            (c.kind, c.slot): c.held.id for c in plan.changes if c.held and c.wanted
        }
        self._renames: list[tuple[str, Wanted]] = []
        self._replaced: list[Held] = []

    def carry_out(self) -> str | None:
        for kind in ("connector", "component", "stack"):
            for change in self._plan.changes:
                if change.kind == kind and change.wanted:
                    self._make(change, change.wanted)
        removed = (change.held for change in self._plan.changes if change.action == "remove" and change.held)
        gone = [*self._replaced, *removed]
        for kind in ("stack", "component", "connector"):
            for held in gone:
                if held.kind == kind:
                    self._progress(f"removing {what(held)} {held.name}")
                    self._zenml.remove(held)
        for id_, wanted in self._renames:
            self._zenml.update(id_, wanted, wanted.name, links_of(wanted, self._ids))
        return self._ids.get(("stack", "stack"))

    def _make(self, change: Change, want: Wanted) -> None:
        if change.action == "create":
            self._create(want, want.name)
        elif change.action == "replace" and change.held:
            # Under a name of its own until the old one is gone: the stack goes over in one step.
            self._create(want, f"{want.name[:248]}-{secrets.token_hex(3)}")
            self._replaced.append(change.held)
            self._renames.append((self._ids[change.kind, change.slot], want))
        elif change.held and (change.action == "update" or self._refers_to_a_replaced_one(want)):
            self._progress(f"updating {what(want)} {want.name}")
            self._zenml.update(change.held.id, want, want.name, links_of(want, self._ids))

    def _create(self, want: Wanted, name: str) -> None:
        self._progress(f"creating {what(want)} {name}")
        self._ids[want.kind, want.slot] = self._zenml.create(want, name, links_of(want, self._ids))

    def _refers_to_a_replaced_one(self, want: Wanted) -> bool:
        replaced = {(held.kind, held.slot) for held in self._replaced}
        if want.kind == "component":
            return ("connector", want.content["connector"]) in replaced
        return want.kind == "stack" and any(kind == "component" for kind, _ in replaced)


W = TypeVar("W", bound=Wanted)


def _try_each(server: Server, connectors: list[W], try_it: Callable[[W], None], progress: Progress) -> None:
    limit = float(os.environ.get("MLSTACK_VERIFY_SECONDS") or PROPAGATION)
    progress(f"verifying {len(connectors)} service connectors from the server's side")
    with ThreadPoolExecutor(max_workers=max(1, len(connectors))) as pool:
        for done in [pool.submit(_verify_one, server, try_it, each, progress, limit) for each in connectors]:
            done.result()


def _verify_one(server: Server, try_it: Callable[[W], None], want: W, progress: Progress, limit: float) -> None:
    def told(state: RetryCallState) -> None:
        left = max(0.0, limit - (state.seconds_since_start or 0.0))
        progress(f"{want.name}: not allowed yet, new IAM identities take a while; trying for {left:.0f} s more")

    try:
        for attempt in Retrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_delay(limit),
            wait=wait_exponential(multiplier=1, max=8),
            before_sleep=told,
            reraise=True,
        ):
            with attempt:
                try_it(want)
    except MLStackError:
        raise
    except Exception as error:
        role = want.content["configuration"].get("role_arn", "no role")
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise VerificationError(
            f"connector {want.name}: the server cannot use {role}: {said[:400]}", hint=way_out(server, want, said)
        ) from None


def _may_pass(error: BaseException) -> bool:
    """Refused by AWS, which new identities are at first; not by what the server is, which stays as it is."""
    return type(error).__name__ == "AuthorizationException" and not is_lasting(str(error))
