"""What must not happen unseen. Each guard has a level for an environment; what is overridden says why, and is shown."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mlstack.errors import UsageError, nearest
from mlstack.review.model import Change, ContractChange, Document, Finding, Level, PolicyResult
from mlstack.review.rules import Allowance

KINDS = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:ecr/repository:Repository": "repository",
    "aws:kms/key:Key": "key",
    "aws:cloudwatch/logGroup:LogGroup": "log group",
}
"""What holds data that cannot be had back, and what people call it."""

_Said = tuple[str, str | None]
"""What there is to say, and the line of code that it is about."""


@dataclass(frozen=True)
class Subject:
    """What guards look at."""

    changes: tuple[Change, ...]
    documents: tuple[Document, ...]
    contract: tuple[ContractChange, ...]
    policies: tuple[PolicyResult, ...]
    drift: bool = False
    """Whether the changes are what somebody did in AWS, not what a deployment would do."""
    unprotected: Mapping[str, str | None] = field(default_factory=dict)
    """Name and line of code."""
    engine: tuple[str, str] = ("", "")
    """Releases, before and now."""


def _data(subject: Subject) -> Iterable[_Said]:
    for each in subject.changes:
        if each.type in KINDS and subject.drift and each.operation == "delete":
            yield f"{KINDS[each.type]} `{each.name}` is gone from AWS", each.source
        elif each.type in KINDS and each.operation in ("delete", "replace"):
            why = f" because {', '.join(each.reasons)} changes" if each.reasons else ""
            fate = "and stays in AWS" if each.retained else "with what is in it" if _emptied(each) else "if it is empty"
            yield f"{KINDS[each.type]} `{each.name}` is {each.operation}d {fate}{why}", each.source


def _protected(subject: Subject) -> Iterable[_Said]:
    names = [each.name for each in subject.changes if each.protected and each.operation in ("delete", "replace")]
    if names and not subject.drift:
        yield f"`pulumi up` would refuse to delete or replace {_some(names)}", None


def _unprotected(subject: Subject) -> Iterable[_Said]:
    if subject.unprotected:
        source = next((each for each in subject.unprotected.values() if each), None)
        yield (
            f"no longer protected, so that a deployment may delete or replace it: {_some(subject.unprotected)}",
            source,
        )


def _some(names: Iterable[str]) -> str:
    quoted = [f"`{each}`" for each in names]
    more = f" and {len(quoted) - _NAMED} more" if len(quoted) > _NAMED else ""
    return f"{', '.join(quoted[:_NAMED])}{more}"


def _force(subject: Subject) -> Iterable[_Said]:
    for each in subject.changes:
        for switch in ("forceDestroy", "forceDelete"):
            if each.new.get(switch) and not each.old.get(switch):
                yield f"`{each.name}` may be deleted together with what is in it from now on ({switch})", each.source


def _broadened(subject: Subject) -> Iterable[_Said]:
    for each in subject.documents:
        if each.verdict in ("broadened", "undetermined"):
            what = "allows more" if each.verdict == "broadened" else "could not be judged"
            yield f"{each.kind} of `{each.whose}` {what}: {each.witness}", each.source


def _opened(subject: Subject) -> Iterable[_Said]:
    for each in subject.documents:
        if each.verdict == "opened":
            yield f"{each.kind} of `{each.whose}` is opened {each.witness}", each.source


def _public(subject: Subject) -> Iterable[_Said]:
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    gone = {
        each.old.get("bucket") for each in subject.changes if "s3/bucket:" in each.type and each.operation == "delete"
    }
    for each in subject.changes:
        is_block = each.type == "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
        if not is_block or (each.operation == "delete" and each.old.get("bucket") in gone):
            continue
        off = [name for name in switches if each.old.get(name) and not each.new.get(name)]
        if off:
            yield f"`{each.name}` no longer blocks public access: {', '.join(off)}", each.source


def _rules(subject: Subject) -> Iterable[_Said]:
    for each in subject.policies:
        if each.enforcement == "mandatory" and not each.could_not_run:
            yield f"rule {each.rule} is broken by `{each.resource}`", None


def _blind_rules(subject: Subject) -> Iterable[_Said]:
    for each in subject.policies:
        if each.could_not_run:
            yield f"rule {each.rule} could not judge `{each.resource}`", None


def _provider(subject: Subject) -> Iterable[_Said]:
    jumps = {each.provider for each in subject.changes if each.provider[0] and len(set(each.provider)) > 1}
    for before, after in sorted(jumps):
        yield f"provider {before} becomes {after}: a major release may replace what it does not have to", None


def _engine(subject: Subject) -> Iterable[_Said]:
    before, now = subject.engine
    if before and now and _major(before) != _major(now):
        yield f"the engine {before} becomes {now}: the other release cannot read the state afterwards", None


def _major(release: str) -> str:
    return release.removeprefix("v").partition(".")[0]


def _contract(subject: Subject) -> Iterable[_Said]:
    for each in subject.contract:
        if each.path in ("project", "environment", "account_id", "region"):
            yield f"{each.path} of the contract changes: ZenML takes it for another stack: refused, or made twice", None


_NAMED = 5

GUARDS: Mapping[str, tuple[Callable[[Subject], Iterable[_Said]], Level]] = {
    "data-loss": (_data, "fail"),
    "protected": (_protected, "fail"),
    "protection-removed": (_unprotected, "warn"),
    "force-destroy": (_force, "warn"),
    "iam-broadened": (_broadened, "warn"),
    "iam-opened": (_opened, "fail"),
    "public-exposure": (_public, "fail"),
    "policy-broken": (_rules, "fail"),
    "policy-could-not-run": (_blind_rules, "warn"),
    "provider-major": (_provider, "warn"),
    "engine-major": (_engine, "warn"),
    "contract-identity": (_contract, "fail"),
}
"""By name, with the level that it has where nothing is said."""


def findings(
    subject: Subject, levels: Mapping[str, Level], allowances: Iterable[Allowance] = ()
) -> tuple[Finding, ...]:
    """Worst first. Raises UsageError for a guard that there is none of."""
    allowances = tuple(allowances)
    for name in (*levels, *(each.guard for each in allowances)):
        if name not in GUARDS:
            raise UsageError(f"there is no guard {name!r}{nearest(name, GUARDS)}")
    found = [
        Finding(guard=name, level=level, said=said, source=source, overridden=_allowed(name, said, allowances))
        for name, (look, default) in GUARDS.items()
        if (level := levels.get(name, default)) != "off"
        for said, source in look(subject)
    ]
    return tuple(sorted(found, key=lambda each: (each.overridden is not None, each.level != "fail")))


def _allowed(guard: str, said: str, allowances: Iterable[Allowance]) -> str | None:
    for each in allowances:
        if each.guard == guard and each.resource in said:
            return f"{each.reason} (until {each.until})"
    return None


def _emptied(change: Change) -> bool:
    return bool(change.old.get("forceDestroy") or change.old.get("forceDelete"))
