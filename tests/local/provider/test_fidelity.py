"""What the provider takes and gives is a subset of what Pulumi's own SDK for the real plugin declares."""

import inspect
import sys
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pulumi_aws
import pytest
from pulumi import _types

from mlstack.local.provider.configuration import KNOWN
from mlstack.local.provider.schema import Property, ResourceType
from mlstack.local.provider.types import TABLE

_SCALARS: dict[str, type] = {"string": str, "boolean": bool, "integer": int}

STRICTER = {
    "cidrBlock",
    "subnetId",
    "vpcId",
    "serviceName",
    "eventbridge",
    "trafficType",
    "rules",
    "rules.applyServerSideEncryptionByDefault",
    "rules.abortIncompleteMultipartUpload.daysAfterInitiation",
    "rules.expiration.days",
    "rules.transitions.days",
}
"""Required here although the real plugin takes them absent, besides the physical names that it would make up."""

ALL = pytest.mark.parametrize("kind", TABLE.values(), ids=TABLE.keys())


def _sdk(kind: ResourceType) -> tuple[type, type]:
    """The SDK's resource class and the class of its arguments."""
    module_name, name = kind.token.removeprefix("aws:").split(":")
    service, _ = module_name.split("/")
    # Through the package, which loads itself on its first attribute: importing its inner module first would leave it
    # empty for every later test of this process.
    resource = getattr(getattr(pulumi_aws, service), name)
    module = sys.modules[resource.__module__]
    arguments = [each for each in module.__all__ if each.endswith("Args")]
    assert len(arguments) == 1, f"{module.__name__} has several argument classes: {arguments}"
    return resource, getattr(module, arguments[0])


def _declared(arguments: type) -> dict[str, Any]:
    """Pulumi name to type hint, of a class of the SDK that is built from arguments."""
    scope = {**vars(pulumi), **vars(typing), **vars(sys.modules[arguments.__module__])}
    found = {}
    for _, pulumi_name, prop in _types._py_properties(arguments):
        assert prop.fget is not None
        found[pulumi_name] = typing.get_type_hints(prop.fget, scope, {"Output": pulumi.Output})["return"]
    return found


def _required(arguments: type) -> set[str]:
    translated = _types.input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments).parameters.values()
    return {
        translated[each.name]
        for each in parameters
        if each.kind is inspect.Parameter.KEYWORD_ONLY and each.default is inspect.Parameter.empty
    }


def _leaves(hint: Any) -> Iterator[Any]:
    """The types that a hint is made of, generic ones by what they are and by what is in them."""
    origin = typing.get_origin(hint)
    if origin is not None:
        yield origin
    if isinstance(hint, typing.ForwardRef):
        return
    for inner in typing.get_args(hint):
        yield from _leaves(inner)
    if origin is None:
        yield hint


def _differences(fields: Mapping[str, Property], arguments: type, path: str = "") -> Iterator[str]:
    declared, required = _declared(arguments), _required(arguments)
    for name, prop in fields.items():
        if name not in declared:
            yield f"{path}{name} is not in {arguments.__name__}"
            continue
        leaves = set(_leaves(declared[name]))
        classes = [each for each in leaves if isinstance(each, type) and _types.is_input_type(each)]
        listed = any(isinstance(each, type) and each.__name__ == "Sequence" for each in leaves)
        mapped = any(isinstance(each, type) and each.__name__ == "Mapping" for each in leaves)
        if prop.kind in _SCALARS:
            # A policy may be given there as text or as a document, here as text.
            if _SCALARS[prop.kind] not in leaves or listed or mapped:
                yield f"{path}{name} is {prop.kind} here, {declared[name]} there"
            classes = []
        if (prop.kind == "list") != listed:
            yield f"{path}{name} is {prop.kind} here, {declared[name]} there"
        if prop.kind == "map" and not mapped:
            yield f"{path}{name} is a map here, {declared[name]} there"
        if bool(prop.fields) != bool(classes):
            yield f"{path}{name} has {sorted(prop.fields)} here, {classes} there"
        if prop.fields and classes:
            yield from _differences(prop.fields, classes[0], f"{path}{name}.")
        if prop.required and not (name in required or prop.auto_named or f"{path}{name}" in STRICTER):
            yield f"{path}{name} is required here and not there"
    for name in sorted(required - {name for name, prop in fields.items() if prop.required}):
        yield f"{path}{name} is required there and not here"


@ALL
def test_inputs_are_inputs_of_the_real_plugin(kind: ResourceType) -> None:
    assert list(_differences(kind.properties, _sdk(kind)[1])) == []


@ALL
def test_outputs_are_outputs_of_the_real_plugin(kind: ResourceType) -> None:
    real = {name for _, name, _ in _types._py_properties(_sdk(kind)[0])}
    assert set(kind.outputs) <= real
    assert set(kind.properties) <= real, "an input is an output as well"
    assert ("tagsAll" in real) == kind.tagged, "a type has tags in both or in neither"
    assert ("region" in real) == kind.regional, "a type has a region in both or in neither"


@ALL
def test_outputs_that_only_aws_knows_are_no_inputs(kind: ResourceType) -> None:
    assert set(kind.outputs).isdisjoint(kind.properties)


@ALL
def test_a_regional_type_takes_a_region_of_its_own(kind: ResourceType) -> None:
    assert ("region" in kind.properties) == kind.regional


def test_settings_are_settings_of_the_real_plugin() -> None:
    assert set(KNOWN) - {"version"} <= set(_types.input_type_py_to_pulumi_names(pulumi_aws.ProviderArgs).values())
