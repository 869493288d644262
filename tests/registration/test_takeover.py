"""A stack that ZenML's own template or module registered is taken over part by part, and every part keeps its id."""

from dataclasses import replace
from typing import Any

import pytest

from mlstack.registration.objects import Held, Wanted, wanted
from mlstack.registration.plan import ConflictError, make_plan
from mlstack.registration.takeover import stands_for
from tests.registration.test_plan import contract

TYPES = ["aws-generic", "s3-bucket", "kubernetes-cluster", "docker-registry"]
FIXED = {"type": "aws", "auth_method": "implicit", "resource_id": None}


@pytest.fixture(scope="module")
def desired() -> tuple[Wanted, ...]:
    return wanted(contract())


def one_click(desired: tuple[Wanted, ...]) -> tuple[Held, ...]:
    """One connector for everything, and names that are none of ours but the stack's."""

    def held(want: Wanted, **more: Any) -> Held:
        given = {"fixed": want.fixed, "content": want.content, "labels": {"zenml:provider": "aws"}, **more}
        return Held(kind=want.kind, slot=want.slot if want.kind == "component" else "", **given)

    connector = Held(
        id="connector",
        kind="connector",
        slot="",
        name="theirs",
        fixed={**FIXED, "resource_type": TYPES},
        content={"configuration": {}, "expiration_seconds": None},
        labels={},
    )
    components = [
        held(want, id=f"their-{want.slot}", name="theirs", links={"connector": ("connector",)})
        for want in desired
        if want.kind == "component"
    ]
    [stack] = [want for want in desired if want.kind == "stack"]
    links = {each.slot: (each.id,) for each in components}
    return (connector, *components, held(stack, id="their-stack", name=stack.name, links=links))


def test_the_stack_its_components_and_its_one_connector_keep_their_ids(desired: tuple[Wanted, ...]) -> None:
    made = make_plan(desired, one_click(desired), "mlstack", "dev", adopt=True)
    kept = {(c.kind, c.slot): c.held.id for c in made.changes if c.held and c.action == "update" and c.adopted}
    assert kept == {
        ("stack", "stack"): "their-stack",
        ("connector", "aws"): "connector",
        **{("component", want.slot): f"their-{want.slot}" for want in desired if want.kind == "component"},
    }
    rest = {(c.kind, c.slot): c.action for c in made.changes if (c.kind, c.slot) not in kept}
    assert rest == {("connector", "s3"): "create", ("connector", "ecr"): "create"}
    [shared] = [c.wanted for c in made.changes if (c.kind, c.slot) == ("connector", "aws")]
    assert shared and shared.fixed["resource_type"] == TYPES, "ZenML does not change what a connector in use is for"


def test_afterwards_there_is_nothing_to_do(desired: tuple[Wanted, ...]) -> None:
    made = make_plan(desired, one_click(desired), "mlstack", "dev", adopt=True)
    after = [
        Held(
            id=c.held.id if c.held else f"new-{c.slot}",
            kind=c.wanted.kind,
            slot=c.wanted.slot,
            name=c.wanted.name,
            fixed=c.wanted.fixed,
            content=c.wanted.content,
            labels=c.wanted.labels,
        )
        for c in made.changes
        if c.wanted
    ]
    assert make_plan(desired, after, "mlstack", "dev").empty


def test_without_adopt_it_is_refused_as_a_whole(desired: tuple[Wanted, ...]) -> None:
    with pytest.raises(ConflictError, match="which this environment did not make; nothing was changed"):
        make_plan(desired, one_click(desired), "mlstack", "dev")


def test_a_component_of_another_flavor_is_not_ours_to_take(desired: tuple[Wanted, ...]) -> None:
    held = [
        replace(each, fixed={"flavor": "local"}) if each.slot == "image_builder" else each
        for each in one_click(desired)
    ]
    made = make_plan(desired, held, "mlstack", "dev", adopt=True)
    [builder] = [c for c in made.changes if c.slot == "image_builder"]
    assert (builder.action, builder.held) == ("create", None)


def test_a_stack_of_another_name_gives_nothing_away(desired: tuple[Wanted, ...]) -> None:
    held = [replace(each, name="another") if each.kind == "stack" else each for each in one_click(desired)]
    made = make_plan(desired, held, "mlstack", "dev", adopt=True)
    assert {c.action for c in made.changes} == {"create"}


def test_parts_that_another_environment_registered_stay_with_it(desired: tuple[Wanted, ...]) -> None:
    labels = {"mlstack:project": "mlstack", "mlstack:environment": "prod"}
    held = [replace(each, labels=labels) if each.slot == "artifact_store" else each for each in one_click(desired)]
    made = make_plan(desired, held, "mlstack", "dev", adopt=True)
    [store] = [c for c in made.changes if c.slot == "artifact_store"]
    assert store.held is None


@pytest.mark.parametrize(
    ("have", "want", "stands"),
    [
        (
            {"resource_type": "s3-bucket", "resource_id": "b"},
            {"resource_type": "s3-bucket", "resource_id": "s3://b"},
            True,
        ),
        (
            {"resource_type": "s3-bucket", "resource_id": "c"},
            {"resource_type": "s3-bucket", "resource_id": "s3://b"},
            False,
        ),
        (
            {"resource_type": "docker-registry", "resource_id": "1.dkr.ecr.x.amazonaws.com/r"},
            {"resource_type": "docker-registry", "resource_id": "1.dkr.ecr.x.amazonaws.com"},
            True,
        ),
        ({"resource_type": TYPES}, {"resource_type": "aws-generic"}, True),
        ({"resource_type": TYPES}, {"resource_type": "s3-bucket", "resource_id": "s3://b"}, False),
        ({"resource_type": TYPES, "resource_id": "x"}, {"resource_type": "aws-generic"}, False),
        ({"resource_type": "aws-generic", "auth_method": "iam-role"}, {"resource_type": "aws-generic"}, False),
    ],
)
def test_which_connector_stands_for_which(have: dict[str, Any], want: dict[str, Any], *, stands: bool) -> None:
    assert stands_for({**FIXED, **have}, {**FIXED, **want}) is stands
