"""`mlstack existing`, and the same check as the program makes it."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
import typer
from ruamel.yaml import YAML
from typer.testing import CliRunner

from components.existing import check_existing
from components.ml_stack import MLStackArgs
from mlstack.errors import UsageError
from mlstack.existing.asked import UNREAD
from mlstack.existing.commands import existing
from tests.components.stacks import PRINCIPAL, settings
from tests.existing.owner import ACCOUNT, REGION, Owner

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(existing)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "Pulumi.dev.yaml"


def _write(file: Path, wanted: dict[str, Any]) -> None:
    config = {
        "aws:region": REGION,
        "aws:allowedAccountIds": [ACCOUNT],
        "mlstack:connector": {"principal": PRINCIPAL},
        **{f"mlstack:{key}": value for key, value in wanted.items()},
    }
    with file.open("w") as text:
        YAML().dump({"config": config}, text)


def test_the_owner_reads_what_to_paste_and_a_machine_all_of_it(owner: Owner, file: Path) -> None:
    _write(file, owner.settings("roles.scheduler"))
    shown = CliRunner().invoke(app, [str(file)])
    assert shown.exit_code == 7
    assert f"role {owner.role_arn('scheduler')} (mlstack:roles.scheduler.arn) lacks the rights StartPipelines" in (
        shown.stdout
    )
    assert f"aws iam put-role-policy --role-name {owner.name}-scheduler" in shown.stdout
    read = CliRunner().invoke(app, [str(file), "--json"])
    assert read.exit_code == 7
    lacks = json.loads(read.stdout)["lacks"]
    assert [each["weight"] for each in lacks] == ["wrong", "lacks"]
    assert lacks[1]["change"]["document"]["Statement"][0]["Sid"] == "StartPipelines"


def test_advice_alone_is_no_change_that_has_to_be_made(owner: Owner, file: Path) -> None:
    _write(file, owner.settings("artifactStore"))
    shown = CliRunner().invoke(app, [str(file)])
    assert shown.exit_code == 0
    assert "works, and could be safer:" in shown.stdout


def test_a_file_that_names_nothing_existing_is_told_so(file: Path) -> None:
    _write(file, {})
    refused = CliRunner().invoke(app, [str(file)])
    assert isinstance(refused.exception, UsageError)
    assert "Pulumi.dev.yaml names no existing resource" in str(refused.exception)


def test_the_program_stops_unless_it_runs_to_take_everything_away(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {f"mlstack:{key}": json.dumps(value) for key, value in owner.settings("roles.execution").items()}
    rights = MLStackArgs.from_settings(settings(wanted)).rights
    with pytest.raises(pulumi.RunError, match="existing resources are not as this stack needs them"):
        check_existing([rights], None)
    monkeypatch.setenv(UNREAD, "true")
    check_existing([rights], None)
