"""The report of one preview. What a later engine says beyond it is tolerated; unknown operations count as changes."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Level = Literal["off", "warn", "fail"]
Access = Literal["new", "removed", "narrowed", "broadened", "opened", "same", "undetermined"]
"""Of a policy document: what it allows afterwards, against what it allowed before.

`opened`: to another account or to everyone. `undetermined`: neither containment nor a counterexample was found.
"""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Change(_Model):
    """One resource that changes."""

    operation: str
    """`create`, `update`, `replace`, `delete`, or whatever a later engine calls it."""
    urn: str
    type: str
    name: str
    component: str
    old: dict[str, Any] = Field(default_factory=dict)
    """Inputs before, secrets masked."""
    new: dict[str, Any] = Field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    """Properties that force a replacement."""
    protected: bool = False
    retained: bool = False
    """Stays in AWS when the engine forgets it."""
    source: str | None = None
    """`components/role.py:39`."""
    provider: tuple[str, str] = ("", "")
    """Name and major release before and after: `aws 6`, `aws 7`."""
    waits_for: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Property that is not known yet, and the names of the resources that it is computed from."""


class Document(_Model):
    """A policy document that changes."""

    whose: str
    kind: str
    verdict: Access
    source: str | None = None
    """Line of code that declares it."""
    witness: str = ""
    """Of what was broadened: a request that is allowed from now on. Of `undetermined`: what could not be judged."""


class Statement(_Model):
    """A statement, attached policy, boundary or key that comes (`+`) or goes (`-`)."""

    sign: Literal["+", "-"]
    whose: str
    kind: str
    effect: str = ""
    principals: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    conditions: str = ""


class ContractChange(_Model):
    """A value of the output contract, and so what `mlstack register` will do about it."""

    path: str
    old: Any = None
    new: Any = None


class Finding(_Model):
    """What a guard has to say."""

    guard: str
    level: Level
    said: str
    source: str | None = None
    """Line of code that it is about, when it is about one."""
    overridden: str | None = None
    """Why it is allowed all the same, as the settings record it."""


class PolicyResult(_Model):
    """A rule of a policy pack that was broken, or could not run."""

    rule: str
    enforcement: str
    resource: str
    said: str
    could_not_run: bool = False


class CostLine(_Model):
    """What a resource costs from now on, or does not any more."""

    name: str
    type: str
    monthly: float | None = None
    """USD a month, less than 0 for what goes. None: nothing is known, or it depends on use alone."""
    said: str = ""
    """Unit prices of what depends on use, or that it is not priced."""


class Report(_Model):
    """Everything that a reviewer has to know of one environment."""

    schema_version: Literal[1] = 1
    project: str
    environment: str
    drift: bool = False
    """What differs in AWS from what was deployed, not what a change of the program would do."""
    partial: bool = False
    """The preview failed: what is below is what it had found until then."""
    problems: tuple[str, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict)
    """Changes by operation, counted from the steps: the engine's own summary is wrong when a preview fails."""
    changes: tuple[Change, ...] = ()
    documents: tuple[Document, ...] = ()
    statements: tuple[Statement, ...] = ()
    contract: tuple[ContractChange, ...] = ()
    cost: tuple[CostLine, ...] = ()
    prices: str = ""
    """Of what day and from where the prices are. Empty: none are known of this region."""
    policies: tuple[PolicyResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    plan_hash: str = ""
    """Of what would be done: equal for equal plans, whenever and wherever they are made."""

    @property
    def fails(self) -> bool:
        return any(each.level == "fail" and each.overridden is None for each in self.findings)
