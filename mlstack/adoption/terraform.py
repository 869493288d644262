"""The state of ZenML's Terraform module `zenml-io/zenml-stack/aws`, of format 4, as `terraform state pull` writes it.

Nothing of it is printed but names: it holds an access key in plain text.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlstack.adoption.found import Found, refuse_skypilot
from mlstack.errors import UsageError

FORMAT = 4
_PULL = "write it with `terraform state pull > FILE`"

# By type and name in the module; the parts that every version of it has.
_BUCKET = ("aws_s3_bucket", "artifact_store")
_REPOSITORY = ("aws_ecr_repository", "container_registry")
_ACCESS = ("aws_iam_role", "stack_access_role")
_EXECUTION = ("aws_iam_role", "sagemaker_runtime_role")
_BUILD = ("aws_iam_role", "codebuild_role")
_PROJECT = ("aws_codebuild_project", "codebuild_project")
_USER = ("aws_iam_user", "iam_user")
_NEEDED = (_BUCKET, _REPOSITORY, _ACCESS, _EXECUTION)

Parts = Mapping[tuple[str, str], Mapping[str, Any]]


def find(file: Path, module: str | None = None) -> Found:
    """Raises UsageError for a state of another format, without ZenML's module, or with tainted or missing resources."""
    modules = _modules(file)
    chosen = _chosen(file, modules, module)
    parts = _parts(file, chosen, modules[chosen])
    _refuse_missing(file, chosen, parts)
    if ("aws_iam_role_policy", "skypilot_policy") in parts:
        refuse_skypilot(f"{file}: {_named(chosen)}")
    bucket, access = parts[_BUCKET], parts[_ACCESS]
    arn = re.fullmatch(r"arn:aws[\w-]*:iam::(\d{12}):role/.+", str(access.get("arn", "")))
    region = bucket.get("region") or str(parts[_REPOSITORY].get("arn", "")).split(":")[3:4]
    if arn is None or not region:
        raise UsageError(f"{file}: the resources of {_named(chosen)} have no ARN and region: it was never applied")
    # The step operator alone runs on SageMaker when another orchestrator was chosen.
    on_sagemaker = ("aws_iam_role_policy", "sagemaker_pipelines_policy") in parts
    address = f"{chosen}." if chosen else ""
    return Found(
        origin=f"Terraform state {file.name}{f', {chosen}' if chosen else ''}",
        account_id=arn[1],
        region=str(region if isinstance(region, str) else region[0]),
        bucket=str(bucket["bucket"]),
        repository=str(parts[_REPOSITORY]["name"]),
        access_role=str(access["name"]),
        execution_role=str(parts[_EXECUTION]["name"]),
        build_role=_name(parts, _BUILD),
        build_project=_name(parts, _PROJECT),
        user=_name(parts, _USER),
        zenml_stack=_zenml_stack(parts),
        orchestrator="sagemaker" if on_sagemaker else "local",
        leave=(
            "Terraform must forget it, or the next `terraform destroy` deletes it: "
            f"terraform state rm {chosen or ' '.join(sorted(f'{address}{kind}.{name}' for kind, name in parts))}",
        ),
    )


def _modules(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Managed resources by the address of their module, that of the root being empty."""
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"there is no {file}", hint=_PULL) from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(f"{file} is not a Terraform state: {error}", hint=_PULL) from None
    if not isinstance(state, dict):
        raise UsageError(f"{file} is not a Terraform state", hint=_PULL)
    if "format_version" in state:
        raise UsageError(f"{file} is what `terraform show -json` prints, not a state", hint=_PULL)
    version = state.get("version")
    if version != FORMAT:
        raise UsageError(
            f"{file} is a Terraform state of format {version!r}; mlstack reads format {FORMAT}",
            hint="a Terraform from 0.12 on writes that one: terraform apply -refresh-only, then terraform state pull",
        )
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in state.get("resources") or ():
        if resource.get("mode") == "managed":
            found[resource.get("module", "")].append(resource)
    return found


def _chosen(file: Path, modules: Mapping[str, list[dict[str, Any]]], asked: str | None) -> str:
    of_zenml = [
        address
        for address, resources in modules.items()
        if _ACCESS in {(each["type"], each["name"]) for each in resources}
    ]
    if asked is not None and asked in of_zenml:
        return asked
    if not of_zenml:
        raise UsageError(
            f"{file} holds nothing of ZenML's module zenml-io/zenml-stack/aws",
            hint="take the state of the directory that uses the module, or mlstack adopt --from discover",
        )
    if asked is not None or len(of_zenml) > 1:
        said = f"no ZenML stack in {asked}" if asked is not None else f"{len(of_zenml)} ZenML stacks"
        raise UsageError(
            f"{file} holds {said}: there are {', '.join(map(_named, sorted(of_zenml)))}",
            hint=f"choose one with --module {sorted(of_zenml)[0]}",
        )
    return of_zenml[0]


def _parts(file: Path, module: str, resources: list[dict[str, Any]]) -> Parts:
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for resource in resources:
        address = ".".join(filter(None, (module, resource["type"], resource["name"])))
        for instance in resource.get("instances") or ():
            if instance.get("status") == "tainted":
                raise UsageError(
                    f"{file}: {address} is tainted: Terraform would replace it; nothing was changed",
                    hint=f"see whether it works, then: terraform untaint {address}",
                )
            if instance.get("deposed"):
                raise UsageError(
                    f"{file}: {address} has a former object that Terraform still has to delete; nothing was changed",
                    hint="let it end what it began: terraform apply",
                )
            found[resource["type"], resource["name"]] = instance.get("attributes") or {}
    return found


def _refuse_missing(file: Path, module: str, parts: Parts) -> None:
    missing = [f"{kind}.{name}" for kind, name in _NEEDED if (kind, name) not in parts]
    if missing:
        raise UsageError(
            f"{file}: {_named(module)} has no {', '.join(missing)}: it is not complete; nothing was changed",
            hint="let Terraform make what is missing (terraform apply), then write the state anew",
        )


def _name(parts: Parts, part: tuple[str, str]) -> str | None:
    name = parts.get(part, {}).get("name")
    return str(name) if name else None


def _zenml_stack(parts: Parts) -> str | None:
    """Of the resource of ZenML's provider; the releases before it posted the stack as JSON."""
    for (kind, _), attributes in parts.items():
        if kind == "zenml_stack" and attributes.get("name"):
            return str(attributes["name"])
        if kind == "restapi_object" and (data := attributes.get("data")):
            try:
                return str(json.loads(data)["name"])
            except (ValueError, KeyError, TypeError):
                return None
    return None


def _named(module: str) -> str:
    return module or "the root module"
