"""`mlstack env ...` and `mlstack config ...`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mlstack.errors import UsageError

DIFFERENT = 7
"""Exit code of `env diff` when something differs, as of every command here that looks for changes."""

env = typer.Typer(help="Environments: list, make, compare, and promote settings.", no_args_is_help=True)
config = typer.Typer(help="What each setting is for.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


@env.command("list", epilog="Examples:  mlstack env list   |   mlstack env list --json")
def list_(as_json: JsonOption = False) -> None:
    """The environments of this directory, and where each of them is."""
    from components.configuration import from_file
    from components.pulumi_files import settings_files
    from mlstack.environments.shown import table

    found: list[dict[str, Any]] = []
    for name, file in settings_files(Path()).items():
        try:
            settings = from_file(file)
        except UsageError as error:
            found.append({"environment": name, "wrong": str(error)})
        else:
            found.append(
                {
                    "environment": name,
                    "account": settings.account_id,
                    "region": settings.aws.region,
                    "profile": settings.stack.profile,
                    "protect": settings.stack.protect,
                    "stack": settings.zenml_stack_name,
                }
            )
    if as_json:
        typer.echo(json.dumps(found))
        return
    if not found:
        raise UsageError("there is no environment here", hint="run it where Pulumi.yaml is")
    rows = [("environment", "account", "region", "profile", "protected", "ZenML stack")]
    rows += [
        (each["environment"], "wrong:", f"mlstack check Pulumi.{each['environment']}.yaml", "", "", "")
        if "wrong" in each
        else (
            each["environment"],
            each["account"],
            each["region"],
            each["profile"],
            "yes" if each["protect"] else "no",
            each["stack"],
        )
        for each in found
    ]
    typer.echo(table(rows))


@env.command(
    epilog="Examples:  mlstack env new qa --like staging   |   "
    "mlstack env new prod-us --like prod --account 210987654321 --region us-east-1"
)
def new(
    name: Annotated[str, typer.Argument(help="Of the environment: becomes Pulumi.<name>.yaml, and part of all names.")],
    like: Annotated[str, typer.Option("--like", help="The environment whose settings it begins with.")] = "dev",
    account: Annotated[str | None, typer.Option("--account", help="AWS account. Default: that of --like.")] = None,
    region: Annotated[str | None, typer.Option("--region", help="AWS region. Default: that of --like.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting that it has otherwise.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the settings file of another environment. Nothing is made in AWS, and nothing encrypted is copied.

    Refused when it exists, when its settings would be wrong, or when it would own what another environment owns.
    """
    from mlstack import settings_file
    from mlstack.environments.new import drafted
    from mlstack.environments.values import read

    here = Path.cwd()
    draft = drafted(here, name, read(here, like), account=account, region=region, changes=_changes(changes or []))
    file = here / f"Pulumi.{name}.yaml"
    settings_file.write(file, draft.text)
    steps = [
        f"mlstack env diff {like} {name}",
        f'pulumi stack init {name} --secrets-provider "awskms://alias/<key>?region={draft.settings.aws.region}"',
        f"mlstack deploy --stack {name}",
    ]
    if as_json:
        document = {
            "file": file.name,
            "account": draft.settings.account_id,
            "region": draft.settings.aws.region,
            "stack": draft.settings.zenml_stack_name,
            "left_out": draft.left_out,
            "look_at": draft.look_at,
            "next": steps,
        }
        typer.echo(json.dumps(document))
        return
    where = f"account {draft.settings.account_id}, {draft.settings.aws.region}"
    typer.echo(f"{file.name}: like {like}, in {where}; ZenML stack {draft.settings.zenml_stack_name}")
    for each in draft.left_out:
        typer.echo(f"left out: {each} is encrypted with a key of {like}")
    for each in draft.look_at:
        typer.echo(f"look at:  {each}")
    typer.echo("next:")
    for step in [*steps, "name it in the workflows, and its roles: docs/pull-requests.md"]:
        typer.echo(f"  {step}")


