"""Makes moto's CodeBuild run what it is given: the commands of a buildspec, as processes of this machine.

moto keeps builds and calls them done at once. Here a build that `mlstack image build` starts is downloaded, run and
logged with its project's role, as on AWS; the docker commands of its buildspec are done by buildah. Builds of others
(ZenML's own, whose base images come from the internet) stay with moto.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.codebuild.exceptions import InvalidInputException
from moto.codebuild.models import codebuild_backends
from moto.codebuild.responses import CodeBuildResponse
from moto.core.responses import ActionResult
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends

from mlstack.images import builder
from mlstack.local.aws import build_tools
from mlstack.local.aws.build import Build, BuildError, registry_environment
from mlstack.local.aws.registry import EcrRegistry
from mlstack.local.aws.rights import of_role, refusal
from mlstack.local.aws.roles import JobCredentials, RoleError, check_trust

OURS = "MLSTACK_CONTENT_TAG"
"""Variable of the build by which it is known that its buildspec can be run here."""


class Builds:
    """Builds in threads of this process, and what BatchGetBuilds says of them."""

    def __init__(
        self, root: Path, endpoint: str, account: str, region: str, credentials: JobCredentials, registry: EcrRegistry
    ) -> None:
        self._root, self._endpoint, self._account, self._region = root / "builds", endpoint, account, region
        self._credentials, self._registry = credentials, registry
        self._builds: dict[str, Build] = {}

    def mend_codebuild(self) -> None:
        """Patches moto in this process."""
        start, get, stop = (
            getattr(CodeBuildResponse, name) for name in ("start_build", "batch_get_builds", "stop_build")
        )

        def start_build(request: Any) -> Any:
            answer = start(request)
            given = {each["name"]: each["value"] for each in request._get_param("environmentVariablesOverride") or ()}
            if OURS in given:
                self._start(answer.result["build"], request, given)
            return answer

        def batch_get_builds(request: Any) -> Any:
            ids = request._get_param("ids")
            if not any(each in self._builds for each in ids):
                return get(request)
            return ActionResult({"builds": [self._builds[each].copy() for each in ids if each in self._builds]})

        def stop_build(request: Any) -> Any:
            wanted = request._get_param("id")
            if wanted not in self._builds:
                return stop(request)
            self._builds[wanted].stop()
            return ActionResult({"build": self._builds[wanted].copy()})

        CodeBuildResponse.start_build = start_build
        CodeBuildResponse.batch_get_builds = batch_get_builds
        CodeBuildResponse.stop_build = stop_build

    def close(self) -> None:
        for build in self._builds.values():
            build.stop()
        for build in self._builds.values():
            if build.thread.is_alive():
                build.thread.join(10)

    def _start(self, shown: dict[str, Any], request: Any, variables: dict[str, str]) -> None:
        project = codebuild_backends[self._account][self._region].codebuild_projects[shown["projectName"]]
        metadata = project.project_metadata
        logs = (metadata.get("logsConfig") or {}).get("cloudWatchLogs") or {}
        stream = shown["id"].partition(":")[2]
        for name in ("endTime", "phases"):
            shown.pop(name, None)
        shown |= {
            "currentPhase": "SUBMITTED",
            "buildStatus": "IN_PROGRESS",
            "buildComplete": False,
            "phases": [],
            "serviceRole": metadata["serviceRole"],
            "timeoutInMinutes": request._get_param("timeoutInMinutesOverride") or metadata["timeoutInMinutes"] or 60,
            "source": {
                "type": request._get_param("sourceTypeOverride"),
                "location": request._get_param("sourceLocationOverride") or "",
                "buildspec": request._get_param("buildspecOverride"),
            },
            "environment": {
                "type": request._get_param("environmentTypeOverride"),
                "image": request._get_param("imageOverride"),
                "computeType": metadata["environment"]["computeType"],
                "privilegedMode": bool(request._get_param("privilegedModeOverride")),
                "environmentVariables": request._get_param("environmentVariablesOverride"),
            },
            "logs": {"groupName": logs.get("groupName") or f"/aws/codebuild/{metadata['name']}", "streamName": stream},
        }
        try:
            check_trust(
                metadata["serviceRole"],
                "codebuild.amazonaws.com",
                account=self._account,
                source_arn=metadata["arn"],
            )
        except RoleError as error:
            raise InvalidInputException(f"CodeBuild is not authorized to perform: sts:AssumeRole: {error}") from None
        build = Build(self, shown, variables)
        self._builds[shown["id"]] = build
        build.thread.start()

    # What a build asks of the cloud, each time as its role.

    def download(self, role: str, build: str, location: str) -> bytes:
        """The source, a zip in S3. Raises BuildError."""
        bucket, _, key = location.partition("/")
        denied = refusal(of_role(role, build), "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", self._account)
        if denied:
            raise BuildError(f"CLIENT_ERROR: error while downloading key {key}: AccessDenied: {denied}")
        try:
            found = s3_backends[self._account]["aws"].get_object(bucket, key)
        except Exception as error:
            raise BuildError(f"CLIENT_ERROR: error while downloading key {key}: {error}") from None
        if found is None:
            raise BuildError(f"CLIENT_ERROR: NoSuchKey: The specified key does not exist. {key}")
        data: bytes = found.value
        return data

    def log(self, role: str, build: str, group: str, stream: str) -> Callable[[str], None]:
        """Writes lines to the project's log group. Raises BuildError when the role may not."""
        arn = f"arn:aws:logs:{self._region}:{self._account}:log-group:{group}:log-stream:{stream}"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            if denied := refusal(of_role(role, build), action, arn, self._account):
                raise BuildError(f"ACCESS_DENIED: Service role {role} does not allow {action}: {denied}")
        logs = logs_backends[self._account][self._region]
        if group not in logs.groups:
            raise BuildError(f"CLIENT_ERROR: the log group {group} does not exist")
        logs.ensure_log_stream(group, stream)

        def put(line: str) -> None:
            now = int(datetime.now(UTC).timestamp() * 1000)
            logs.put_log_events(group, stream, [{"timestamp": now, "message": f"{line}\n"}])

        return put

    def environment(
        self, shown: dict[str, Any], home: Path, token: str, variables: Mapping[str, str]
    ) -> dict[str, str]:
        proxy = self._registry.proxy()
        tools = self._tools()
        return {
            "PATH": f"{tools}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home),
            "TMPDIR": str(home),
            # Of this build: buildah's own place is the machine's, where another cloud's builds log in too.
            "REGISTRY_AUTH_FILE": str(home / "registry-auth.json"),
            "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self._endpoint}/mlstack/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
            "CODEBUILD_BUILD_ID": shown["id"],
            "CODEBUILD_BUILD_ARN": shown["arn"],
            **registry_environment(self._root, proxy, self._registry.certificate()),
            **variables,
        }

    def _tools(self) -> Path:
        """The commands that AWS's build image has, on a PATH; `aws` with the interpreter that has boto3."""
        place = self._root / "tools"
        place.mkdir(parents=True, exist_ok=True)
        for tool, folder in (("aws", build_tools.folder()), ("docker", builder.FOLDER)):
            text = (folder / tool).read_text(encoding="utf-8")
            made = place / tool
            made.write_text(text.replace("#!/usr/bin/env python3", f"#!{sys.executable}", 1), encoding="utf-8")
            made.chmod(0o755)
        return place

    def scratch(self) -> Path:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="build-", dir=self._root))

    def token(self, role: str, build: str) -> str:
        return self._credentials.open(role, f"AWSCodeBuild-{build.partition(':')[2]}")

    def ended(self, token: str) -> None:
        self._credentials.close(token)
