"""Log groups: that they are ours, and how long they last."""

from collections.abc import Iterator

from pulumi_policy import Severity

from policies.rule import Case, rule

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
PROJECT = "aws:codebuild/project:Project"

_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html"


@rule(
    name="logs-unmanaged-group",
    refuses="A log group that CodeBuild makes by itself is unencrypted, kept for ever and left behind by a destroy",
    severity=Severity.MEDIUM,
    remedy="Declare a LogGroup and give its name in logsConfig.cloudwatchLogs.groupName",
    url="https://docs.aws.amazon.com/codebuild/latest/userguide/change-project.html#change-project-console-logs",
    types=(PROJECT,),
    whole_stack=True,
)
def unmanaged_group(case: Case) -> Iterator[str]:
    if case.value("logsConfig", "cloudwatchLogs", "status") == "DISABLED":
        return
    if case.computed_from("logsConfig", LOG_GROUP):
        return
    groups = [other for other in case.stack if other.resource_type == LOG_GROUP]
    name = case.value("logsConfig", "cloudwatchLogs", "groupName") or f"/aws/codebuild/{case.value('name')}"
    if name not in [group.props.get("name") for group in groups]:
        yield f"log group {name} is not declared in this stack"


@rule(
    name="logs-short-retention",
    refuses="Logs that are deleted early are missing when somebody asks what happened",
    severity=Severity.LOW,
    remedy="Set retentionInDays (mlstack:logRetentionDays) to no less than the policy asks for",
    url=f"{_HUB}#cloudwatch-16",
    control="CloudWatch.16",
    foundational=False,
    types=(LOG_GROUP,),
    options={"days": {"type": "number", "minimum": 1, "default": 365, "description": "Least days of retention."}},
)
def short_retention(case: Case) -> Iterator[str]:
    least = int(case.config.get("days", 365))
    # Nothing, and 0, is for ever.
    days = int(case.value("retentionInDays") or 0)
    if 0 < days < least:
        yield f"logs are kept for {days} days, {least} are asked for"


RULES = (unmanaged_group, short_retention)
