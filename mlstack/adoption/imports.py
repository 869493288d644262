"""Pulumi's import file: what the program declares, with the ids of what exists already."""

from collections.abc import Mapping
from typing import Any

from mlstack.errors import MLStackError


def filled(declared: Mapping[str, Any], ids: Mapping[str, str], name: str) -> dict[str, Any]:
    """The file that `pulumi preview --import-file` writes, of it what has an id, and the components that those are in.

    `ids` by the end of the name, `name` being its beginning. What the settings leave out is left to whoever has it.
    Raises MLStackError when they leave out everything.
    """
    by_name = {each["name"]: each for each in declared["resources"]}
    wanted = {f"{name}-{end}": id_ for end, id_ in ids.items() if f"{name}-{end}" in by_name}
    if not wanted:
        raise MLStackError(
            "the program declares nothing of what exists: the settings leave all of it out",
            hint="move Pulumi.<environment>.yaml away to have it written anew",
        )
    needed: set[str] = set()
    for each in wanted:
        parent = by_name[each].get("parent")
        while parent is not None and parent not in needed:
            needed.add(parent)
            parent = by_name[parent].get("parent")
    resources = [
        {**each, "id": wanted[each["name"]]} if each["name"] in wanted else each
        for each in declared["resources"]
        if each["name"] in wanted or each["name"] in needed
    ]
    return {**declared, "resources": resources}
