"""What holds for every type in the table, against the emulator."""

import uuid
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from mlstack.local.provider.gaps import GAPS
from mlstack.local.provider.schema import ResourceType
from mlstack.local.provider.types import TABLE
from mlstack.local.provider.values import UNKNOWN
from tests.local.provider.conftest import Engine, RefusedError
from tests.local.provider.samples import SAMPLES, Sample, needed

_NONE, _SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME

EXCLUSIVE = tuple(token for token in TABLE if token.endswith("Exclusive"))
ELSEWHERE = ("aws:kms/alias:Alias", "aws:ec2/routeTableAssociation:RouteTableAssociation", *EXCLUSIVE)
"""A change in place names something that has to be there, which a sample cannot; the route table is in test_network,
policies that are taken away are in test_exclusive."""

LASTING = (
    "aws:s3/bucketVersioning:BucketVersioning",  # which can only be suspended
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",  # which goes with its VPC
    *EXCLUSIVE,  # which end without giving anybody a policy back
)

ALL = pytest.mark.parametrize("token", SAMPLES)


@pytest.fixture
def unique() -> str:
    """Part of every name: the emulator is shared."""
    return f"t{uuid.uuid4().hex[:11]}"


@pytest.fixture
def sample(token: str) -> Sample:
    return SAMPLES[token]


@pytest.fixture
def inputs(token: str, sample: Sample, run: Engine, unique: str) -> dict[str, Any]:
    missing = {name for name, value in sample.inputs.items() if value is None}
    named = {name for name in missing if TABLE[token].properties[name].auto_named}
    made = sample.on({name: unique if name in named else needed(run, unique, name) for name in missing})
    return {**made, "name": f"alias/{unique}"} if made.get("name") == "alias/sample" else made


@pytest.fixture
def written(sample: Sample) -> dict[str, Any]:
    """Inputs of which nothing is there: enough for what is decided before AWS is asked."""
    return sample.on(dict.fromkeys(sample.inputs, "somewhere"))


def test_every_type_of_the_table_has_a_sample() -> None:
    assert SAMPLES.keys() == TABLE.keys()


@ALL
def test_what_was_created_is_read_back_without_a_drift(token: str, run: Engine, inputs: dict[str, Any]) -> None:
    id_, state = run.create(token, inputs)
    found, read_inputs, read_state = run.refresh(token, id_, inputs, state)
    assert (found, read_inputs) == (id_, inputs)
    assert read_state == state
    assert run.diff(token, id_, read_inputs, inputs, read_state).changes == _NONE


@ALL
def test_outputs_are_those_that_the_table_promises(token: str, run: Engine, inputs: dict[str, Any]) -> None:
    kind = TABLE[token]
    _, state = run.create(token, inputs)
    missing = {name for name in kind.outputs if state.get(name) is None}
    assert missing == set()
    assert inputs.items() <= state.items(), "inputs are outputs too"
    if kind.regional:
        assert state["region"] == "eu-west-1"
    if kind.tagged:
        assert state["tagsAll"] == inputs.get("tags", {})


@ALL
def test_a_preview_knows_inputs_and_nothing_that_only_aws_knows(
    token: str, run: Engine, inputs: dict[str, Any]
) -> None:
    id_, planned = run.create(token, inputs, preview=True)
    assert id_ == ""
    assert inputs.items() <= planned.items()
    assert {name for name in TABLE[token].outputs if planned.get(name) is not UNKNOWN} == set()
    assert TABLE[token].name is None or run.read(token, _id_by(TABLE[token], inputs)) is None


@ALL
def test_an_import_finds_the_inputs(token: str, run: Engine, inputs: dict[str, Any]) -> None:
    kind = TABLE[token]
    id_, _ = run.create(token, inputs)
    found, imported, _ = run.refresh(token, id_, {}, {})
    assert found == id_
    lost = {*kind.not_returned, *(path.split("[")[0] for path in GAPS.get(token, ()))}
    expected = {name: value for name, value in inputs.items() if name not in lost}
    answer = run.diff(token, id_, {**imported, **{name: inputs[name] for name in lost if name in inputs}}, inputs)
    assert expected.keys() <= imported.keys()
    assert answer.changes == _NONE, f"an import, and the program that wrote it, differ in {list(answer.detailedDiff)}"


