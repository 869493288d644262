"""From Pulumi's configuration, or straight from `Pulumi.<environment>.yaml`, to settings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from components import checks
from components.problems import Problem, SettingsError, problem_of
from components.settings import NAMESPACE, AwsSettings, Settings, StackSettings
from mlstack.errors import UsageError


def load(config: Mapping[str, str], *, project: str, environment: str) -> Settings:
    """Read Pulumi's configuration: `namespace:key` to text, structures as JSON, as the engine hands it over.

    Raises SettingsError with every problem at once.
    """
    aws, problems = _read(AwsSettings, "aws", config)
    stack, more = _read(StackSettings, NAMESPACE, config)
    problems += more
    broken = {problem.top for problem in problems}
    if stack is not None:
        problems += [problem for problem in checks.between(stack, aws) if problem.top not in broken]
    problems += checks.of_namespaces(config)
    problems += checks.of_environment(environment)
    if problems or aws is None or stack is None:
        raise SettingsError(f"Pulumi.{environment}.yaml", environment, problems)
    return Settings(project=project, environment=environment, aws=aws, stack=stack)


def from_pulumi() -> Settings:
    """The settings of the stack that is being previewed or updated. A mistake ends the program with its message."""
    import pulumi
    from pulumi.runtime.config import CONFIG, get_config_env

    try:
        return load({**get_config_env(), **CONFIG.get()}, project=pulumi.get_project(), environment=pulumi.get_stack())
    except UsageError as error:
        raise pulumi.RunError(str(error)) from None


def from_file(path: Path) -> Settings:
    """The settings in `Pulumi.<environment>.yaml`, without the engine.

    Raises SettingsError, or UsageError when the file is none or is not YAML.
    """
    name = path.name
    if not (name.startswith("Pulumi.") and name.endswith(".yaml") and len(name.split(".")) == 3):
        raise UsageError(f"{name} is not a settings file", hint="name one like Pulumi.dev.yaml")
    environment = name.split(".")[1]
    return load(_config_of(path), project=NAMESPACE, environment=environment)


def _config_of(path: Path) -> dict[str, str]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    try:
        text = path.read_text(encoding="utf-8")
        document = YAML(typ="safe").load(text)
    except FileNotFoundError:
        raise UsageError(f"there is no {path.name} in {path.parent.resolve()}", hint=_INIT.format(path.name)) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not text in UTF-8", hint="save it as UTF-8") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UsageError(f"{path.name}, line {line}: not YAML: {error.problem}", hint=_SHAPE) from None
    if document is None or not isinstance(document, dict) or not isinstance(document.get("config"), dict):
        raise UsageError(f"{path.name} has no `config:` with settings below it", hint=_SHAPE)
    return {str(key): _as_text(value) for key, value in document["config"].items()}


_INIT = "see Pulumi.dev.yaml for an example; copy it to {}"
_SHAPE = "each setting stands below `config:`, indented by two spaces, as `mlstack:<key>: <value>`"


def _as_text(value: object) -> str:
    """A YAML value as the engine would hand it over."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


M = TypeVar("M", bound=BaseModel)


def _read(model: type[M], namespace: str, config: Mapping[str, str]) -> tuple[M | None, list[Problem]]:
    """One namespace as its model and what is wrong in it.

    Wrong values count as absent, so that the others can still be checked against each other; None when that cannot be.
    """
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    given: dict[str, Any] = {}
    for key, text in config.items():
        space, _, name = key.partition(":")
        # The aws plugin has settings of its own beside the ones read here, and checks them itself.
        if space == namespace and (name in fields or namespace == NAMESPACE):
            given[name] = _decode(text, fields[name].annotation if name in fields else str)
    try:
        return model.model_validate(given), []
    except ValidationError as error:
        details = error.errors()
    problems = [problem_of(detail, namespace, model) for detail in details]
    wrong = {detail["loc"][0] for detail in details}
    try:
        return model.model_validate({name: value for name, value in given.items() if name not in wrong}), problems
    except ValidationError:
        return None, problems


def _decode(text: str, annotation: object) -> object:
    """The engine hands everything over as text: `true`, `30`, `{"mode":"kms"}`. What is meant as text stays text."""
    if _is_text(annotation):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_text(annotation: object) -> bool:
    if get_origin(annotation) is Literal:
        return True
    return annotation is str or any(
        _is_text(part) for part in get_args(annotation) if get_origin(annotation) not in (list, dict)
    )
