"""Recorded calls without what differs from run to run: sorted, each once, with names in place of ids."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components.names import Names

Record = Mapping[str, Any]

# In this order: what stands first may be part of what follows.
_VARYING = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "{uuid}"),
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])"), "{sha1}"),
    # SageMaker pipelines: <pipeline>-<32 hex>/execution/<12 characters>
    (re.compile(r"(?<![\w-])[a-z-]+-[0-9a-f]{32}(?![0-9a-f])"), "{pipeline}"),
    (re.compile(r"(?<=execution/)[a-z0-9]{12}"), "{execution}"),
    # ZenML's artifacts: <step>/<output>/<run of the step>/<8 hex>/<files of the materializer>
    (re.compile(r"^[^/{}]+/[^/{}]+(?=/\{uuid\})"), "{step}/{output}"),
    (re.compile(r"(?<=\{uuid\}/)[0-9a-f]{8}(?=/|$)"), "{hex8}"),
    (re.compile(r"(?<=\{hex8\}/).+"), "{file}"),
)
_NEVER_VARY = {"Delimiter", "GroupName", "ServerSideEncryption", "Policy", "imageOverride"}
_MADE_UP = {"TrainingJobName": "{job}", "ProcessingJobName": "{job}", "Name": "{pipeline}"}
"""Parameters whose whole value ZenML makes up anew."""


def normal(raw: Iterable[Record], names: Names) -> list[dict[str, Any]]:
    """What the hook wrote, as the committed file holds it.

    `who` asks is `server`, ZenML's own identity; `access/s3`, `access/ecr` or `access/aws`, a session of the access
    role through a connector; or `environment`, whatever credentials the process found.
    """
    raw = list(raw)
    sessions = {record["given"]: _session(record["parameters"]) for record in raw if "given" in record}
    places: dict[str, set[str]] = defaultdict(set)
    flows: dict[str, set[str]] = defaultdict(set)
    for record in raw:
        who = sessions.get(record["key"], "server" if record["at"] == "server" else "environment")
        call = f"{record['service']}:{record['operation']}"
        parameters = {
            name: _plain(name, value, names) for name, value in sorted(record["parameters"].items()) if value != ""
        }
        key = json.dumps([who, call, parameters])
        places[key].add(record["at"])
        flows[key].add(record["during"])
    return [
        {"who": who, "call": call, "parameters": parameters, "at": sorted(places[key]), "during": sorted(flows[key])}
        for key in sorted(places)
        for who, call, parameters in [json.loads(key)]
    ]


def write(records: Iterable[Record], file: Path) -> None:
    """One call a line: a diff shows which came and which went."""
    file.write_text("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n", encoding="utf-8")


def read(file: Path) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return records


def difference(made: Iterable[Record], known: Iterable[Record]) -> list[str]:
    """Calls of `made` that are not in `known`, whoever else may make them from elsewhere."""
    return sorted(set(map(_decisive, made)) - set(map(_decisive, known)))


def _decisive(record: Record) -> str:
    # What is listed decides about nothing: no policy of ours looks at prefixes.
    decides = {name: value for name, value in record["parameters"].items() if name not in ("Prefix", "Delimiter")}
    return f"{record['who']} {record['call']} {json.dumps(decides)}"


def _session(assumed: Record) -> str:
    """Which connector asked for a session: the policy that it hands over tells, the third hands over none."""
    services = assumed.get("Policy", ())
    return f"access/{'s3' if 's3' in services else 'ecr' if 'ecr' in services else 'aws'}"


def _plain(name: str, value: Any, names: Names) -> Any:
    if isinstance(value, list):
        found = [_plain(name, each, names) for each in value]
        return [each for place, each in enumerate(found) if each not in found[:place]]
    if isinstance(value, dict):
        return {inner: _plain(inner, each, names) for inner, each in value.items()}
    if not isinstance(value, str) or name in _NEVER_VARY:
        return value
    return _MADE_UP.get(name) or _without_ids(_without_names(value, names))


def _without_names(text: str, names: Names) -> str:
    """Names of the stack as placeholders, so that the calls can be asked of any stack. The longest first."""
    ours = {
        names.bucket: "{bucket}",
        names.build_project: "{project}",
        **{
            names.role_arn(purpose): f"{{role_arn_{purpose}}}"
            for purpose in ("access", "sagemaker", "scheduler", "codebuild")
        },
        names.repository: "{repository}",
        names.account_id: "{account}",
        names.region: "{region}",
    }
    for name, placeholder in sorted(ours.items(), key=lambda item: -len(item[0])):
        text = text.replace(name, placeholder)
    text = re.sub(r"^arn:aws:kms:.+:key/[0-9a-f-]{36}$", "{key}", text)
    return text.replace("arn:aws:", "arn:{partition}:")


def _without_ids(text: str) -> str:
    for varying, placeholder in _VARYING:
        text = varying.sub(placeholder, text)
    return text
