"""What holds for a stack as a whole: tags, outputs and what protects data."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import Severity
from pulumi_policy.proxy import UnknownValueError

from policies.credentials import looks_like_a_credential, names_a_secret
from policies.rule import Case, NotCheckedError, rule
from policies.secret_marks import SecretText
from policies.taggable import TAGGABLE

_TAGS = ["mlstack:environment", "mlstack:project"]
_LONG_ENOUGH = 12
"""A marked secret shorter than that turns up in other values by chance."""


@rule(
    name="stack-missing-tags",
    refuses="What carries no tags belongs to nobody: no cost report and no clean-up will find it",
    severity=Severity.LOW,
    remedy="Give tags=, or defaultTags on the provider",
    url="https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
    types=TAGGABLE,
    options={
        "required": {
            "type": "array",
            "items": {"type": "string"},
            "default": _TAGS,
            "description": "Keys that every resource must have.",
        }
    },
)
def missing_tags(case: Case) -> Iterator[str]:
    given = {**(case.value("tags") or {}), **(case.value("tagsAll") or {})}
    missing = [key for key in case.config.get("required", _TAGS) if key not in given]
    if missing:
        yield f"no tag {', '.join(sorted(missing))}"


@rule(
    name="stack-unprotected-data",
    refuses="One careless change of a name deletes what holds data, unless the engine is told to refuse",
    severity=Severity.HIGH,
    remedy="Set mlstack:protect to true, or protect=True in the resource's options",
    url="https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
    options={
        "types": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Resource types that must be protected. Nothing has to be when this is left out.",
        }
    },
)
def unprotected_data(case: Case) -> Iterator[str]:
    if case.resource.resource_type in case.config.get("types", ()) and not case.resource.opts.protect:
        yield "not protected"


@rule(
    name="stack-secret-in-output",
    refuses="An output in plain text is in the state, in every log and in the hands of whoever may read the stack",
    severity=Severity.CRITICAL,
    remedy="Export it with Output.secret, better not at all: keep it in Secrets Manager and export its ARN",
    url="https://www.pulumi.com/docs/iac/concepts/secrets/",
    whole_stack=True,
)
def secret_in_output(case: Case) -> Iterator[str]:
    """Outputs of the stack and of components; what a provider's resources answer is the provider's to mark.

    Found are values of a credential's shape, values whose name says secret, and values that another resource has marked
    as secret. Not found is a credential without any of the three, and one that is only known after the deployment.
    """
    if not _is_component(case.resource.resource_type):
        return
    marked = {
        value
        for other in case.stack
        for _, value in _leaves(other.props)
        if isinstance(value, SecretText) and len(value) >= _LONG_ENOUGH
    }
    unknown = []
    for path, value in _leaves(case.resource.props):
        if isinstance(value, SecretText):
            continue
        if value is None:
            unknown.append(path)
        elif kind := looks_like_a_credential(value):
            yield f"output {path} looks like {kind}"
        elif any(secret in value for secret in marked):
            yield f"output {path} holds what is marked as secret elsewhere"
        elif value and names_a_secret(path.rsplit(".", 1)[-1]):
            yield f"output {path} is called a secret"
    if unknown:
        raise NotCheckedError(f"{', '.join(unknown)} cannot be known before the deployment")


def _is_component(type_: str) -> bool:
    """The stack itself, or a type of three parts with `index` in the middle, which is no provider's of ours."""
    return type_ == "pulumi:pulumi:Stack" or type_.split(":")[1:2] == ["index"]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str | None]]:
    """All texts with their place, also those inside a JSON document; None for what is not known yet."""
    if isinstance(value, Mapping):
        for key in value:
            yield from _leaves(_at(value, key), f"{path}.{key}".removeprefix("."))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place in range(len(value)):
            yield from _leaves(_at(value, place), f"{path}[{place}]")
    elif isinstance(value, UnknownValueError):
        yield path, None
    elif isinstance(value, str):
        inner = _json(value)
        if inner is None or isinstance(value, SecretText):
            yield path, value
        else:
            yield from _leaves(inner, path)


def _at(container: Any, key: Any) -> Any:
    try:
        return container[key]
    except UnknownValueError as unknown:
        # An unknown secret is a secret.
        return "" if isinstance(unknown.unknown_type_sentinel, SecretText) else unknown


def _json(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


RULES = (missing_tags, unprotected_data, secret_in_output)
