"""One contract and one server: what the commands, `mlstack deploy` and the program's own hook all call."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlstack.access_key import AccessKey
from mlstack.contract import MLStackOutputs

if TYPE_CHECKING:
    from mlstack.registration.client import ZenML
    from mlstack.registration.objects import Held
    from mlstack.registration.plan import Plan

HOOKED = "mlstack:index:Registration"
"""Type of what carries the hooks of `mlstack:register: automatic` (automatic.py)."""
BY_COMMAND = "MLSTACK_REGISTERED_BY_COMMAND"
"""Environment variable with which `mlstack deploy` and `destroy` keep those hooks quiet: they do it themselves."""

Progress = Callable[[str], None]
Result = Mapping[str, Any]
"""A plan as JSON, with `server`, `stack`, `dry_run`, and where there is a stack its `stack_id` and `dashboard`."""


@contextmanager
def session(contract: MLStackOutputs, key: AccessKey | None, say: Progress) -> Iterator["Session"]:
    """With a server that answered. `key`: what `connector.auth: iam-role` needs. Raises ServerError."""
    from mlstack.registration.client import ZenML
    from mlstack.registration.server import connection
    from mlstack.registration.versions import client_version, refuse_unreadable

    with connection() as server:
        say(f"connecting to {server.url} (ZenML {server.version})")
        refuse_unreadable(server, client_version())
        yield Session(contract, key, ZenML(server), say)


class Session:
    """Plans, and carries plans out."""

    def __init__(self, contract: MLStackOutputs, key: AccessKey | None, zenml: "ZenML", say: Progress) -> None:
        self._contract = contract
        self._key = key
        self._zenml = zenml
        self._say = say
        self._warnings: tuple[str, ...] = ()

    def plan(self, held: "tuple[Held, ...] | None" = None, *, adopt: bool = False) -> Result:
        """What `register` would do. `held`: what the server holds, when it was asked just now."""
        self._note()
        return self._result(self._plan(self._zenml.snapshot() if held is None else held, adopt=adopt), dry_run=True)

    def register(
        self,
        held: "tuple[Held, ...] | None" = None,
        *,
        verify: bool = True,
        adopt: bool = False,
        wait: float = 0,
        despite_runs: bool = False,
    ) -> Result:
        """Make ZenML hold what the contract says, all of it or nothing.

        `held`: what the server holds, when it was asked just now; what is to be changed is looked at again.
        `wait`: seconds for pipeline runs that this would break. Raises MLStackError.
        """
        from mlstack.registration import apply

        self._note()
        made = self._plan(self._zenml.snapshot() if held is None else held, adopt=adopt)
        if made.empty:
            self._sweep()
            return self._result(made, stack_id=made.stack_id)
        if verify:
            apply.verify(self._zenml, made, self._say)
        with self._claimed():
            before = self._zenml.snapshot()
            made = self._plan(before, adopt=adopt)
            self._leave_runs_alone(made, wait, despite_runs)
            stack_id = apply.apply(self._zenml, made, before, self._say)
        return self._result(made, stack_id=stack_id)

    def deregister(self, *, dry_run: bool = False, wait: float = 0, despite_runs: bool = False) -> Result:
        """Remove what `register` made for this environment, and nothing else. Raises MLStackError."""
        from mlstack.registration import apply

        made = self._removal()
        if made.empty and not dry_run:
            self._sweep()
        elif not dry_run:
            with self._claimed():
                made = self._removal()
                self._leave_runs_alone(made, wait, despite_runs)
                apply.remove(self._zenml, made, self._say)
        return self._result(made, dry_run=dry_run)

    def try_connectors(self) -> None:
        """Let the server try what is registered, whether it changed or not. Raises VerificationError."""
        from mlstack.registration import apply

        ours = (each for each in self._zenml.snapshot() if self._is_ours(each) and each.kind == "connector")
        apply.verify_stored(self._zenml, ours, self._say)

    def _note(self) -> None:
        from mlstack.registration import identity

        if noted := identity.note(self._zenml.server, self._contract):
            self._say(f"note: {noted}")

    def _plan(self, held: "tuple[Held, ...]", *, adopt: bool = False) -> "Plan":
        from mlstack.registration.objects import wanted
        from mlstack.registration.plan import make_plan

        desired = [self._zenml.normalised(each) for each in wanted(self._known(), self._key)]
        comparable = [self._zenml.comparable(each) for each in held]
        return make_plan(desired, comparable, self._contract.project, self._contract.place, adopt=adopt)

    def _known(self) -> MLStackOutputs:
        """What of the contract the server can hold. What it cannot, and a release that differs, is said once."""
        from mlstack.registration.versions import client_version, difference, known_to

        contract, left_out = known_to(self._contract, self._zenml.flavors, self._zenml.server)
        warnings = (*difference(self._zenml.server, client_version()), *left_out)
        for warning in warnings:
            if warning not in self._warnings:
                self._say(f"warning: {warning}")
        self._warnings = warnings
        return contract

    def _removal(self) -> "Plan":
        from mlstack.registration.plan import removal_plan

        return removal_plan(self._zenml.snapshot(), self._contract.project, self._contract.place)

    def _claimed(self) -> Any:
        from mlstack.registration.claim import claimed

        return claimed(self._zenml, self._contract.project, self._contract.place, self._say)

    def _sweep(self) -> None:
        from mlstack.registration.claim import sweep

        sweep(self._zenml, self._contract.project, self._contract.place)

    def _leave_runs_alone(self, made: "Plan", wait: float, despite_runs: bool) -> None:
        from mlstack.registration.running import until_nothing_runs

        if not despite_runs:
            until_nothing_runs(self._zenml, made, wait, self._say)

    def _is_ours(self, held: "Held") -> bool:
        return held.belongs_to(self._contract.project, self._contract.place)

    def _result(self, made: "Plan", *, dry_run: bool = False, stack_id: str | None = None) -> Result:
        server = self._zenml.server
        about: dict[str, Any] = {"server": server.url, "stack": self._contract.stack.name, "dry_run": dry_run}
        about["warnings"] = list(self._warnings)
        if stack_id:
            about |= {"stack_id": stack_id, "dashboard": f"{server.dashboard}/stacks?id={stack_id}"}
        return {**made.as_json(), **about}
