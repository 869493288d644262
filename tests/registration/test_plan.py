"""A plan is what has to be done and nothing else."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack.contract import MLStackOutputs
from mlstack.registration.objects import Held, Wanted, wanted
from mlstack.registration.plan import ConflictError, Plan, make_plan, removal_plan
from tests.components.stacks import CASES, program
from tests.recording import record


def contract(changes: dict[str, str] | None = None) -> MLStackOutputs:
    return _contract(tuple(sorted((changes or {}).items())))


@cache
def _contract(changes: tuple[tuple[str, str], ...]) -> MLStackOutputs:
    text = record(program(dict(changes))).of("MLStack").outputs[0]["contract"]
    return MLStackOutputs.parse(text, origin="the program")


def applied(desired: tuple[Wanted, ...]) -> tuple[Held, ...]:
    """What ZenML holds after a plan was carried out."""
    return tuple(
        Held(
            id=f"{each.kind}-{each.slot}",
            kind=each.kind,
            slot=each.slot,
            name=each.name,
            fixed=each.fixed,
            content=each.content,
            labels=each.labels,
        )
        for each in desired
    )


def plan(desired: tuple[Wanted, ...], held: tuple[Held, ...]) -> Plan:
    return make_plan(desired, held, "mlstack", "dev")


def actions(made: Plan) -> dict[str, str]:
    return {f"{change.kind} {change.slot}": change.action for change in made.changes if change.action != "same"}


@pytest.fixture(scope="module")
def desired() -> tuple[Wanted, ...]:
    return wanted(contract())


def changed(each: Wanted, **content: Any) -> Wanted:
    return replace(each, content={**each.content, **content})


def test_into_an_empty_server_everything_is_created_in_the_order_it_needs(desired: tuple[Wanted, ...]) -> None:
    made = plan(desired, ())
    assert {change.action for change in made.changes} == {"create"}
    assert [change.kind for change in made.changes] == ["connector"] * 3 + ["component"] * 5 + ["stack"]


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_what_was_applied_needs_nothing_more(changes: dict[str, str]) -> None:
    desired = wanted(contract(changes))
    assert plan(desired, applied(desired)).empty


def test_an_explicit_null_differs_from_an_absent_key(desired: tuple[Wanted, ...]) -> None:
    orchestrator = next(each for each in desired if each.slot == "orchestrator")
    without = {k: v for k, v in orchestrator.content["configuration"].items() if k != "keep_alive_period_in_seconds"}
    held = tuple(
        replace(each, content={**each.content, "configuration": without}) if each.slot == "orchestrator" else each
        for each in applied(desired)
    )
    made = plan(desired, held)
    assert actions(made) == {"component orchestrator": "update"}
    change = next(change for change in made.changes if change.action == "update")
    assert list(change.fields) == ["configuration.keep_alive_period_in_seconds"]


def test_a_changed_value_is_updated_and_named_by_its_path(desired: tuple[Wanted, ...]) -> None:
    held = applied(desired)
    new = wanted(contract({"mlstack:instanceType": "ml.m5.2xlarge"}))
    made = plan(new, held)
    assert actions(made) == {
        "component orchestrator": "update",
        "component step_operator": "update",
        "stack stack": "update",  # which says of what contract it is
    }
    fields = {path for change in made.changes if change.kind == "component" for path in change.fields}
    assert fields == {"configuration.instance_type", "configuration.estimator_args.instance_type"}


def test_another_flavor_is_a_replacement_with_its_reason(desired: tuple[Wanted, ...]) -> None:
    new = wanted(contract({"mlstack:orchestrator": "local"}))
    change = next(change for change in plan(new, applied(desired)).changes if change.slot == "orchestrator")
    assert change.action == "replace"
    assert change.reason == "ZenML cannot change flavor in place"


def test_another_stack_name_renames_what_there_is(desired: tuple[Wanted, ...]) -> None:
    new = wanted(contract({"mlstack:stackName": "vision"}))
    made = plan(new, applied(desired))
    assert set(actions(made).values()) == {"update"}
    assert all("name" in change.fields for change in made.changes)


def test_what_the_contract_does_not_have_any_more_is_removed(desired: tuple[Wanted, ...]) -> None:
    new = wanted(contract({"mlstack:imageBuilder": "false"}))
    assert actions(plan(new, applied(desired)))["component image_builder"] == "remove"


def test_the_name_of_somebody_elses_object_is_refused(desired: tuple[Wanted, ...]) -> None:
    theirs = replace(applied(desired)[-1], labels={}, id="theirs")
    with pytest.raises(ConflictError, match=r"holds the stack 'mlstack-dev', which this environment did not make"):
        plan(desired, (theirs,))


def test_a_component_of_another_type_may_have_our_name(desired: tuple[Wanted, ...]) -> None:
    theirs = replace(next(e for e in applied(desired) if e.slot == "orchestrator"), labels={}, slot="deployer")
    assert {change.action for change in plan(desired, (theirs,)).changes} == {"create"}


def test_the_same_environment_of_another_account_is_refused(desired: tuple[Wanted, ...]) -> None:
    of_another = tuple(
        replace(each, labels={**each.labels, "mlstack:account": "210987654321 in eu-west-1"})
        for each in applied(desired)
    )
    with pytest.raises(ConflictError, match="for account 210987654321 in eu-west-1, and this contract is of 1234567"):
        plan(desired, of_another)
    # What was registered before this was written down is no other account's.
    without = [
        replace(each, labels={name: value for name, value in each.labels.items() if name != "mlstack:account"})
        for each in applied(desired)
    ]
    assert set(actions(plan(desired, tuple(without))).values()) == {"update"}


def test_objects_of_other_environments_are_left_alone(desired: tuple[Wanted, ...]) -> None:
    production = tuple(
        replace(
            each, id=f"prod-{each.id}", name=f"prod-{each.name}", labels={**each.labels, "mlstack:environment": "prod"}
        )
        for each in applied(desired)
    )
    assert plan(desired, (*applied(desired), *production)).empty
    removed = removal_plan((*applied(desired), *production), "mlstack", "dev")
    assert not [change for change in removed.changes if change.name.startswith("prod-")]


def test_what_a_killed_replacement_left_is_cleared_away(desired: tuple[Wanted, ...]) -> None:
    held = applied(desired)
    leftover = replace(next(each for each in held if each.slot == "orchestrator"), id="x", name="mlstack-dev-abc123")
    made = plan(desired, (*held, leftover))
    assert [(change.action, change.name) for change in made.changes if change.action != "same"] == [
        ("remove", "mlstack-dev-abc123")
    ]


def test_of_a_replacement_killed_before_its_rename_the_new_one_gets_the_name(desired: tuple[Wanted, ...]) -> None:
    held = tuple(
        replace(each, name="mlstack-dev-abc123") if each.slot == "orchestrator" else each for each in applied(desired)
    )
    made = plan(desired, held)
    assert actions(made) == {"component orchestrator": "update"}


def test_removal_goes_from_the_stack_to_what_it_stands_on(desired: tuple[Wanted, ...]) -> None:
    kinds = [change.kind for change in removal_plan(applied(desired), "mlstack", "dev").changes]
    assert kinds == ["stack"] + ["component"] * 5 + ["connector"] * 3


def test_a_plan_is_json(desired: tuple[Wanted, ...]) -> None:
    document = json.loads(json.dumps(plan(desired, ()).as_json()))
    assert {change["action"] for change in document["changes"]} == {"create"}


@given(st.permutations(range(9)))
def test_the_order_in_which_zenml_lists_does_not_matter(order: list[int]) -> None:
    desired = wanted(contract())
    held = applied(desired)
    assert plan(desired, tuple(held[index] for index in order)).empty


def by_hand(made: Plan) -> set[str]:
    return {f"{change.kind} {change.slot}" for change in made.changes if change.by_hand}


def test_what_was_changed_in_zenml_is_told_from_a_changed_contract(desired: tuple[Wanted, ...]) -> None:
    held = tuple(
        replace(each, content={**each.content, "configuration": {}}) if each.slot == "artifact_store" else each
        for each in applied(desired)
    )
    assert by_hand(plan(desired, held)) == {"component artifact_store"}
    new = wanted(contract({"mlstack:instanceType": "ml.m5.2xlarge"}))
    made = plan(new, held)
    assert by_hand(made) == {"component artifact_store"}
    assert "component orchestrator" in actions(made)


def test_what_is_missing_of_a_registered_stack_was_removed_by_hand(desired: tuple[Wanted, ...]) -> None:
    without = tuple(each for each in applied(desired) if each.slot != "image_builder")
    assert by_hand(plan(desired, without)) == {"component image_builder"}
    assert by_hand(plan(desired, ())) == set(), "nothing is registered yet"


def test_with_adopt_an_object_of_our_name_is_taken_over(desired: tuple[Wanted, ...]) -> None:
    theirs = replace(next(e for e in applied(desired) if e.slot == "artifact_store"), labels={"team": "x"}, id="theirs")
    made = make_plan(desired, (theirs,), "mlstack", "dev", adopt=True)
    change = next(change for change in made.changes if change.slot == "artifact_store")
    assert (change.action, change.adopted) == ("update", True)
    assert change.held is not None
    assert change.held.id == "theirs"


def test_even_with_adopt_another_environments_object_is_refused(desired: tuple[Wanted, ...]) -> None:
    labels = {**desired[0].labels, "mlstack:environment": "prod"}
    theirs = replace(applied(desired)[0], labels=labels, id="theirs")
    with pytest.raises(ConflictError, match="belongs to environment prod of mlstack"):
        make_plan(desired, (theirs,), "mlstack", "dev", adopt=True)
