"""What editors show in a settings file is what `mlstack check` says of the same value."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from components import checks
from components.configuration import from_file
from components.problems import SettingsError
from components.settings import NAMESPACE, AwsSettings, StackSettings
from mlstack.errors import UsageError
from tools.settings_schema import FILE, render

ROOT = Path(__file__).parents[2]
NO_YAML = {"not-yaml", "key-twice"}
BAD = [file for file in sorted((ROOT / "tests" / "bad_settings").glob("*.yaml")) if file.stem not in NO_YAML]
SCHEMA: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
JUDGE = Draft7Validator(SCHEMA)

MODELS: dict[str, type[BaseModel]] = {"aws": AwsSettings, NAMESPACE: StackSettings}

ONLY_SETTINGS = {
    "public-address-range": "whether a range of addresses is private is no pattern",
}
"""Refused by the settings alone, value by value."""

VALUES: tuple[object, ...] = (
    *(True, False, 0, 1, 7, 30, 3600, 43201, 1.5, -1, "", "x", "yes", "dev", "kms", "off", "existing", "isolated"),
    *([], ["x"], ["123456789012"], ["1", "2", "3"], [1], [1, 2], [1, 2, 3], {}, {"a": "b"}, {"a": 1}, {"aws:a": "b"}),
    *(
        {"größe": "m"},
        {"a": "b" * 257},
        {"a;": "b"},
        {"": "b"},
        "a" * 24,
        "a" * 25,
        "A",
        "a--b",
        "eu-west-1",
        "aws-eu-1",
    ),
    *("ml.m5.xlarge", "m5.xlarge", "/ml/", "ml", "10.0.0.0/16", "10.0.0.0/8", "vpc-12345678", "bucket", "Bucket"),
    *("arn:aws:iam::123456789012:role/x", "arn:aws:iam::123456789012:policy/x", ["subnet-12345678"], ["sg-1234567"]),
    *(["eu-west-1a"], ["eu-west-1z"], [123456789012], [12345], {"secure": "v1:x"}),
)


def test_it_is_that_of_the_settings_classes() -> None:
    assert FILE.read_text(encoding="utf-8") == render(), "run: python -m tools.settings_schema"
    Draft7Validator.check_schema(SCHEMA)
    assert "$ref" not in render(), "draft 7 reads nothing beside a reference"


@pytest.mark.parametrize("file", sorted(ROOT.glob("Pulumi.*.yaml")), ids=lambda file: file.name)
def test_every_settings_file_names_it_and_is_valid(file: Path) -> None:
    (named,) = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert (file.parent / named).resolve() == FILE
    assert [error.message for error in JUDGE.iter_errors(_read(file))] == []


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_it_refuses_the_mistakes_in_a_single_value_that_the_settings_refuse(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = _read(file)
    monkeypatch.setattr(checks, "between", lambda *_: [])
    (tmp_path / "Pulumi.dev.yaml").write_bytes(file.read_bytes())
    try:
        from_file(tmp_path / "Pulumi.dev.yaml")
        refused = False
    except SettingsError as error:
        refused = any(not problem.text.startswith("is missing") for problem in error.problems)
    except UsageError:
        refused = True
    assert JUDGE.is_valid(document) != (refused and file.stem not in ONLY_SETTINGS)


def _keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        here = (*path, field.alias or name)
        yield here
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, here)


@pytest.mark.parametrize(
    ("namespace", "model", "path"),
    [
        (space, owner, path)
        for space, owner in (("aws", AwsSettings), (NAMESPACE, StackSettings))
        for path in _keys(owner)
    ],
    ids=lambda each: ".".join(each) if isinstance(each, tuple) else "",
)
def test_both_judge_every_key_alike(namespace: str, model: type[BaseModel], path: tuple[str, ...]) -> None:
    """Over values each of which is right for some keys and wrong for others."""
    differ = []
    for value in VALUES:
        if len(path) == 1 and isinstance(value, str) and _kind(model, path[0]) != "string":
            continue
        inner = value
        for part in reversed(path[1:]):
            inner = {part: inner}
        by_schema = JUDGE.is_valid({"config": {f"{namespace}:{path[0]}": inner}})
        if by_schema != _accepted(model, path[0], inner):
            differ.append((value, f"the schema {'accepts' if by_schema else 'refuses'} it"))
    assert differ == []


def test_what_pulumi_config_set_writes_as_text_is_valid() -> None:
    right = {
        "mlstack:protect": "true",
        "mlstack:noncurrentVersionDays": "180",
        "mlstack:logRetentionDays": "90",
        "mlstack:encryption": '{"mode": "kms"}',
        "aws:allowedAccountIds": '["123456789012"]',
        "pulumi:tags": {"a": "b"},
        "aws:token": {"secure": "v1:x"},
    }
    assert JUDGE.is_valid({"config": right, "encryptionsalt": "v1:x"})
    wrong = {
        "mlstack:protect": "yes",
        "mlstack:logRetentionDays": "91",
        "mlstack:encryption": "kms",
        "mlstak:name": "x",
    }
    for key, value in wrong.items():
        assert not JUDGE.is_valid({"config": {key: value}}), key


def test_editors_read_every_pattern_and_say_the_rule_instead_of_it() -> None:
    rules = list(_patterns(SCHEMA))
    assert len(rules) > 15
    script = "for (const p of JSON.parse(process.argv[1])) new RegExp(p, 'u')"
    try:
        subprocess.run(["node", "-e", script, json.dumps([each["pattern"] for each in rules])], check=True)
    except FileNotFoundError:
        # Without a JavaScript engine: none of what Python has and ECMAScript 2018 has not.
        for each in rules:
            assert not re.search(r"\(\?[aiLmsux<P-]|\\[AZ]", each["pattern"]), each["pattern"]
    unexplained = {each["pattern"] for each in rules if "patternErrorMessage" not in each}
    assert all(re.match(r"\^\((true\||\d+\||\\d\+)|\^\\s\*", pattern) for pattern in unexplained), unexplained


def _patterns(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema
        for each in schema.values():
            yield from _patterns(each)


def _kind(model: type[BaseModel], alias: str) -> str:
    field = next(field for name, field in model.model_fields.items() if alias in (name, field.alias))
    return "string" if "str" in str(field.annotation) and "[str" not in str(field.annotation) else "other"


def _accepted(model: type[BaseModel], alias: str, value: object) -> bool:
    """Of one key alone: whatever else is missing or wrong does not matter."""
    try:
        model.model_validate({alias: value})
    except ValidationError as error:
        return all(detail["loc"][0] != alias for detail in error.errors())
    return True


def _read(file: Path) -> Any:
    return YAML(typ="safe").load(file.read_text(encoding="utf-8"))
