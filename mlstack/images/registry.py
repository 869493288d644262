"""What the stack's ECR repository holds, and what ECR's scan found in it."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlstack.errors import MLStackError, UsageError
from mlstack.images.aws import Clients, code, said_clearly
from mlstack.images.target import Target

SEVERITIES = ("critical", "high", "medium", "low", "informational", "undefined")
"""Of ECR's scan, worst first."""
_LOOK_EVERY = 2.0


@dataclass(frozen=True)
class Image:
    digest: str
    """`sha256:...`"""
    size: int
    """Bytes that are pulled."""
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Scan:
    status: str
    """`complete`, or why there is none, in ECR's words."""
    findings: dict[str, int]
    """By severity, in lower case."""

    def at_least(self, severity: str) -> int:
        """How many findings are of this severity or worse."""
        counted = SEVERITIES[: SEVERITIES.index(severity) + 1]
        return sum(self.findings.get(each, 0) for each in counted)

    @property
    def shown(self) -> str:
        found = [f"{self.findings[each]} {each}" for each in SEVERITIES if self.findings.get(each)]
        if self.status != "complete":
            return f"no result: {self.status}"
        return ", ".join(found) or "nothing found"


class Repository:
    def __init__(self, clients: Clients, target: Target) -> None:
        self._clients, self._target = clients, target

    def find(self, tag: str) -> Image | None:
        """The image that has the tag. Raises MLStackError when the repository does not exist."""
        from botocore.exceptions import ClientError

        with said_clearly():
            try:
                found = self._clients.ecr.describe_images(
                    registryId=self._target.account_id,
                    repositoryName=self._target.repository,
                    imageIds=[{"imageTag": tag}],
                )["imageDetails"]
            except ClientError as error:
                if code(error) == "ImageNotFoundException":
                    return None
                if code(error) == "RepositoryNotFoundException":
                    raise MLStackError(
                        f"the repository {self._target.image} does not exist",
                        hint=f"deploy the environment: mlstack deploy --stack {self._target.environment}",
                    ) from None
                raise
        each = found[0]
        return Image(each["imageDigest"], int(each.get("imageSizeInBytes") or 0), tuple(each.get("imageTags", ())))

    def refuse_to_move(self, tag: str, holds: Image) -> None:
        """Raises UsageError when the tag is another image's and the repository never moves it."""
        with said_clearly():
            found = self._clients.ecr.describe_repositories(repositoryNames=[self._target.repository])
        repository: dict[str, Any] = found["repositories"][0]
        immutable = str(repository["imageTagMutability"]).startswith("IMMUTABLE")
        patterns = [each["filter"] for each in repository.get("imageTagMutabilityExclusionFilters", ())]
        if immutable != any(fnmatch.fnmatchcase(tag, pattern) for pattern in patterns):
            raise UsageError(
                f"--tag {tag}: {self._target.repository} holds another image under it ({holds.digest}), "
                "and a tag is written once",
                hint="choose another tag, or none: the image is named after its content then",
            )

    def scan(self, digest: str, seconds: float, news: Callable[[str], None]) -> Scan:
        """What ECR found in the image, waited for up to `seconds`. A scan that cannot be had is a status."""
        from botocore.exceptions import ClientError

        deadline = time.monotonic() + seconds
        while True:
            try:
                with said_clearly():
                    try:
                        found = self._clients.ecr.describe_image_scan_findings(
                            registryId=self._target.account_id,
                            repositoryName=self._target.repository,
                            imageId={"imageDigest": digest},
                        )
                    except ClientError as error:
                        # Scanning on push begins a moment after the push.
                        if code(error) != "ScanNotFoundException":
                            raise
                        found = {"imageScanStatus": {"status": "PENDING"}}
            except MLStackError as error:
                return Scan(error.message, {})
            status = str(found["imageScanStatus"]["status"])
            # ACTIVE: Inspector's continuous scan has looked at it once.
            if status in ("COMPLETE", "ACTIVE"):
                counted = found.get("imageScanFindings", {}).get("findingSeverityCounts", {})
                return Scan("complete", {str(key).lower(): int(value) for key, value in counted.items()})
            if status not in ("PENDING", "IN_PROGRESS"):
                return Scan(found["imageScanStatus"].get("description") or status.lower().replace("_", " "), {})
            if time.monotonic() > deadline:
                return Scan(f"not done after {seconds:.0f} s", {})
            news("ECR scans the image")
            time.sleep(_LOOK_EVERY)
