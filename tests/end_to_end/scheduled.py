"""A data scientist's project, run as a process of its own: two schedules, of which ZenML itself removes the second."""

import sys

from zenml import pipeline, step
from zenml.client import Client
from zenml.config import DockerSettings
from zenml.config.schedule import Schedule


@step  # type: ignore[untyped-decorator]
def report() -> int:
    return 1


@pipeline  # type: ignore[untyped-decorator]
def reports() -> None:
    report()


if __name__ == "__main__":
    settings = {"docker": DockerSettings(skip_build=True, parent_image=sys.argv[1])}
    for name, cron in (("nightly", "0 3 * * ? *"), ("weekly", "0 4 ? * MON *")):
        reports.with_options(settings=settings, schedule=Schedule(name=name, cron_expression=cron))()
    Client().delete_schedule("weekly")
