"""From Pulumi's configuration, or straight from `Pulumi.<environment>.yaml`, to settings."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from components import checks
from components.collisions import refuse_collisions
from components.problems import Problem, SettingsError, problem_of
from components.pulumi_files import encrypted, environment_of, settings_files, shared_in, written_in
from components.settings import NAMESPACE, AwsSettings, Settings, StackSettings
from mlstack.errors import UsageError


def load(
    config: Mapping[str, str], *, project: str, environment: str, shared: Mapping[str, object] | None = None
) -> Settings:
    """Read Pulumi's configuration: `namespace:key` to text, structures as JSON, as the engine hands it over.

    `shared`: what Pulumi.yaml says for all environments. Raises SettingsError with every problem at once.
    """
    aws, problems = _read(AwsSettings, "aws", config)
    stack, more = _read(StackSettings, NAMESPACE, config)
    problems += more
    broken = {problem.top for problem in problems}
    # Of an unknown profile nobody knows the defaults, and so not what goes together with them.
    if stack is not None and f"{NAMESPACE}:profile" not in broken:
        problems += [problem for problem in checks.between(stack, aws) if problem.top not in broken]
    problems += checks.of_namespaces(config)
    problems += checks.of_environment(environment)
    if problems or aws is None or stack is None:
        there = {key for key, value in (shared or {}).items() if _means(config.get(key), value)}
        located = [problem.shared() if problem.top in there else problem for problem in problems]
        raise SettingsError(f"Pulumi.{environment}.yaml", environment, located)
    return Settings(project=project, environment=environment, aws=aws, stack=stack)


def from_pulumi() -> Settings:
    """The settings of the stack that is being previewed or updated. A mistake ends the program with its message."""
    import pulumi
    from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

    given = {**get_config_env(), **CONFIG.get()}
    try:
        _refuse_encrypted((key for key in given if is_config_secret(key)), pulumi.get_stack())
        shared = shared_in(Path.cwd())
        settings = load(given, project=pulumi.get_project(), environment=pulumi.get_stack(), shared=shared)
        refuse_collisions(settings, beside(Path.cwd(), settings.environment))
        return settings
    except UsageError as error:
        raise pulumi.RunError(str(error)) from None


def from_file(path: Path) -> Settings:
    """The settings in `Pulumi.<environment>.yaml` and, for what it does not say, in `Pulumi.yaml`, without the engine.

    Raises SettingsError, or UsageError when the file is none or is not YAML.
    """
    environment = environment_of(path)
    written = written_in(path)
    _refuse_encrypted((key for key, value in written.effective.items() if encrypted(value)), environment)
    return load(written.as_handed_over, project=NAMESPACE, environment=environment, shared=written.shared)


def beside(directory: Path, environment: str) -> Iterator[Settings]:
    """The other environments of a directory. One whose settings are wrong says so when it is its turn."""
    for name, file in settings_files(directory).items():
        if name != environment:
            with suppress(UsageError):
                yield from_file(file)


_ENCRYPTED = "is encrypted, but outputs, names and policies show what it says: set it again without --secret"


def _refuse_encrypted(keys: Iterable[str], environment: str) -> None:
    """None of what we read may be a secret. The aws plugin has settings that are."""
    ours = {f"aws:{name}" for name in _by_alias(AwsSettings)}
    problems = [Problem(key, _ENCRYPTED) for key in keys if key in ours or key.startswith(f"{NAMESPACE}:")]
    if problems:
        raise SettingsError(f"Pulumi.{environment}.yaml", environment, problems)


def _means(text: str | None, value: object) -> bool:
    """Whether what was handed over is this value, however its JSON is spaced."""
    try:
        return text is not None and (text == value or json.loads(text) == value)
    except ValueError:
        return False


M = TypeVar("M", bound=BaseModel)


def _read(model: type[M], namespace: str, config: Mapping[str, str]) -> tuple[M | None, list[Problem]]:
    """One namespace as its model and what is wrong in it.

    Wrong values count as absent, so that the others can still be checked against each other; None when that cannot be.
    """
    fields = _by_alias(model)
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


def _by_alias(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


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