@env.command(epilog="Examples:  mlstack env diff dev prod   |   mlstack env diff staging prod --settings-only --json")
def diff(
    first: Annotated[str, typer.Argument(help="An environment.")],
    second: Annotated[str, typer.Argument(help="The other one.")],
    settings_only: Annotated[bool, typer.Option("--settings-only", help="Do not run the program for both.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What differs between two environments: settings, defaults included, and the resources that come of them.

    The resources are those that the program declares, run here without engine, AWS or state: what is deployed is what
    `mlstack review` compares with. Ends with 0 when nothing differs, with 7 when something does.
    """
    from components.collisions import refuse_collisions
    from mlstack.environments import shown
    from mlstack.environments.promotion import differences
    from mlstack.environments.resources import compare
    from mlstack.environments.values import read

    here = Path.cwd()
    one, other = read(here, first), read(here, second)
    refuse_collisions(one.settings, [other.settings])
    found = differences(one, other)
    compared = None if settings_only else compare(here, one, other, lambda text: typer.echo(text, err=True))
    if as_json:
        typer.echo(shown.as_json(first, second, found, compared))
    else:
        typer.echo(shown.settings(first, second, found))
        if compared:
            typer.echo(f"\n{shown.resources(compared)}")
    if found or (compared and (compared.different or any(compared.only.values()))):
        raise typer.Exit(DIFFERENT)


@env.command(
    epilog="Examples:  mlstack env promote dev staging   |   mlstack env promote staging prod --key instanceType"
)
def promote(
    source: Annotated[str, typer.Argument(help="Where the settings proved themselves.")],
    target: Annotated[str, typer.Argument(help="The environment whose file is changed.")],
    keys: Annotated[
        list[str] | None, typer.Option("--key", metavar="KEY", help="A setting, or a group of them, to carry over.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Carry settings from one environment's file into another's. Without --key: show which there are.

    Account, region, what names a thing of one account, names and whatever is encrypted stay as they are. Nothing is
    deployed: commit the file, and the pull request shows what it does.
    """
    from mlstack import settings_file
    from mlstack.environments import shown
    from mlstack.environments.promotion import differences, promoted
    from mlstack.environments.values import read

    here = Path.cwd()
    one, other = read(here, source), read(here, target)
    if one.name == other.name:
        raise UsageError(f"{source} is promoted to itself", hint="name two environments: mlstack env list")
    if not keys:
        found = differences(one, other)
        typer.echo(shown.as_json(source, target, found, None) if as_json else shown.candidates(source, target, found))
        return
    text = promoted(one, other, keys)
    if text is not None:
        settings_file.write(other.file, text)
    if as_json:
        typer.echo(json.dumps({"file": other.file.name, "changed": text is not None, "keys": keys}))
    elif text is None:
        typer.echo(f"{other.file.name}: has it already")
    else:
        typer.echo(f"{other.file.name}: {', '.join(keys)} as in {source}")
        typer.echo(f"next:\n  git diff {other.file.name}\n  mlstack deploy --stack {target}")


@config.command(
    epilog="Examples:  mlstack config explain encryption.mode --stack dev   |   mlstack config explain   (all of them)"
)
def explain(
    key: Annotated[str | None, typer.Argument(help="As in the files, mlstack: may be left out. Default: all.")] = None,
    stack: Annotated[
        str | None, typer.Option("--stack", help="Say as well what it is in this environment, and why.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What a setting does, what may be written, its default, which part of the program reads it, and what it costs."""
    from mlstack.environments.catalogue import catalogue, find
    from mlstack.environments.explain import explained, text
    from mlstack.environments.shown import table
    from mlstack.environments.values import read

    environment = read(Path.cwd(), stack) if stack else None
    if key:
        found = explained(find(key), environment)
        typer.echo(json.dumps(found, default=str) if as_json else text(found))
        return
    every = [explained(setting, environment) for setting in catalogue().values()]
    if as_json:
        typer.echo(json.dumps(every, default=str))
        return
    typer.echo(table([(each["key"], _summary(each)) for each in every]))


def _summary(found: dict[str, Any]) -> str:
    """One line: the value where there is an environment, and the first sentence."""
    from mlstack.environments.values import shown

    first = str(found["description"]).splitlines()[0]
    return f"{shown(found['value'])}  ({found['origin']})" if "value" in found else first


def _changes(given: list[str]) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from mlstack.environments.catalogue import find

    changes: dict[str, Any] = {}
    for each in given:
        key, separator, value = each.partition("=")
        if not (key and separator):
            raise UsageError(f"--set {each}: it is KEY=VALUE")
        try:
            changes[find(key).key] = YAML(typ="safe").load(value)
        except YAMLError:
            raise UsageError(f"--set {each}: {value} is not YAML") from None
    return changes