@ALL
def test_a_change_in_place_is_made_and_read_back(
    token: str, run: Engine, inputs: dict[str, Any], sample: Sample
) -> None:
    if not sample.change:
        assert TABLE[token].update is None or token in ELSEWHERE
        return
    id_, state = run.create(token, inputs)
    changed = {**inputs, **sample.change}
    answer = run.diff(token, id_, inputs, changed, state)
    assert answer.changes == _SOME
    assert {path.split(".")[0] for path in answer.detailedDiff} - {"tagsAll"} == set(sample.change)
    assert list(answer.replaces) == []
    updated = run.update(token, id_, inputs, changed, state)
    assert changed.items() <= updated.items()
    moved = {"arn"} if "path" in sample.change else {"lastModificationDate"}
    stable = set(TABLE[token].outputs) - moved
    assert {name: updated.get(name) for name in stable} == {name: state.get(name) for name in stable}
    found, read_inputs, _ = run.refresh(token, id_, changed, updated)
    assert (found, read_inputs) == (id_, changed), "AWS has the change"
    assert run.refresh(token, id_, inputs, state)[1] != inputs, "and had it not before"


@ALL
def test_what_cannot_change_in_place_replaces(token: str, run: Engine, written: dict[str, Any], sample: Sample) -> None:
    answer = run.diff(token, "any", written, {**written, **sample.replace})
    assert sample.replace
    assert set(answer.replaces) == set(sample.replace)


@ALL
def test_deleting_leaves_nothing_and_may_be_repeated(token: str, run: Engine, inputs: dict[str, Any]) -> None:
    id_, state = run.create(token, inputs)
    run.delete(token, id_, state)
    if token not in LASTING:
        assert run.refresh(token, id_, inputs, state)[0] == ""
    run.delete(token, id_, state)


@ALL
def test_a_missing_required_input_is_refused(token: str, run: Engine, written: dict[str, Any]) -> None:
    for name, prop in TABLE[token].properties.items():
        if prop.required:
            left = {key: value for key, value in written.items() if key != name}
            assert run.check(token, left) == {name: f"{name} is required"}


@ALL
def test_a_property_that_nobody_knows_is_refused_with_the_nearest(
    token: str, run: Engine, written: dict[str, Any]
) -> None:
    name = next(iter(written))
    found = run.check(token, {**written, f"{name}X": "a"})
    assert list(found) == [f"{name}X"]
    assert f"did you mean {name}?" in found[f"{name}X"]


@ALL
def test_a_value_of_the_wrong_type_is_refused(token: str, run: Engine, written: dict[str, Any]) -> None:
    for name, prop in TABLE[token].properties.items():
        wrong: Any = 7.5 if prop.kind in ("string", "integer", "boolean") else "text"
        assert list(run.check(token, {**written, name: wrong})) == [name]


def _id_by(kind: ResourceType, inputs: dict[str, Any]) -> str:
    """The id that the sample would have got, where it can be told from its inputs."""
    name = inputs[kind.name or ""]
    if kind.token.endswith(("rolePolicy:RolePolicy", "userPolicy:UserPolicy")):
        return f"{inputs.get('role') or inputs.get('user')}:{name}"
    if kind.token.endswith("RolePolicyAttachment"):
        return f"{name}/{inputs['policyArn']}"
    if kind.token.endswith("iam/policy:Policy"):
        return f"arn:aws:iam::123456789012:policy/{name}"
    return str(name)


def test_creating_what_is_there_is_refused_with_awss_own_code(run: Engine, unique: str) -> None:
    codes = {
        "aws:s3/bucket:Bucket": "BucketAlreadyOwnedByYou",
        "aws:ecr/repository:Repository": "RepositoryAlreadyExistsException",
        "aws:iam/role:Role": "EntityAlreadyExists",
        "aws:iam/user:User": "EntityAlreadyExists",
        "aws:cloudwatch/logGroup:LogGroup": "ResourceAlreadyExistsException",
        "aws:codebuild/project:Project": "ResourceAlreadyExistsException",
        "aws:scheduler/scheduleGroup:ScheduleGroup": "ConflictException",
    }
    for token, code in codes.items():
        inputs = SAMPLES[token].on({"name": unique, "bucket": unique})
        run.create(token, inputs)
        with pytest.raises(RefusedError) as refused:
            run.create(token, inputs)
        assert code in str(refused.value), token
