"""From what was found to a state of ours: find, look, rehearse; then, when people say so, retain and import."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlstack.adoption import cloudformation, discover, environment, terraform
from mlstack.adoption.explained import Explained, explained
from mlstack.adoption.found import Found, refuse_another_account, whoami
from mlstack.adoption.look import Seen, look
from mlstack.adoption.rehearsal import rehearsal
from mlstack.engine import NoStackError, Pulumi
from mlstack.errors import MLStackError, UsageError
from mlstack.outcome import Outcome

News = Callable[[str], None]
NAME = "zenml"
"""First part of what is made new beside the adopted resources, such as the log bucket."""


class DestructiveError(MLStackError):
    """After the import something would be replaced or deleted."""


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """One stack that can be taken over: everything is known, and nothing changed but two files."""

    found: Found
    seen: Seen
    settings_file: Path
    import_file: Path
    imports: Mapping[str, Any]
    changes: tuple[Explained, ...]
    counts: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        found = asdict(self.found)
        return {
            "origin": found.pop("origin"),
            "leave": found.pop("leave"),
            "found": found,
            "settings_file": self.settings_file.name,
            "import_file": str(self.import_file),
            "kept": self.seen.keep,
            "imports": [
                {"type": each["type"], "name": each["name"], "id": each["id"]}
                for each in self.imports["resources"]
                if "id" in each
            ],
            "changes": [each.as_json() for each in self.changes],
            "counts": dict(self.counts),
        }


def find(origin: str, what: str | None, *, region: str | None, module: str | None) -> Found:
    """Raises UsageError when the origin is none, or holds no stack that can be adopted."""
    if origin == "cloudformation":
        found = cloudformation.find(_needed(origin, what, "the name of the CloudFormation stack"), region)
    elif origin == "terraform":
        found = terraform.find(
            Path(_needed(origin, what, "the state file: terraform state pull > zenml.tfstate")), module
        )
        refuse_another_account(found.origin, found.account_id, whoami(found.region)[0])
    elif origin == "discover":
        found = discover.find(what, region)
    else:
        raise UsageError(
            f"--from is {origin!r}", hint="use cloudformation STACK, terraform STATE_FILE or discover [ACCESS_ROLE]"
        )
    return found


def prepare(project: Path, stack: str, found: Found, pulumi: Pulumi, news: News) -> Adoption:
    """Writes the two files and rehearses the import. Raises DestructiveError when it would not be a mere import."""
    file = project / f"Pulumi.{stack}.yaml"
    managed = _managed(pulumi)
    seen = look(found)
    if file.is_file():
        environment.read(file, found)
        news(f"{file.name} is there: taking it as it is")
    else:
        settings = environment.settings_of(found, seen, NAME)
        file.write_text(environment.text_of(settings, found, seen), encoding="utf-8")
    # What was just written is read as the program will read it.
    name = environment.read(file, found).stack.name
    with rehearsal(project, stack, file) as rehearsed:
        imports = rehearsed.declared(seen.imports, name)
        _refuse_managed(stack, imports, managed)
        outcome = rehearsed.preview(imports, news)
    _refuse_destruction(outcome, file)
    import_file = project / ".mlstack" / "adoption" / f"{stack}.json"
    import_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    import_file.write_text(json.dumps(imports, indent=2) + "\n", encoding="utf-8")
    changes = [explained(step) for step in outcome.changes if not step.type.startswith("mlstack:")]
    counts: dict[str, int] = {}
    for each in changes:
        counts[each.operation] = counts.get(each.operation, 0) + 1
    return Adoption(
        found=found,
        seen=seen,
        settings_file=file,
        import_file=import_file,
        imports=imports,
        changes=tuple(changes),
        counts=counts,
    )


def retain(origin: str, what: str | None, found: Found) -> int:
    """Tells the former owner, where it can be told. How many resources it would have deleted with its stack."""
    return cloudformation.retain(str(what), found.region) if origin == "cloudformation" else 0


def carry_out(adoption: Adoption, pulumi: Pulumi) -> int:
    """The import itself, into the stack's own state. How many resources are managed now.

    Interrupted, it goes on at the next run. Raises MLStackError.
    """
    pulumi.make()
    there = _managed(pulumi)
    left = [each for each in adoption.imports["resources"] if (each["type"], each["name"]) not in there]
    if left:
        # Those in which the others are have to be named, though they are there.
        file = adoption.import_file.with_suffix(".left.json")
        file.write_text(json.dumps({**adoption.imports, **_with_parents_there(left, there)}), encoding="utf-8")
        try:
            pulumi.import_resources(file)
        finally:
            file.unlink()
    return sum("id" in each for each in adoption.imports["resources"])


def _with_parents_there(left: list[dict[str, Any]], there: Mapping[tuple[str, str], Mapping[str, Any]]) -> Any:
    named = {name: state["urn"] for (_, name), state in there.items()}
    parents = {each["parent"] for each in left if each.get("parent")} & named.keys()
    return {"resources": left, "nameTable": {name: named[name] for name in sorted(parents)}}


def _managed(pulumi: Pulumi) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Resources in the stack's state by type and name; none where there is no such stack."""
    with suppress(NoStackError):
        pulumi.check()
        resources = [each for each in pulumi.state() if not each["type"].startswith("pulumi:")]
        return {(each["type"], each["urn"].rpartition("::")[2]): each for each in resources}
    return {}


def _refuse_managed(
    stack: str, imports: Mapping[str, Any], managed: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    asked = [each for each in imports["resources"] if "id" in each]
    for each in asked:
        held = managed.get((each["type"], each["name"]))
        if held is not None and held.get("id") != each["id"]:
            raise UsageError(
                f"stack {stack} manages {held.get('id')} as {each['name']} already, and would lose it for "
                f"{each['id']}; nothing was changed",
                hint="adopt it as an environment of its own: choose another name with --stack",
            )
    if asked and all((each["type"], each["name"]) in managed for each in asked):
        raise UsageError(
            f"stack {stack} manages all {len(asked)} resources already: there is nothing to adopt",
            hint=f"mlstack deploy --stack {stack} --adopt",
        )


def _refuse_destruction(outcome: Outcome, file: Path) -> None:
    gone = [step for step in outcome.changes if step.operation in ("replace", "delete")]
    if not gone:
        return
    said = "\n".join(
        f"  {step.operation} {step.type.rpartition(':')[2]} {step.name}"
        + (f" because of {', '.join(step.reasons)}" if step.reasons else "")
        for step in gone
    )
    raise DestructiveError(
        f"after the import, with the settings of {file.name}, this would happen; nothing was imported:\n{said}",
        hint=f"take the setting back that asks for it, or move {file.name} away to have it written anew",
    )


def _needed(origin: str, what: str | None, meaning: str) -> str:
    if not what:
        raise UsageError(f"--from {origin} needs {meaning}", hint=f"mlstack adopt --from {origin} ... --stack prod")
    return what
