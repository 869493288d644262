"""Carries a plan out, in the order in which no stack is ever without a usable component."""

import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential

from mlstack.errors import MLStackError
from mlstack.registration.client import ZenML
from mlstack.registration.objects import Held, Wanted
from mlstack.registration.plan import Change, Plan

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
    limit = float(os.environ.get("MLSTACK_VERIFY_SECONDS") or PROPAGATION)
    progress(f"verifying {len(tried)} service connectors from the server's side")
    zenml.warm_up()
    with ThreadPoolExecutor(max_workers=len(tried)) as pool:
        for done in [pool.submit(_verify_one, zenml, want, progress, limit) for want in tried]:
            done.result()


def apply(zenml: ZenML, plan: Plan, progress: Progress) -> str | None:
    """Do what the plan says; the stack's id, if there is one afterwards.

    When it fails half way, what this run created is removed again as far as nothing uses it. The next run goes on from
    whatever is left.
    """
    return _Run(zenml, progress).carry_out(plan)


class _Run:
    def __init__(self, zenml: ZenML, progress: Progress) -> None:
        self._zenml = zenml
        self._progress = progress
        self._ids: dict[tuple[str, str], str] = {}
        self._created: list[tuple[str, str, str]] = []
        self._renames: list[tuple[str, Wanted]] = []
        self._replaced: list[Held] = []

    def carry_out(self, plan: Plan) -> str | None:
        for change in plan.changes:
            if change.held and change.wanted:
                self._ids[change.kind, change.slot] = change.held.id
        try:
            for kind in ("connector", "component", "stack"):
                for change in plan.changes:
                    if change.kind == kind and change.wanted:
                        self._make(change)
        except BaseException:
            self._take_back()
            raise
        gone = [*self._replaced, *(change.held for change in plan.changes if change.action == "remove" and change.held)]
        for kind in ("stack", "component", "connector"):
            for held in gone:
                if held.kind == kind:
                    self._progress(f"removing {_what(held)} {held.name}")
                    self._zenml.remove(held.kind, held.id, held.name)
        for id_, wanted in self._renames:
            self._zenml.update(id_, wanted, self._ids)
        return self._ids.get(("stack", "stack"))

    def _make(self, change: Change) -> None:
        want = change.wanted
        if want is None:
            return
        if change.action == "create":
            self._create(want, want.name)
        elif change.action == "replace" and change.held:
            # Under a name of its own until the old one is gone: the stack goes over in one step.
            self._create(want, f"{want.name}-{secrets.token_hex(3)}")
            self._replaced.append(change.held)
            self._renames.append((self._ids[change.kind, change.slot], want))
        elif change.held and (change.action == "update" or self._refers_to_a_replaced_one(want)):
            self._progress(f"updating {_what(want)} {want.name}")
            self._zenml.update(change.held.id, want, self._ids)

    def _create(self, want: Wanted, name: str) -> None:
        self._progress(f"creating {_what(want)} {name}")
        id_ = self._zenml.create(want, name, self._ids)
        self._ids[want.kind, want.slot] = id_
        self._created.append((want.kind, id_, name))

    def _refers_to_a_replaced_one(self, want: Wanted) -> bool:
        replaced = {(held.kind, held.slot) for held in self._replaced}
        if want.kind == "component":
            return ("connector", want.content["connector"]) in replaced
        return want.kind == "stack" and any(kind == "component" for kind, _ in replaced)

    def _take_back(self) -> None:
        for kind, id_, name in reversed(self._created):
            try:
                self._zenml.remove(kind, id_, name)
            except MLStackError:
                self._progress(f"{kind} {name} is left behind; the next run takes it up")


def _what(each: Wanted) -> str:
    return each.slot.replace("_", " ") if each.kind == "component" else each.kind


def _verify_one(zenml: ZenML, want: Wanted, progress: Progress, limit: float) -> None:
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
                zenml.verify(want)
    except MLStackError:
        raise
    except Exception as error:
        role = want.content["configuration"].get("role_arn", "no role")
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise VerificationError(
            f"connector {want.name}: the server cannot use {role}: {said[:400]}", hint=_way_out(said)
        ) from None


def _may_pass(error: BaseException) -> bool:
    """Refused by AWS, which new identities are at first; not by the server's own settings, which stay as they are."""
    return type(error).__name__ == "AuthorizationException" and "implicit" not in str(error).lower()


def _way_out(said: str) -> str:
    if "implicit" in said.lower():
        return "set ZENML_ENABLE_IMPLICIT_AUTH_METHODS=true on the ZenML server, or mlstack:connector.auth to none"
    if "AssumeRole" in said:
        return "mlstack:connector.principal must be the identity that the server runs as, with leave to assume it"
    return "run `pulumi up` for this environment; or skip this with --no-verify"
