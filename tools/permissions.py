"""Writes docs/permissions.md: every statement of every policy that the program declares, and why it is there.

Stacks are built as the tests build them. Shown whole is the one with everything on; of the others, and of a team's,
what differs. Then the roles of workflows, what `mlstack backend bootstrap` makes outside of every stack, and what
whoever runs it needs.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from components.iam import Statement
from components.stacks import Stacks
from mlstack.backend import documents as backend
from mlstack.backend.place import DEPLOY, PREVIEW, Place
from tests.components.deploy_roles import asked as deploy_roles
from tests.components.stacks import CASES, program, settings
from tests.recording import Recording, Registered, record

FILE = Path(__file__).parents[1] / "docs" / "permissions.md"

WHOLE = "everything on"

TEAMS = {
    "mlstack:teams": '[{"name": "vision"}, {"name": "speech"}]',
    "mlstack:sharing": '{"key": true, "network": true}',
}

HEAD = """# Permissions

Written by `python -m tools.permissions` from the statements in `components/` and `mlstack/backend/`. Account
`123456789012`, region `eu-west-1` and environment `dev` stand for yours. Nothing else is granted: no policy of AWS's
own is attached, and no allowed action has a wildcard. `tests/least_privilege/` holds each role of a stack against the
calls that are really made, both ways.

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


def documents(program: Callable[[], object], *, without: str | None = None) -> list[Document]:
    """All policy documents of a program: those of roles, then those that stand at what is asked for.

    `without`: the stack of this name.
    """
    told: dict[str, Statement] = {}
    as_json = Statement.as_json

    def listening(statement: Statement) -> dict[str, object]:
        rendered = as_json(statement)
        told[json.dumps(rendered, sort_keys=True)] = statement
        return rendered

    with patch.object(Statement, "as_json", listening):
        recording = record(program)
    if without is not None:
        recording = Recording(tuple(each for each in recording.resources if not each.name.startswith(without)))
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
            yield "permissions", f"role {_purpose(resource.inputs['role'])}", resource.inputs["policy"]
        elif kind == "Policy":
            yield "permissions", f"policy {_purpose(resource.inputs['name'])}", resource.inputs["policy"]
        elif kind in _POLICIES and "policy" in resource.inputs:
            yield _POLICIES[kind], _short(resource), resource.inputs["policy"]
    for stack in (each for each in recording.resources if each.type == "mlstack:index:MLStack"):
        for connector in json.loads(stack.outputs[0]["contract"])["connectors"].values():
            if "policy" in connector["configuration"]:
                yield "session policy", f"connector {connector['name']}", connector["configuration"]["policy"]


_POLICIES = {
    "BucketPolicy": "bucket policy",
    "Key": "key policy",
    "VpcEndpoint": "endpoint policy",
    "RepositoryPolicy": "repository policy",
}


_ORDER = ("role", "policy", "user", "connector", "bucket", "key", "endpoint", "repository")


def _purpose(role: str) -> str:
    return role.rpartition("eu-west-1-")[2]


def _short(resource: Registered) -> str:
    """The part of the resource's name in the program that says which it is."""
    inputs = resource.inputs
    if "serviceName" in inputs:
        return f"endpoint {inputs['serviceName'].removeprefix('com.amazonaws.eu-west-1.')}"
    return f"bucket {inputs['bucket']}" if "bucket" in inputs else "key"


def render() -> str:
    whole = documents(program(CASES[WHOLE]))
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
        for each, extra in _beyond(documents(program(CASES[case])), whole):
            parts.append(f"### {case}: {each.title}\n\n" + _table(extra))
    parts.append(_TEAMS)
    for each, extra in _beyond(of_a_team(), whole):
        parts.append(f"### {each.title}\n\n" + _table(extra))
    parts.append(_WORKFLOWS)
    for each in of_workflows():
        parts.append(f"### {each.title}\n\n" + _table(each.statements))
    parts.append("## The backend of the state\n\nMade by `mlstack backend bootstrap`, see [state.md](state.md).")
    for each in of_backend():
        parts.append(f"### {each.title}\n\n" + _table(each.statements))
    return "\n\n".join(parts) + "\n"


_TEAMS = """## With teams

A team's stack is a stack of its own: what is above, under the team's names. Here is what has another form where the
teams share key and network, shown for the team `vision` of two. No team reaches what another has
(`tests/isolation/`)."""

_WORKFLOWS = """## The roles of workflows

Made by the component `GitHubDeployRoles` for an environment with everything on; GitLab's have the same permissions
under another trust. See [pull-requests.md](pull-requests.md)."""


def of_a_team() -> list[Document]:
    """Those of one team's stack, and of what all share."""
    of_teams = settings({**CASES[WHOLE], **TEAMS})
    return documents(lambda: Stacks(of_teams), without="mlstack-speech")


def of_workflows() -> list[Document]:
    """Those of one environment's preview and deployment."""
    return documents(deploy_roles.program(replace(deploy_roles.ARGS, environments=(deploy_roles.everything(),))))


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
        same = known.get(_of_no_team(each.title), set())
        extra = tuple(one for one in each.statements if _as_text(one) not in same)
        if extra:
            yield each, extra


def _as_text(statement: Statement) -> str:
    # With everything on, roles have a path.
    return _of_no_team(json.dumps(statement.as_json(), sort_keys=True)).replace(":role/ml/", ":role/")


def _of_no_team(text: str) -> str:
    for name in ("mlstack--vision--dev", "mlstack-vision-dev", "mlstack/vision/dev"):
        text = text.replace(name, "mlstack-dev")
    return text


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
