"""docs/permissions.md is what the statements say, and it says all of them."""

import json

from tests.components.stacks import CASES, program
from tests.recording import record
from tools.permissions import FILE, WHOLE, documents, of_a_team, of_workflows, render


def test_the_committed_page_is_the_one_of_the_statements() -> None:
    assert FILE.read_text(encoding="utf-8") == render(), "write it anew: python -m tools.permissions"


def test_every_policy_that_is_declared_is_on_the_page() -> None:
    page = FILE.read_text(encoding="utf-8")
    recording = record(program(CASES[WHOLE]))
    texts = [
        resource.inputs[name]
        for resource in recording.customs
        for name in ("policy", "assumeRolePolicy")
        if isinstance(resource.inputs.get(name), str) and "Statement" in resource.inputs[name]
    ]
    assert len(texts) > 15
    assert len(texts) + 2 == len(documents(program(CASES[WHOLE]))), "and the session policies of two connectors"
    for text in texts:
        for statement in json.loads(text)["Statement"]:
            assert statement["Sid"] in page


def test_every_statement_is_shown_with_its_reason_and_source() -> None:
    page = FILE.read_text(encoding="utf-8")
    for document in documents(program(CASES[WHOLE])) + of_workflows():
        for statement in document.statements:
            assert statement.why.replace("|", "\\|") in page
            assert statement.source in page


def test_a_team_is_shown_by_what_differs_and_no_other_team_by_what_it_has() -> None:
    page = FILE.read_text(encoding="utf-8")
    assert {"PipelinesMake", "StepJobsTag", "ArtifactsThroughS3Ofspeech"} <= {
        statement.sid for document in of_a_team() for statement in document.statements if statement.sid in page
    }
    assert "role/ml/mlstack--vision--dev-eu-west-1-sagemaker" in page
    assert not [document for document in of_a_team() if "speech" in document.of]
