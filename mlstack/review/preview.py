"""Reads what `pulumi preview` wrote: its digest, and the engine's event log of the same run, merged by URN.

The digest alone knows source positions and what a value waits for; the event log alone knows the new outputs and the
results of policies. Neither has a published schema: only what is used is looked at.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.errors import UsageError
from mlstack.outcome import SAYS_NOTHING, Step
from mlstack.review.model import Change, PolicyResult
from mlstack.review.statements import UNKNOWN

_NO_CHANGE = {"same", "read", "refresh", "discard"}
_PARTS_OF_A_REPLACEMENT = {"create-replacement", "delete-replaced", "read-replacement", "discard-replaced"}
_INTERNAL = ("pulumi:providers:", "pulumi:pulumi:")


@dataclass
class Preview:
    """One run of the engine."""

    project: str
    environment: str
    changes: list[Change] = field(default_factory=list)
    policies: list[PolicyResult] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    account: str | None = None
    region: str | None = None
    contract: tuple[Any, Any] = (None, None)
    """Before and after; None where there is none, or where it is not known."""
    unprotected: dict[str, str | None] = field(default_factory=dict)
    """What is no longer protected, with its line of code: no operation of the engine says so."""
    engine: tuple[str, str] = ("", "")
    """Release that wrote the state, and the one that runs now: `v3.259.0`. Empty: not known."""
    failed: bool = False

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(change.operation for change in self.changes))


def read(digest: str, events: str | None = None, *, origin: str = "the preview") -> Preview:
    """Raises UsageError for what is no digest of a preview, or an event log of another run."""
    document = _digest(digest, origin)
    steps = [step for step in document.get("steps") or [] if isinstance(step, dict) and "urn" in step]
    project, environment = _names(steps, document)
    config = document.get("config") or {}
    preview = Preview(project, environment, account=_account(config), region=config.get("aws:region"))
    names = {step["urn"]: step["urn"].rpartition("::")[2] for step in steps}
    preview.unprotected = dict(_unprotected(step) for step in steps if _loses_protection(step))
    preview.changes = [_change(step, names) for step in steps if _counts(step)]
    for said in document.get("diagnostics") or []:
        if said.get("severity") == "error" and (text := _plain(said.get("message", ""))):
            preview.problems.append(text)
            preview.failed = True
    preview.contract = (_contract(_outputs(steps, "oldState")), None)
    if events is not None:
        _merge(preview, [*_events(events)], {step["urn"] for step in steps}, origin)
    preview.problems = [
        each for each in dict.fromkeys(preview.problems) if not any(words in each for words in SAYS_NOTHING)
    ]
    # A broken mandatory rule ends a preview as failed that has looked at everything.
    ended_by_a_rule = any(each.enforcement == "mandatory" for each in preview.policies)
    preview.failed = bool(preview.problems) or (preview.failed and not ended_by_a_rule)
    return preview


def _digest(text: str, origin: str) -> dict[str, Any]:
    try:
        # A failed program may print lines of its own before it.
        document = json.loads(text[text.index("{") :])
    except ValueError:
        raise UsageError(
            f"{origin} is not what `pulumi preview --json` prints, or not all of it", hint="run the preview again"
        ) from None
    if not isinstance(document, dict) or not {"steps", "diagnostics", "changeSummary"} & document.keys():
        raise UsageError(f"{origin} is JSON, but not of a preview", hint="write it with `pulumi preview --json > FILE`")
    return document


def _names(steps: list[dict[str, Any]], document: Mapping[str, Any]) -> tuple[str, str]:
    for step in steps:
        parts = step["urn"].split("::")
        return parts[1], parts[0].removeprefix("urn:pulumi:")
    key = next((key for key in document.get("config") or {} if ":" in key), ":")
    return key.partition(":")[0], ""


def _account(config: Mapping[str, Any]) -> str | None:
    try:
        named = json.loads(config.get("aws:allowedAccountIds") or "[]")
    except ValueError:
        return None
    return str(named[0]) if isinstance(named, list) and named else None


def _counts(step: Mapping[str, Any]) -> bool:
    operation = step.get("op", "same")
    kind = step["urn"].split("::")[2].rpartition("$")[2] if step["urn"].count("::") >= 3 else ""
    return operation not in _NO_CHANGE | _PARTS_OF_A_REPLACEMENT and not kind.startswith(_INTERNAL)


def _loses_protection(step: Mapping[str, Any]) -> bool:
    old, new = step.get("oldState") or {}, step.get("newState")
    return bool(new and old.get("protect") and not new.get("protect"))


def _unprotected(step: Mapping[str, Any]) -> tuple[str, str | None]:
    return step["urn"].rpartition("::")[2], _source(step["newState"].get("sourcePosition") or "")


def _change(step: Mapping[str, Any], names: Mapping[str, str]) -> Change:
    old, new = step.get("oldState") or {}, step.get("newState") or {}
    about = Step(operation=step["op"], urn=step["urn"])
    inputs = new.get("inputs") or {}
    waiting = new.get("propertyDependencies") or {}
    return Change(
        operation=step["op"],
        urn=step["urn"],
        type=about.type,
        name=about.name,
        component=about.component,
        old=old.get("inputs") or {},
        new=inputs if step["op"] != "delete" else {},
        reasons=tuple(step.get("replaceReasons") or ()),
        protected=bool(old.get("protect")),
        retained=bool(old.get("retainOnDelete")),
        source=_source(new.get("sourcePosition") or ""),
        provider=(_major(old.get("provider")), _major(new.get("provider"))) if new.get("provider") else ("", ""),
        waits_for={
            key: tuple(names.get(urn, urn.rpartition("::")[2]) for urn in waiting.get(key) or [])
            for key, value in inputs.items()
            if UNKNOWN in json.dumps(value)
        },
    )


def _major(provider: str | None) -> str:
    """From `...::pulumi:providers:aws::default_7_51_1::<id>`; a provider of the program's own says no release."""
    name = (provider or "").split("::")
    if len(name) < 4 or not name[3].startswith("default_"):
        return ""
    return f"{name[2].rpartition(':')[2]} {name[3].removeprefix('default_').partition('_')[0]}"


