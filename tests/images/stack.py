"""What the program declares for images, made in an emulator: bucket, repository, project, role and log group."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import urllib.request
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlstack.contract import MLStackOutputs
from mlstack.images.target import Target
from mlstack.local.aws.build import registry_environment
from tests.components.stacks import CASES, program, settings
from tests.local.conftest import RunningEmulator
from tests.recording import Recording, record

ROOT = Path(__file__).parents[2]
CASE = "base images through a cache"


@dataclass(frozen=True)
class Stack:
    emulator: RunningEmulator
    target: Target
    outputs: Path
    """File with the contract."""
    proxy: str
    """Behind which the registry is served under its name."""
    certificate: Path
    tools: Path
    """Configuration and storage of buildah."""

    @property
    def environment(self) -> dict[str, str]:
        """Of a command that calls the emulator as the operator, and finds the registry under its name."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ZENML_"))},
            "AWS_ENDPOINT_URL": self.emulator.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "COLUMNS": "200",
            **registry_environment(self.tools, self.proxy, self.certificate),
        }

    def build(self, context: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(context, *arguments),
            cwd=context.parent,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )

    def command(self, context: Path, *arguments: str) -> list[str]:
        given = ["--outputs", str(self.outputs), *arguments]
        return [sys.executable, "-m", "mlstack", "image", "build", str(context), *given]

    def built(self, context: Path, *arguments: str, **environment: str) -> dict[str, Any]:
        """The result of a build that must go well."""
        done = self.build(context, *arguments, "--json", **environment)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def contexts(self) -> list[str]:
        listed = self.emulator.client("s3").list_objects_v2(Bucket=self.target.bucket)
        return [each["Key"] for each in listed.get("Contents", ())]

    def unfinished_uploads(self) -> int:
        return len(self.emulator.client("s3").list_multipart_uploads(Bucket=self.target.bucket).get("Uploads", ()))

    def builds(self) -> list[str]:
        ids: list[str] = self.emulator.client("codebuild").list_builds()["ids"]
        return ids

    def registry(
        self, path: str, media_type: str = "*/*", put: bytes | None = None, repository: str | None = None
    ) -> bytes:
        """From the real registry, as a client that is logged in pulls or pushes it."""
        token = self.emulator.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        connection = HTTPConnection("127.0.0.1", urlsplit(self.proxy).port or 0, timeout=30)
        with contextlib.closing(connection):
            connection.request(
                "GET" if put is None else "PUT",
                f"http://{self.target.registry}/v2/{repository or self.target.repository}/{path}",
                put,
                {"Authorization": f"Basic {token}", "Accept" if put is None else "Content-Type": media_type},
            )
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status in (200, 201), body
            return body

    def give_tag(self, digest: str, tag: str) -> None:
        """To an image that is there, as somebody else's push does."""
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        self.registry(f"manifests/{tag}", kind, self.registry(f"manifests/{digest}", kind))

    def digest(self, tag: str) -> str:
        found = self.emulator.client("ecr").describe_images(
            repositoryName=self.target.repository, imageIds=[{"imageTag": tag}]
        )
        digest: str = found["imageDetails"][0]["imageDigest"]
        return digest

    def forget(self, tag: str) -> None:
        """ECR's image alone: the registry behind keeps it, as it keeps all."""
        self.emulator.client("ecr").batch_delete_image(
            repositoryName=self.target.repository, imageIds=[{"imageTag": tag}]
        )

    def manifest(self, reference: str) -> dict[str, Any]:
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        found: dict[str, Any] = json.loads(self.registry(f"manifests/{reference}", kind))
        return found

    def configuration(self, reference: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.registry(f"blobs/{self.manifest(reference)['config']['digest']}"))
        return found

    def files(self, reference: str) -> dict[str, bytes]:
        """Of the image, layer upon layer."""
        files: dict[str, bytes] = {}
        for layer in self.manifest(reference)["layers"]:
            with tarfile.open(fileobj=io.BytesIO(self.registry(f"blobs/{layer['digest']}"))) as tar:
                for each in tar:
                    if each.isreg() and (content := tar.extractfile(each)):
                        files[each.name] = content.read()
        return files


