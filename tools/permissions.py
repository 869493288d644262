"""Writes docs/permissions.md: every statement of every policy that the program declares, and why it is there.

Stacks are built as the tests build them. Shown whole is the one with everything on; of the others, what differs.
Then what `mlstack backend bootstrap` makes outside of every stack, and what whoever runs it needs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from components.iam import Statement
from mlstack.backend import documents as backend
from mlstack.backend.place import DEPLOY, PREVIEW, Place
from tests.components.stacks import CASES, program
from tests.recording import Recording, Registered, record

FILE = Path(__file__).parents[1] / "docs" / "permissions.md"

WHOLE = "everything on"

HEAD = """# Permissions

Written by `python -m tools.permissions` from the statements in `components/` and `mlstack/backend/`. Account
`123456789012`, region `eu-west-1` and environment `dev` stand for yours. Nothing else is granted: no managed policy is
attached, and no allowed action has a wildcard. `tests/least_privilege/` holds each role against the calls that are
really made, both ways.

| document | kind | statements | actions |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Document:
    kind: str
    """`permissions`, `trust`, `bucket policy` ..."""
    of: str
    """Whose: the role's purpose, the bucket, the endpoint."""
    statements: tuple[Statement, ...]

    @property
    def title(self) -> str:
        return f"{self.of}: {self.kind}" if self.of != "key" else self.kind


def documents(case: str) -> list[Document]:
    """All policy documents of a stack: those of roles, then those that stand at what is asked for."""
    told: dict[str, Statement] = {}
    as_json = Statement.as_json

    def listening(statement: Statement) -> dict[str, object]:
        rendered = as_json(statement)
        told[json.dumps(rendered, sort_keys=True)] = statement
        return rendered

    with patch.object(Statement, "as_json", listening):
        recording = record(program(CASES[case]))
    found = [
        Document(kind, of, tuple(told[json.dumps(each, sort_keys=True)] for each in json.loads(text)["Statement"]))
        for kind, of, text in _texts(recording)
    ]
    # The engine declares side by side, so the order of declaration is not the same each time.
    return sorted(found, key=lambda each: (_ORDER.index(each.of.partition(" ")[0]), each.of, each.kind != "trust"))


def _texts(recording: Recording) -> Iterator[tuple[str, str, str]]:
    for resource in recording.customs:
        kind = resource.type.rpartition(":")[2]
        if kind == "Role":
            yield "trust", f"role {_purpose(resource.inputs['name'])}", resource.inputs["assumeRolePolicy"]
        elif kind == "UserPolicy":
            yield "permissions", f"user {resource.inputs['name']}", resource.inputs["policy"]
        elif kind == "RolePolicy":
            yield "permissions", f"role {resource.inputs['name']}", resource.inputs["policy"]
        elif kind in _POLICIES and "policy" in resource.inputs:
            yield _POLICIES[kind], _short(resource), resource.inputs["policy"]
    contract = json.loads(recording.of("MLStack").outputs[0]["contract"])
    for connector in contract["connectors"].values():
        if "policy" in connector["configuration"]:
            yield "session policy", f"connector {connector['name']}", connector["configuration"]["policy"]


_POLICIES = {
    "BucketPolicy": "bucket policy",
    "Key": "key policy",
    "VpcEndpoint": "endpoint policy",
    "RepositoryPolicy": "repository policy",
}


_ORDER = ("role", "user", "connector", "bucket", "key", "endpoint", "repository")


def _purpose(role: str) -> str:
    return role.removeprefix("mlstack-dev-eu-west-1-")


def _short(resource: Registered) -> str:
    """The part of the resource's name in the program that says which it is."""
    inputs = resource.inputs
    if "serviceName" in inputs:
        return f"endpoint {inputs['serviceName'].removeprefix('com.amazonaws.eu-west-1.')}"
    return f"bucket {inputs['bucket']}" if "bucket" in inputs else "key"


def render() -> str:
    whole = documents(WHOLE)
    lines = [
        f"| [{each.title}](#{_anchor(each.title)}) | {each.kind} | {len(each.statements)} "
        f"| {len({action for statement in each.statements for action in statement.actions})} |"
        for each in whole
    ]
    parts = [HEAD + "\n".join(lines)]
    for each in whole:
        parts.append(f"## {each.title}\n\n" + _table(each.statements))
    parts.append("## With other settings\n\nStatements that the stack above does not have, or has in another form.")
    for case in CASES:
        if case in (WHOLE, "another region"):  # the same statements in another partition
            continue
        for each, extra in _beyond(documents(case), whole):
            parts.append(f"### {case}: {each.title}\n\n" + _table(extra))
    parts.append("## The backend of the state\n\nMade by `mlstack backend bootstrap`, see [state.md](state.md).")
    for each in of_backend():
        parts.append(f"### {each.title}\n\n" + _table(each.statements))
    return "\n\n".join(parts) + "\n"


def of_backend() -> list[Document]:
    """What is made outside of every stack, and what that needs."""
    place = Place(name="mlstack", project="mlstack", account_id="123456789012", region="eu-west-1")
    key = place.names.arn("kms", "key/11111111-2222-3333-4444-555555555555")
    ci = "arn:aws:iam::123456789012:role/ci"
    return [
        Document("bucket policy", f"bucket {place.names.bucket}", backend.bucket_policy(place, key)),
        Document("key policy", f"key {place.names.key_alias}", backend.key_policy(place)),
        Document("trust", "role dev-preview", backend.trust(PREVIEW, (ci,))),
        Document("permissions", "role dev-preview", backend.permissions(place, "dev", PREVIEW, key)),
        Document("permissions", "role dev-deploy", backend.permissions(place, "dev", DEPLOY, key)),
        Document("permissions", "whoever bootstraps", backend.needed(place)),
    ]


def _beyond(these: Iterable[Document], whole: Iterable[Document]) -> Iterator[tuple[Document, tuple[Statement, ...]]]:
    known = {each.title: {_as_text(one) for one in each.statements} for each in whole}
    for each in these:
        extra = tuple(one for one in each.statements if _as_text(one) not in known.get(each.title, set()))
        if extra:
            yield each, extra


def _as_text(statement: Statement) -> str:
    # With everything on, roles have a path.
    return json.dumps(statement.as_json(), sort_keys=True).replace(":role/ml/", ":role/")


def _table(statements: Iterable[Statement]) -> str:
    rows = ["| statement | actions | resources and principals | conditions | why |", "|---|---|---|---|---|"]
    for each in statements:
        effect = "" if each.effect == "Allow" else "**Deny** "
        who = [f"by {_code(value)}" for value in _principals(each)]
        on = [_code(resource) for resource in each.resources]
        conditions = [
            f"{_code(key)} {operator} {', '.join(map(_code, _listed(value)))}"
            for operator, keys in each.conditions.items()
            for key, value in keys.items()
        ]
        why = f"{each.why} ({_source(each.source)})"
        cells = (effect + each.sid, _lines(map(_code, each.actions)), _lines([*who, *on]), _lines(conditions), why)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _principals(statement: Statement) -> list[str]:
    if statement.principals is None:
        return []
    if isinstance(statement.principals, Mapping):
        return list(statement.principals.values())
    return [statement.principals]


def _listed(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _source(source: str) -> str:
    return f"[source]({source})" if source.startswith("https://") else f"`{source}`"


def _code(text: str) -> str:
    return f"`{text}`"


def _lines(parts: Iterable[str]) -> str:
    return "<br>".join(parts)


def _anchor(title: str) -> str:
    """As GitHub makes it of a heading."""
    kept = "".join(char for char in title.lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
