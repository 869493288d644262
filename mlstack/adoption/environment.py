"""`Pulumi.<environment>.yaml` of what was adopted: its names, what it keeps, and who may use it."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from components.configuration import from_file
from components.settings import Settings
from mlstack.adoption.found import Found
from mlstack.adoption.look import Seen
from mlstack.errors import UsageError


def settings_of(found: Found, seen: Seen, name: str) -> dict[str, Any]:
    """`namespace:key` to value. `name`: the first part of what is made new, such as the log bucket."""
    names = {
        "bucket": found.bucket,
        "repository": found.repository,
        "accessRole": found.access_role,
        "executionRole": found.execution_role,
        "buildRole": found.build_role,
        "buildProject": found.build_project,
        "user": found.user,
    }
    asked = {
        "name": name,
        **({"stackName": found.zenml_stack} if found.zenml_stack else {}),
        **({} if found.orchestrator == "sagemaker" else {"orchestrator": found.orchestrator}),
        "names": {what: each for what, each in names.items() if each},
        "keep": sorted(seen.keep),
        **seen.settings,
    }
    region_and_account = {"aws:region": found.region, "aws:allowedAccountIds": [found.account_id]}
    return {**region_and_account, **{f"mlstack:{key}": value for key, value in asked.items()}}


def text_of(settings: Mapping[str, Any], found: Found, seen: Seen) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    yaml = YAML()
    yaml.width = 120
    config = CommentedMap(settings)
    kept = CommentedSeq(sorted(seen.keep))
    for position, what in enumerate(kept):
        kept.yaml_add_eol_comment(seen.keep[what], position)
    config["mlstack:keep"] = kept
    account = CommentedSeq(yaml_quoted(each) for each in settings["aws:allowedAccountIds"])
    config["aws:allowedAccountIds"] = account
    config.yaml_set_comment_before_after_key("mlstack:names", before="What exists already keeps its name.", indent=2)
    config.yaml_set_comment_before_after_key(
        "mlstack:keep", before="What stays as it was found: a line less is one more hardening.", indent=2
    )
    written = StringIO()
    written.write(f"# Written by `mlstack adopt` from {found.origin}; docs/adoption.md says how to change it.\n")
    yaml.dump({"config": config}, written)
    return written.getvalue()


def yaml_quoted(text: str) -> Any:
    """An account id in quotes: a number would lose its zeros."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    return DoubleQuotedScalarString(text)


def read(file: Path, found: Found) -> Settings:
    """The settings that are there. Raises UsageError when they are of another stack than the one that was found."""
    settings = from_file(file)
    names = settings.names
    for what, here, there in (
        ("account", settings.account_id, found.account_id),
        ("region", settings.aws.region, found.region),
        ("bucket", names.bucket, found.bucket),
        ("access role", names.role("access"), found.access_role),
    ):
        if here != there:
            raise UsageError(
                f"{file.name} is of another environment: its {what} is {here}, and that of {found.origin} is {there}",
                hint="choose another name with --stack, or move the file away",
            )
    return settings
