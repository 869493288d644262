"""All stacks of an environment at once, as the commands have them: the one that there is, or one for each team."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlstack.access_key import AccessKey
from mlstack.contract import MLStackOutputs, Stack
from mlstack.errors import MLStackError
from mlstack.registration.session import Progress, Result, Session

if TYPE_CHECKING:
    from mlstack.registration.client import ZenML
    from mlstack.registration.objects import Held


@contextmanager
def sessions(
    stacks: Iterable[tuple[MLStackOutputs, AccessKey | None]], say: Progress, *, complete: bool = True
) -> Iterator["Sessions"]:
    """With a server that answered. `complete`: these are all stacks of the environment. Raises ServerError."""
    from mlstack.registration.client import ZenML
    from mlstack.registration.server import connection
    from mlstack.registration.versions import client_version, refuse_unreadable

    with connection() as server:
        say(f"connecting to {server.url} (ZenML {server.version})")
        refuse_unreadable(server, client_version())
        yield Sessions(tuple(stacks), ZenML(server), say, complete=complete)


class Sessions:
    """What Session does, for one stack after the other. Of one stack alone results are as Session has them.

    Of teams they are by team below `teams`, and the changes of all together below `changes`.
    """

    def __init__(
        self,
        stacks: tuple[tuple[MLStackOutputs, AccessKey | None], ...],
        zenml: "ZenML",
        say: Progress,
        *,
        complete: bool,
    ) -> None:
        self._contracts = [contract for contract, _ in stacks]
        self._zenml = zenml
        self._say = say
        self._complete = complete
        self._sessions = {contract.team: Session(contract, key, zenml, self._of(contract)) for contract, key in stacks}

    def plan(self, *, adopt: bool = False) -> Result:
        """What `register` would do."""
        held = self._zenml.snapshot()
        return self._together(
            self._each(lambda stack: stack.plan(held, adopt=adopt)),
            self._gone(held, lambda stack: stack.deregister(dry_run=True)),
        )

    def register(
        self, *, verify: bool = True, adopt: bool = False, wait: float = 0, despite_runs: bool = False
    ) -> Result:
        """Make ZenML hold what the contracts say, each of them whole or not at all; and forget teams that are gone.

        A team that fails ends it; those before it are registered, and run again it goes on. Raises MLStackError.
        """
        held = self._zenml.snapshot()

        def make(stack: Session) -> Result:
            return stack.register(held, verify=verify, adopt=adopt, wait=wait, despite_runs=despite_runs)

        return self._together(
            self._each(make), self._gone(held, lambda stack: stack.deregister(wait=wait, despite_runs=despite_runs))
        )

    def deregister(self, *, dry_run: bool = False, wait: float = 0, despite_runs: bool = False) -> Result:
        """Remove what `register` made for these stacks, and for teams that are gone. Raises MLStackError."""

        def remove(stack: Session) -> Result:
            return stack.deregister(dry_run=dry_run, wait=wait, despite_runs=despite_runs)

        return self._together(self._each(remove), self._gone(self._zenml.snapshot(), remove))

    def try_connectors(self) -> None:
        """Let the server try what is registered, whether it changed or not. Raises VerificationError."""
        for session in self._sessions.values():
            session.try_connectors()

    def _each(self, do: Callable[[Session], Result]) -> dict[str | None, Result]:
        results: dict[str | None, Result] = {}
        for team, session in self._sessions.items():
            try:
                results[team] = do(session)
            except MLStackError as error:
                if team is not None:
                    error.message = f"team {team}: {error.message}"
                raise
        return results

    def _gone(self, held: "tuple[Held, ...]", do: Callable[[Session], Result]) -> dict[str | None, Result]:
        """Of stacks of this environment that ZenML holds and no contract speaks of any more."""
        if not self._complete:
            return {}
        return {
            contract.team: do(Session(contract, None, self._zenml, self._of(contract))) for contract in self._left(held)
        }

    def _left(self, held: "tuple[Held, ...]") -> list[MLStackOutputs]:
        from mlstack.registration.objects import ENVIRONMENT_LABEL, PROJECT_LABEL

        one = self._contracts[0]
        known = {contract.place for contract in self._contracts}
        left: dict[str, str] = {}
        for each in held:
            place = each.labels.get(ENVIRONMENT_LABEL, "")
            of_this = each.labels.get(PROJECT_LABEL) == one.project and place.partition("/")[0] == one.environment
            if of_this and place not in known and (each.kind == "stack" or place not in left):
                left[place] = each.name
        return [
            one.model_copy(
                update={
                    "team": place.partition("/")[2] or None,
                    "stack": Stack(name=name, description=""),
                }
            )
            for place, name in left.items()
        ]

    def _of(self, contract: MLStackOutputs) -> Progress:
        if contract.team is None:
            return self._say
        return lambda text: self._say(f"{contract.team}: {text}")

    def _together(self, results: Mapping[str | None, Result], gone: Mapping[str | None, Result]) -> Result:
        if set(results) == {None} and not gone:
            return results[None]
        every = [*results.items(), *gone.items()]
        first: Mapping[str, Any] = every[0][1]
        together: dict[str, Any] = {
            "changed": any(result["changed"] for _, result in every),
            "changes": [{**change, "team": team} for team, result in every for change in result["changes"]],
            "server": first["server"],
            "stack": ", ".join(str(result["stack"]) for result in results.values()),
            "dry_run": first["dry_run"],
            "warnings": list(dict.fromkeys(warning for _, result in every for warning in result["warnings"])),
            "teams": {team or "": result for team, result in every},
        }
        if all("dashboard" in result for result in results.values()):
            together["dashboard"] = f"{self._zenml.server.dashboard}/stacks"
        return together
