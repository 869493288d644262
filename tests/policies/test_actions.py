"""The catalogue of IAM actions: fresh, and wide enough for what the stack grants."""

import json

from policies.actions import FILE, catalogue
from tests.components.stacks import CASES, program
from tests.recording import record
from tools.actions import SERVICES, render


def test_the_catalogue_is_what_cfn_lint_knows() -> None:
    assert FILE.read_text(encoding="utf-8") == render(), "python -m tools.actions"


def test_the_catalogue_knows_every_service_that_the_stack_grants_or_is_granted() -> None:
    spoken_of = set()
    for changes in CASES.values():
        for resource in record(program(changes)).customs:
            for key in ("policy", "assumeRolePolicy"):
                for statement in json.loads(resource.inputs.get(key, "{}")).get("Statement", ()):
                    actions = statement.get("Action", ())
                    spoken_of |= {each.split(":")[0] for each in ([actions] if isinstance(actions, str) else actions)}
    assert spoken_of - {"*"} <= set(SERVICES) == set(catalogue())
