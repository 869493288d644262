"""What a failure means for whoever has to mend it: which permission, quota, image or setting, and where it is set.

Works on the texts of AWS, SageMaker and ZenML alone: pure, and without knowing how the run was made.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mlstack.verification.causes import CAUSES, DENIED
from mlstack.verification.granted import Granted

_SHOWN = 300


@dataclass(frozen=True)
class Diagnosis:
    kind: str
    """`permission`, `quota`, `image`, ...: for programs."""
    message: str
    hint: str


def diagnose(texts: Iterable[str], granted: Granted) -> Diagnosis | None:
    """The first cause that is recognised, in the most telling text that names one. None: unknown."""
    for text in texts:
        if denied := re.search(DENIED, text):
            return _permission(denied, granted)
        for cause in CAUSES:
            if found := re.search(cause.pattern, text):
                said = {"line": _line(found), **found.groupdict()}
                if "who" in said:
                    said["who"] = _role(said["who"])
                return Diagnosis(cause.kind, cause.message.format(**said), cause.hint)
    return None


def _permission(found: re.Match[str], granted: Granted) -> Diagnosis:
    who, action, why = found["who"], found["action"], (found["why"] or "").strip()
    on = found["resource"] or "a resource that AWS does not name"
    message = f"{_role(who)} may not {action} on {on}" + (f": {why}" if why else "")
    return Diagnosis("permission", message, _way_to_the_right(_role_name(who), action, on, why, granted))


def _way_to_the_right(role: str, action: str, on: str, why: str, granted: Granted) -> str:
    if "service control policy" in why:
        return "an organisation's service control policy decides: ask whoever keeps it to allow the action"
    if "permissions boundary" in why:
        return "mlstack:roles.permissionsBoundary names the boundary that decides: allow the action there"
    if "VPC endpoint policy" in why:
        return "the policy of a VPC endpoint decides: with mlstack:network.mode existing, yours; docs/permissions.md"
    if "deny in a resource-based policy" in why:
        return (
            "the policy of the resource itself forbids it: compare it with docs/permissions.md; `pulumi up --refresh` "
            "puts back what was changed by hand"
        )
    if action.startswith("kms:"):
        return (
            "with mlstack:encryption.mode existing, the policy of your key must let the role use it; else "
            "`pulumi up --refresh` writes the key's policy again (docs/permissions.md, key policy)"
        )
    if rows := granted.rows(role, action):
        return (
            f"the program grants it ({'; '.join(rows)}), so AWS holds something else: `pulumi up --refresh` puts it "
            "back; a right that is new takes up to a minute"
        )
    return (
        "no statement of the program grants it (docs/permissions.md): the settings ask ZenML for something that the "
        f"stack has no rights for, or {on} belongs to somebody else"
    )


def _line(found: re.Match[str]) -> str:
    """The line in which it was found, shortened."""
    text = found.string
    start = text.rfind("\n", 0, found.start()) + 1
    end = text.find("\n", found.start())
    return text[start : end if end >= 0 else None].strip()[:_SHOWN]


def _role_name(arn: str) -> str:
    return arn.split("/")[1] if ":assumed-role/" in arn else arn.rpartition("/")[2]


def _role(arn: str) -> str:
    kind = "role" if ":assumed-role/" in arn or ":role/" in arn else "user" if ":user/" in arn else "identity"
    return f"the {kind} {_role_name(arn)}"