def _source(position: str) -> str | None:
    """Within the project only: a path outside it is one of the machine that ran the preview."""
    path, _, line = position.removeprefix("project:///").rpartition("#")
    return f"{path}:{line}" if path and not path.startswith((".", "/")) and line.isdecimal() else None


def _outputs(steps: list[dict[str, Any]], state: str) -> Mapping[str, Any]:
    root = next((step for step in steps if "pulumi:pulumi:Stack" in step["urn"]), {})
    return (root.get(state) or {}).get("outputs") or {}


def _contract(outputs: Mapping[str, Any]) -> Any:
    try:
        return json.loads(outputs["mlstack"])
    except (KeyError, TypeError, ValueError):
        return None


def _events(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the last line of a run that was cut off
        if isinstance(event, dict):
            yield event


def _merge(preview: Preview, events: list[dict[str, Any]], known: set[str], origin: str) -> None:
    seen = {event["resourcePreEvent"]["metadata"]["urn"] for event in events if "resourcePreEvent" in event}
    if seen and known and not known & seen:
        raise UsageError(
            f"the event log and {origin} are of two different runs", hint="one run writes both: see --help"
        )
    for event in events:
        if said := event.get("policyEvent"):
            preview.policies.append(_policy(said))
        elif ended := event.get("resOutputsEvent"):
            metadata = ended["metadata"]
            if "pulumi:pulumi:Stack" in metadata["urn"]:
                after = _contract((metadata.get("new") or {}).get("outputs") or {})
                preview.contract = (preview.contract[0], after)
        elif (summary := event.get("summaryEvent")) and summary.get("result") in ("failed", "canceled"):
            preview.failed = True


def _policy(said: Mapping[str, Any]) -> PolicyResult:
    message = _plain(said.get("message", ""))
    return PolicyResult(
        rule=said.get("policyName", "?"),
        enforcement=said.get("enforcementLevel", "?"),
        resource=str(said.get("resourceUrn") or "").rpartition("::")[2],
        said=message,
        could_not_run="can't run policy" in message,
    )


def _plain(message: str) -> str:
    for mark in ("<{%reset%}>", "<{%fg 1%}>", "<{%bold%}>"):
        message = message.replace(mark, "")
    return message.strip()
