"""Log groups."""

from typing import Any

from policies import logs
from tests.policies.samples.sample import passes, refused
from tests.policies.shown import UNKNOWN, Given

UNMANAGED = "logs-unmanaged-group"
RETENTION = "logs-short-retention"


def group(**props: Any) -> Given:
    return Given(logs.LOG_GROUP, {"name": "/aws/codebuild/builds", **props}, name="logs")


def project(name: str | None = None, **computed_from: str) -> Given:
    config = {"logsConfig": {"cloudwatchLogs": {"groupName": name}}} if name else {}
    return Given(logs.PROJECT, {"name": "builds", **config}, name="project", computed_from=computed_from)


SAMPLES = (
    refused(UNMANAGED, "the one that CodeBuild makes", project(), says="/aws/codebuild/builds is not declared"),
    refused(UNMANAGED, "another name", project("/builds"), group(), says="/builds is not declared"),
    passes(UNMANAGED, "declared under CodeBuild's own name", project(), group()),
    passes(UNMANAGED, "declared by name", project("/aws/codebuild/builds"), group()),
    passes(UNMANAGED, "computed from the group", project(UNKNOWN, logsConfig="logs"), group(name=UNKNOWN)),
    passes(
        UNMANAGED,
        "no log at all",
        Given(logs.PROJECT, {"name": "b", "logsConfig": {"cloudwatchLogs": {"status": "DISABLED"}}}),
    ),
    refused(RETENTION, "a month", group(retentionInDays=30.0), says="kept for 30 days, 365 are asked for"),
    passes(RETENTION, "a year", group(retentionInDays=365.0)),
    passes(RETENTION, "for ever", group()),
    passes(RETENTION, "a month where that is enough", group(retentionInDays=30.0), config={"days": 30.0}),
)
