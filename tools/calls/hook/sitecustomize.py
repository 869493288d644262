"""Writes down each AWS call of this process. Python imports it by its name when its directory is on PYTHONPATH.

Only what decides about permission is written, by an allow-list of parameters: bodies, environments and credentials
never reach the file.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TELLING = {
    "BucketKeyEnabled",
    "Bucket",
    "Delimiter",
    "GroupName",
    "Key",
    "Name",
    "PipelineExecutionArn",
    "PipelineName",
    "PolicyArns",
    "Prefix",
    "RoleArn",
    "RoleSessionName",
    "SSEKMSKeyId",
    "ServerSideEncryption",
    "TrainingJobName",
    "ProcessingJobName",
    "VersionId",
    "ids",
    "logGroupName",
    "logStreamName",
    "logStreamNamePrefix",
    "projectName",
    "repositoryNames",
    "sourceLocationOverride",
    "imageOverride",
}
"""Parameters whose value decides: what is asked for, for whom, how encrypted."""
WITHIN = {
    "Target": ("Arn", "RoleArn"),
    "OutputDataConfig": ("S3OutputPath", "KmsKeyId"),
    "VpcConfig": ("Subnets", "SecurityGroupIds"),
    "PipelineDefinitionS3Location": ("Bucket", "ObjectKey"),
    "ResourceConfig": ("VolumeKmsKeyId",),
}
"""The same, one level further in."""
PRESENT = {"Tags"}
"""Parameters that need a right of their own, whatever is in them."""


def telling(parameters: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in parameters.items() if name in TELLING}
    found |= {name: True for name in PRESENT if parameters.get(name)}
    for name, inner in WITHIN.items():
        if isinstance(given := parameters.get(name), Mapping):
            found |= {f"{name}.{key}": given[key] for key in inner if key in given}
    if policy := parameters.get("Policy"):
        found["Policy"] = sorted(set(re.findall(r'"([a-z0-9-]+):[A-Za-z]+"', policy)))
    if isinstance(deleted := parameters.get("Delete"), Mapping):
        found["Delete"] = [
            {key: each[key] for key in ("Key", "VersionId") if key in each} for each in deleted["Objects"]
        ]
    return found


def _write(client: Any, operation: str, parameters: Mapping[str, Any], answer: Any) -> None:
    credentials = client._request_signer._credentials
    record = {
        "service": client.meta.service_model.service_name,
        "operation": operation,
        "parameters": telling(parameters),
        # An access key id is a name, no secret; it leads to the session that it was given out for.
        "key": getattr(credentials, "_access_key", None) or getattr(credentials, "access_key", None),
        "at": os.environ.get("MLSTACK_CALLS_FROM", "client"),
    }
    if operation == "AssumeRole" and answer is not None:
        record["given"] = answer["Credentials"]["AccessKeyId"]
    with Path(os.environ["MLSTACK_CALLS"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, default=str) + "\n")


def _watch() -> None:
    import botocore.client

    call = botocore.client.BaseClient._make_api_call

    def watched(self: Any, operation_name: str, api_params: Any) -> Any:
        answer = None
        try:
            answer = call(self, operation_name, api_params)
            return answer
        finally:
            _write(self, operation_name, api_params, answer)

    botocore.client.BaseClient._make_api_call = watched
    try:
        import aiobotocore.client
    except ImportError:
        return
    call_async = aiobotocore.client.AioBaseClient._make_api_call

    async def watched_async(self: Any, operation_name: str, api_params: Any) -> Any:
        answer = None
        try:
            answer = await call_async(self, operation_name, api_params)
            return answer
        finally:
            _write(self, operation_name, api_params, answer)

    aiobotocore.client.AioBaseClient._make_api_call = watched_async


if os.environ.get("MLSTACK_CALLS"):
    _watch()
