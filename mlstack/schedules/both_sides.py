"""ZenML's list of schedules, and EventBridge Scheduler asked through the stack's own connector."""

import logging
import re
from typing import Any

from mlstack.contract import MLStackOutputs
from mlstack.errors import MLStackError
from mlstack.registration.objects import ENVIRONMENT_LABEL, PROJECT_LABEL
from mlstack.registration.server import Server
from mlstack.schedules.schedule import Schedule, aws_schedule

_PAGE = 200


class BothSides:
    """Raises MLStackError when ZenML does not hold the orchestrator of this environment."""

    def __init__(self, contract: MLStackOutputs, server: Server) -> None:
        from zenml.client import Client
        from zenml.enums import StackComponentType
        from zenml.stack import StackComponent

        name = contract.components["orchestrator"].name
        if contract.components["orchestrator"].flavor != "sagemaker":
            raise MLStackError(
                f"the orchestrator {name} is local: nothing starts its pipelines on a schedule",
                hint="mlstack:orchestrator sagemaker has schedules",
            )
        self._client = Client()
        found = self._client.list_stack_components(name=f"equals:{name}", type=StackComponentType.ORCHESTRATOR)
        ours = [
            each
            for each in found.items
            if (each.labels or {}).get(PROJECT_LABEL) == contract.project
            and (each.labels or {}).get(ENVIRONMENT_LABEL) == contract.place
        ]
        if not ours:
            raise MLStackError(
                f"{server.url} holds no orchestrator {name!r} of this environment", hint="mlstack register makes it"
            )
        self._id = ours[0].id
        # The SageMaker SDK says on stdout where it looked for settings.
        logging.getLogger("sagemaker.config").setLevel(logging.WARNING)
        try:
            orchestrator: Any = StackComponent.from_model(self._client.get_stack_component(ours[0].type, ours[0].id))
            self._aws = orchestrator.sagemaker_session.boto_session.client("scheduler")
        except ImportError as error:
            raise MLStackError(
                f"ZenML's AWS integration is not installed here: {' '.join(str(error).split())}",
                hint="pip install 'zenml[s3fs,connectors-aws]' 'sagemaker<3' pytz",
            ) from None
        except Exception as error:
            raise MLStackError(
                f"no AWS credentials through the connector of {name}: {type(error).__name__}: {error}",
                hint="mlstack verify says what is wrong with the stack",
            ) from None

    def list(self) -> tuple[Schedule, ...]:
        """Those of our orchestrator, oldest first; one that ZenML has archived only while AWS still has it."""
        found: list[Schedule] = []
        page = 1
        while True:
            answer = self._client.zen_store.list_schedules(self._filter(page), hydrate=True)
            found += [self._both(each) for each in answer.items]
            if page >= answer.total_pages:
                return tuple(each for each in found if each.state != "removed")
            page += 1

    def remove(self, schedule: Schedule) -> None:
        """From AWS first: what fails then is still listed. What is gone already is no error."""
        if schedule.aws_state is not None:
            try:
                self._aws.delete_schedule(GroupName=schedule.aws_group, Name=schedule.aws_name)
            except self._aws.exceptions.ResourceNotFoundException:
                pass
            except Exception as error:
                raise MLStackError(
                    f"AWS does not remove the schedule {schedule.aws_name}: {error}",
                    hint="the access role needs scheduler:DeleteSchedule: `pulumi up`; ZenML still lists the schedule",
                ) from None
        if schedule.in_zenml:
            from uuid import UUID

            # As ZenML's own command does, which keeps the runs' reference to it. Its client would ask for the stack.
            self._client.zen_store.delete_schedule(UUID(schedule.id), soft=True)

    def _filter(self, page: int) -> Any:
        from zenml.models import ScheduleFilter

        # Archived ones too: those are what ZenML calls removed.
        return ScheduleFilter(orchestrator_id=self._id, is_archived=None, sort_by="asc:created", page=page, size=_PAGE)

    def _both(self, each: Any) -> Schedule:
        group, name = aws_schedule(str(each.run_metadata.get("trigger_url", "")))
        held = self._held(group, name)
        pipeline = self._client.zen_store.get_pipeline(each.pipeline_id).name if each.pipeline_id else None
        own = each.cron_expression or each.interval_second or each.run_once_start_time or "once"
        return Schedule(
            id=str(each.id),
            # ZenML frees the name of one that it archives by appending a random id.
            name=re.sub(r"_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "", each.name)
            if each.is_archived
            else each.name,
            pipeline=pipeline,
            expression=held["ScheduleExpression"] if held else str(own),
            aws_group=group,
            aws_name=name,
            in_zenml=not each.is_archived,
            aws_state=held["State"] if held else None,
        )

    def _held(self, group: str | None, name: str | None) -> dict[str, Any] | None:
        if name is None:
            return None
        try:
            found: dict[str, Any] = self._aws.get_schedule(GroupName=group, Name=name)
        except self._aws.exceptions.ResourceNotFoundException:
            return None
        except Exception as error:
            raise MLStackError(
                f"AWS does not show the schedule {name}: {error}",
                hint="the access role needs scheduler:GetSchedule: `pulumi up` with this release",
            ) from None
        return found
