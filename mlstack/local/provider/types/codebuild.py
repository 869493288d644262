"""CodeBuild: the project."""

from typing import Any

from mlstack.local.provider.schema import (
    REGION,
    TAGS,
    Call,
    ResourceType,
    Values,
    boolean,
    integer,
    name,
    one,
    string,
    strings,
)
from mlstack.local.provider.types.aws import from_pairs, given, pairs

_COMPUTE = ("BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE")
_SOURCES = ("S3", "NO_SOURCE", "CODECOMMIT", "GITHUB", "BITBUCKET", "CODEPIPELINE")


def _create(call: Call, inputs: Values) -> str:
    made = call.client.create_project(name=inputs["name"], **_arguments(inputs), tags=pairs(call.tags, "key", "value"))
    arn: str = made["project"]["arn"]
    return arn


def _arguments(inputs: Values) -> dict[str, Any]:
    logs = (inputs.get("logsConfig") or {}).get("cloudwatchLogs")
    return given(
        description=inputs.get("description"),
        serviceRole=inputs["serviceRole"],
        source=inputs["source"],
        artifacts=inputs["artifacts"],
        environment=inputs["environment"],
        logsConfig=logs and {"cloudWatchLogs": {"status": "ENABLED", **logs}},
        encryptionKey=inputs.get("encryptionKey"),
        timeoutInMinutes=inputs.get("buildTimeout"),
        queuedTimeoutInMinutes=inputs.get("queuedTimeout"),
        concurrentBuildLimit=inputs.get("concurrentBuildLimit"),
        vpcConfig=inputs.get("vpcConfig"),
    )


def _read(call: Call, arn: str, state: Values) -> Values | None:
    found = call.client.batch_get_projects(names=[arn.rsplit("/", 1)[-1]])["projects"]
    if not found:
        return None
    project = found[0]
    logs, place = project.get("logsConfig", {}).get("cloudWatchLogs"), project.get("vpcConfig")
    return {
        "name": project["name"],
        "description": project.get("description") or None,
        "serviceRole": project["serviceRole"],
        "source": {key: project["source"][key] for key in _SOURCE if key in project["source"]},
        "artifacts": {key: project["artifacts"][key] for key in _ARTIFACTS if key in project["artifacts"]},
        "environment": {key: project["environment"][key] for key in _ENVIRONMENT if key in project["environment"]},
        "logsConfig": logs and {"cloudwatchLogs": {key: logs[key] for key in _LOGS if key in logs}},
        "encryptionKey": project.get("encryptionKey"),
        "vpcConfig": place and {key: place[key] for key in _PLACE if key in place},
        "buildTimeout": project.get("timeoutInMinutes"),
        "queuedTimeout": project.get("queuedTimeoutInMinutes"),
        "tags": from_pairs(project.get("tags", ()), "key", "value"),
        "arn": project["arn"],
    }


def _update(call: Call, arn: str, old: Values, new: Values) -> None:
    # The emulator has no UpdateProject. For Pulumi it stays an update in place, as it is with the real plugin.
    _delete(call, arn, old)
    _create(call, new)


def _delete(call: Call, arn: str, state: Values) -> None:
    call.client.delete_project(name=arn.rsplit("/", 1)[-1])


_SOURCE = {"type": string(required=True, choices=_SOURCES), "location": string(), "buildspec": string()}
_ARTIFACTS = {"type": string(required=True, choices=("NO_ARTIFACTS", "S3", "CODEPIPELINE")), "location": string()}
_ENVIRONMENT = {
    "type": string(required=True, choices=("LINUX_CONTAINER", "ARM_CONTAINER", "LINUX_GPU_CONTAINER")),
    "computeType": string(required=True, choices=_COMPUTE),
    "image": string(required=True),
    "imagePullCredentialsType": string(default="CODEBUILD", choices=("CODEBUILD", "SERVICE_ROLE")),
    "privilegedMode": boolean(default=False),
}
_LOGS = {
    "status": string(default="ENABLED", choices=("ENABLED", "DISABLED")),
    "groupName": string(),
    "streamName": string(),
}

_PLACE = {
    "vpcId": string(required=True),
    "subnets": strings(required=True, unordered=True),
    "securityGroupIds": strings(required=True, unordered=True),
}

TYPES = (
    ResourceType(
        token="aws:codebuild/project:Project",
        service="codebuild",
        properties={
            "name": name(),
            "description": string(),
            "serviceRole": string(required=True),
            "source": one(_SOURCE, required=True),
            "artifacts": one(_ARTIFACTS, required=True),
            "environment": one(_ENVIRONMENT, required=True),
            "logsConfig": one({"cloudwatchLogs": one(_LOGS)}),
            "encryptionKey": string(computed=True),
            "vpcConfig": one(_PLACE),
            "buildTimeout": integer(default=60),
            "queuedTimeout": integer(default=480),
            "concurrentBuildLimit": integer(),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn",),
        name="name",
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
    ),
)
