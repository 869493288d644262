"""What happens to every policy document: narrowed, broadened, opened. The IAM evaluator judges, never a word count."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlstack.iam.conditions import PolicyError
from mlstack.iam.containment import Containment, contained
from mlstack.iam.policy import Policy
from mlstack.outcome import Step
from mlstack.review.model import Change, Document, Statement
from mlstack.review.statements import DOCUMENTS, UNKNOWN, iam_changes, owner


def statements(changes: Iterable[Change]) -> tuple[Statement, ...]:
    """Each statement that comes or goes."""
    steps = [Step(operation=each.operation, urn=each.urn, old=each.old, new=each.new) for each in changes]
    return tuple(iam_changes(steps))


def documents(changes: Iterable[Change], account: str | None) -> tuple[Document, ...]:
    """Each document that is not the same afterwards. `account`: whoever is of another one is a stranger."""
    return tuple(
        each.model_copy(update={"source": change.source})
        for change in changes
        for each in _documents(change, account)
        if each.verdict != "same"
    )


_LIMITS = "endpoint policy"


def _documents(change: Change, account: str | None) -> Iterator[Document]:
    if change.type not in DOCUMENTS:
        return
    prop, kind, owned_by = DOCUMENTS[change.type]
    old, new = change.old.get(prop), change.new.get(prop)
    if not old and not new:
        return
    whose = owner(change.name, change.new or change.old, owned_by)
    if UNKNOWN in json.dumps(new):
        yield Document(whose=whose, kind=kind, verdict="undetermined", witness="the document is known after apply")
        return
    # An endpoint's policy gives nobody anything: it limits what those may do who already may.
    strangers = [] if kind == _LIMITS else sorted(_strangers(new, account) - _strangers(old, account))
    if strangers:
        yield Document(whose=whose, kind=kind, verdict="opened", witness=f"to {', '.join(strangers)}")
    elif not old:
        yield Document(whose=whose, kind=kind, verdict="new")
    elif not new:
        yield Document(whose=whose, kind=kind, verdict="removed")
    else:
        yield _compared(whose, kind, old, new)


def _compared(whose: str, kind: str, old: Any, new: Any) -> Document:
    try:
        before, after = Policy.parse(_text(old)), Policy.parse(_text(new))
    except PolicyError as error:
        return Document(whose=whose, kind=kind, verdict="undetermined", witness=str(error))
    grows = contained(after, before)
    if grows.verdict is Containment.NOT_CONTAINED and grows.witness:
        request = grows.witness
        by = request.caller.service or next(iter(request.caller.arns), "")
        said = request.action + (f" on {request.resource}" if request.resource else "") + (f" by {by}" if by else "")
        return Document(whose=whose, kind=kind, verdict="broadened", witness=said)
    if grows.verdict is Containment.UNDETERMINED:
        return Document(whose=whose, kind=kind, verdict="undetermined", witness=grows.unproven)
    same = contained(before, after).verdict is Containment.CONTAINED
    return Document(whose=whose, kind=kind, verdict="same" if same else "narrowed")


def _strangers(document: Any, account: str | None) -> set[str]:
    """Whom a document allows that is not of the account: everyone, another account, or somebody in it."""
    found: set[str] = set()
    if not document:
        return found
    for statement in _statements(json.loads(_text(document))):
        if statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal") or {}
        named = [principal] if isinstance(principal, str) else _list(principal.get("AWS"))
        if "NotPrincipal" in statement:
            named.append("*")
        # A condition on who asks may bring it back to the account; a role's trust is to be read with its own.
        if "*" in named and not _is_held_to(statement.get("Condition") or {}, account):
            found.add("everyone")
        found |= {each for each in named if each != "*" and account and account not in each}
    return found


def _is_held_to(conditions: Mapping[str, Mapping[str, Any]], account: str | None) -> bool:
    """Whether a condition lets in nobody but the account or its organisation."""
    keys = {"aws:principalaccount", "aws:sourceaccount", "aws:principalorgid", "aws:principalarn", "aws:sourcearn"}
    return any(
        key.lower() in keys and all(account is None or account in str(value) or "o-" in str(value) for value in values)
        for operator, tests in conditions.items()
        if not operator.startswith("StringNot") and not operator.endswith("IfExists")
        for key, values in ((key, _list(value)) for key, value in tests.items())
    )


def _statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each for each in _list(document.get("Statement")) if isinstance(each, dict)]


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]