def deploy(emulator: RunningEmulator, directory: Path) -> Stack:
    """Everything as the program declares it, so that a right that it forgets is missed here."""
    recording = record(program(CASES[CASE]))
    contract = MLStackOutputs.parse(recording.of("MLStack").outputs[0]["contract"], origin=CASE)
    assert settings(CASES[CASE]).account_id == contract.account_id
    target = make(emulator, recording, contract)
    outputs = directory / "outputs.json"
    outputs.write_text(json.dumps({"mlstack": contract.as_json()}))
    with urllib.request.urlopen(f"{emulator.endpoint}/mlstack/registry") as answer:
        registry = json.load(answer)
    return Stack(emulator, target, outputs, registry["proxy"], Path(registry["certificate"]), directory / "buildah")


def make(emulator: RunningEmulator, recording: Recording, contract: MLStackOutputs) -> Target:
    """What a recording of one stack declares for images, and where its images go."""
    target = Target.of(contract)
    emulator.client("s3").create_bucket(
        Bucket=target.bucket, CreateBucketConfiguration={"LocationConstraint": target.region}
    )
    _repository(emulator, recording)
    _cache(emulator, recording)
    _roles(emulator, recording)
    _project(emulator, recording, target)
    return target


def _repository(emulator: RunningEmulator, recording: Recording) -> None:
    inputs = recording.of("aws:ecr/repository:Repository").inputs
    emulator.client("ecr").create_repository(
        repositoryName=inputs["name"],
        imageTagMutability=inputs["imageTagMutability"],
        imageTagMutabilityExclusionFilters=inputs["imageTagMutabilityExclusionFilters"],
        imageScanningConfiguration=inputs["imageScanningConfiguration"],
    )


def _cache(emulator: RunningEmulator, recording: Recording) -> None:
    ecr = emulator.client("ecr")
    for each in recording.customs:
        inputs = each.inputs
        if each.type.endswith(":RepositoryCreationTemplate"):
            ecr.create_repository_creation_template(
                prefix=inputs["prefix"],
                appliedFor=inputs["appliedFors"],
                imageTagMutability=inputs["imageTagMutability"],
                encryptionConfiguration=inputs["encryptionConfigurations"][0],
                lifecyclePolicy=inputs["lifecyclePolicy"],
            )
        elif each.type.endswith(":PullThroughCacheRule"):
            given = ("ecrRepositoryPrefix", "upstreamRegistryUrl", "credentialArn")
            ecr.create_pull_through_cache_rule(**{name: inputs[name] for name in given if name in inputs})


def _roles(emulator: RunningEmulator, recording: Recording) -> None:
    iam = emulator.client("iam")
    for each in recording.customs:
        if each.type == "aws:iam/role:Role":
            iam.create_role(RoleName=each.inputs["name"], AssumeRolePolicyDocument=each.inputs["assumeRolePolicy"])
    for each in recording.customs:
        if each.type == "aws:iam/rolePolicy:RolePolicy":
            iam.put_role_policy(
                RoleName=each.inputs["role"], PolicyName="granted", PolicyDocument=each.inputs["policy"]
            )


def _project(emulator: RunningEmulator, recording: Recording, target: Target) -> None:
    inputs = recording.of("aws:codebuild/project:Project").inputs
    (name,) = (
        str(each.inputs["name"])
        for each in recording.customs
        if each.type == "aws:iam/role:Role" and each.inputs["name"].endswith("-codebuild")
    )
    role = emulator.client("iam").get_role(RoleName=name)["Role"]["Arn"]
    group = inputs["logsConfig"]["cloudwatchLogs"]["groupName"]
    emulator.client("logs").create_log_group(logGroupName=group)
    emulator.client("codebuild").create_project(
        name=inputs["name"],
        serviceRole=role,
        source=inputs["source"],
        artifacts=inputs["artifacts"],
        environment=inputs["environment"],
        logsConfig={"cloudWatchLogs": {"status": "ENABLED", "groupName": group}},
        timeoutInMinutes=int(inputs["buildTimeout"]),
    )
    assert inputs["name"] == target.project
