"""What holds for every component, whatever it makes."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pulumi
import pulumi_aws
import pytest
from pulumi import ResourceOptions

from components.ml_stack import MLStack, MLStackArgs
from tests.components.stacks import CASES, program, settings
from tests.recording import Recording, Registered, record

ROOT = Path(__file__).parents[2]
every_case = pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())


@every_case
def test_a_preview_registers_the_same_resources_as_an_update(changes: dict[str, str]) -> None:
    previewed = {resource.urn for resource in record(program(changes), preview=True).resources}
    updated = {resource.urn for resource in record(program(changes)).resources}
    assert previewed == updated, "a resource that a preview does not show is made inside apply"


@every_case
def test_children_are_named_after_their_component_and_parented_to_it(changes: dict[str, str]) -> None:
    recording = record(program(changes))
    by_urn = {resource.urn: resource for resource in recording.resources}
    for resource in _below_the_stack(recording):
        parent = by_urn[resource.parent]
        assert not parent.custom, f"{resource.name} hangs on {parent.name}, which is no component"
        assert re.fullmatch(rf"{re.escape(parent.name)}-[a-z0-9-]+", resource.name), f"{resource.name} in {parent.name}"


@every_case
def test_each_component_registers_its_outputs_once_and_they_are_its_public_attributes(changes: dict[str, str]) -> None:
    for component in record(program(changes)).components:
        assert len(component.outputs) == 1, f"{component.name} registers outputs {len(component.outputs)} times"
        declared = set(_class_of(component).__annotations__)
        # The engine drops outputs that are None: a part that is switched off.
        assert set(component.outputs[0]) <= declared
        if changes == {}:
            assert set(component.outputs[0]) == declared - {"connector_key"}


def test_type_tokens_name_their_class() -> None:
    for component in record(program()).components:
        assert component.type == f"mlstack:index:{_class_of(component).__name__}"


def test_every_output_and_argument_of_a_component_is_documented() -> None:
    for file in (ROOT / "components").rglob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and _is_component(node):
                fields = [n for n in node.body if isinstance(n, ast.AnnAssign)]
                for declared in fields:
                    follows = node.body[node.body.index(declared) + 1]
                    assert isinstance(follows, ast.Expr), f"{file.name}: {ast.unparse(declared)} has no docstring"
                assert ast.get_docstring(node), f"{file.name}: {node.name} has no docstring"


def test_two_stacks_do_not_collide() -> None:
    def both() -> None:
        MLStack("one", MLStackArgs.from_settings(settings({"mlstack:name": "one"})))
        MLStack("two", MLStackArgs.from_settings(settings({"mlstack:name": "two"})))

    recording = record(both)
    urns = [resource.urn for resource in recording.resources]
    assert len(urns) == len(set(urns))
    for type_ in {resource.type for resource in recording.customs}:
        physical = [
            resource.inputs.get("name") or resource.inputs.get("bucket") or resource.inputs.get("repository")
            for resource in recording.customs
            if resource.type == type_ and type_ not in ("aws:kms/key:Key", "aws:iam/rolePolicy:RolePolicy")
        ]
        assert len(physical) == len(set(physical)), f"two {type_} of one name: {physical}"


def test_protection_reaches_everything_in_the_components_that_hold_data() -> None:
    recording = record(program({"mlstack:protect": "true"}))
    for component in ("mlstack-artifacts", "mlstack-registry", "mlstack-encryption"):
        for resource in (recording.named(component), *recording.children(recording.named(component))):
            # AWS replaces a repository's lifecycle for every change, and it holds nothing.
            assert resource.protect or "LifecyclePolicy" in resource.type, f"{resource.name} could be deleted"
    assert not recording.named("mlstack-access-role").protect


def test_a_provider_reaches_every_child_and_options_of_the_caller_reach_none() -> None:
    def with_options() -> None:
        provider = pulumi_aws.Provider("elsewhere", region="eu-north-1")
        MLStack(
            "mlstack",
            MLStackArgs.from_settings(settings()),
            ResourceOptions(providers=[provider], aliases=[pulumi.Alias(name="old")], ignore_changes=["tags"]),
        )

    recording = record(with_options)
    for resource in recording.customs:
        if resource.type.startswith("pulumi:providers:"):
            continue
        assert "elsewhere" in resource.provider, f"{resource.name} is made by another provider"
        assert not resource.ignore_changes, f"{resource.name} ignores changes that only the caller meant"


def test_tags_reach_every_resource_that_can_have_them() -> None:
    recording = record(program({"mlstack:tags": '{"team": "vision"}'}))
    for resource in recording.customs:
        if not _is_taggable(resource):
            assert "tags" not in resource.inputs
            continue
        tags = resource.inputs.get("tags")
        assert tags == {"mlstack:project": "mlstack", "mlstack:environment": "dev", "team": "vision"}, resource.name


def test_importing_the_program_opens_no_socket_and_loads_neither_zenml_nor_boto3() -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('a socket at import')\n"
        "socket.socket.connect = refuse\n"
        "import components.ml_stack, components.configuration\n"
        "heavy = {'zenml', 'boto3', 'botocore', 'moto', 'sagemaker'}\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_program_itself_is_no_longer_than_forty_lines() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) <= 40


def _below_the_stack(recording: Recording) -> list[Registered]:
    root = recording.of("MLStack")
    return [resource for resource in recording.resources if resource.urn != root.urn]


def _class_of(component: Registered) -> type:
    name = component.type.rsplit(":", 1)[1]
    found = [cls for cls in pulumi.ComponentResource.__subclasses__() if cls.__name__ == name]
    assert len(found) == 1, f"no class for {component.type}"
    return found[0]


def _is_component(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id in ("ComponentResource", "DeployRoles") for base in node.bases)


def _is_taggable(resource: Registered) -> bool:
    _, module, name = re.fullmatch(r"(\w+):(\w+)/\w+:(\w+)", resource.type).groups()  # type: ignore[union-attr]
    cls = getattr(getattr(pulumi_aws, module), name)
    return "tags" in cls._internal_init.__annotations__
