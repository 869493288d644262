"""A data scientist's project, which `test_training.py` runs as a process of its own: two steps on stack `hand-made`."""

import sys
from typing import Annotated

from zenml import pipeline, step
from zenml.client import Client
from zenml.config import DockerSettings
from zenml.enums import StackComponentType
from zenml.models import ComponentRequest, StackRequest

ROLES = "arn:aws:iam::123456789012:role"


@step(enable_cache=False)  # type: ignore[untyped-decorator]
def load() -> Annotated[list[int], "numbers"]:
    return [1, 2, 3]


@step(enable_cache=False)  # type: ignore[untyped-decorator]
def add_up(numbers: list[int]) -> Annotated[int, "total"]:
    return sum(numbers)


@pipeline  # type: ignore[untyped-decorator]
def two_steps() -> None:
    add_up(load())


def register(bucket: str) -> None:
    """The stack by hand, in the way in which `mlstack register` does it."""
    client = Client()
    region = "eu-west-1"

    def connector(name: str, resource_type: str, resource_id: str | None) -> object:
        made, _ = client.create_service_connector(
            name,
            "aws",
            resource_type=resource_type,
            resource_id=resource_id,
            auth_method="implicit",
            configuration={"region": region, "role_arn": f"{ROLES}/access"},
        )
        return made.id

    registry = f"123456789012.dkr.ecr.{region}.amazonaws.com"
    s3 = connector("hand-made-s3", "s3-bucket", f"s3://{bucket}")
    ecr = connector("hand-made-ecr", "docker-registry", registry)
    aws = connector("hand-made-aws", "aws-generic", None)
    components = {
        StackComponentType.ARTIFACT_STORE: ("s3", {"path": f"s3://{bucket}"}, s3),
        StackComponentType.CONTAINER_REGISTRY: ("aws", {"uri": registry, "default_repository": "hand-made"}, ecr),
        StackComponentType.ORCHESTRATOR: (
            "sagemaker",
            {
                "execution_role": f"{ROLES}/execution",
                "bucket": bucket,
                "output_data_s3_uri": f"s3://{bucket}/sagemaker",
                "synchronous": False,
                "keep_alive_period_in_seconds": None,
            },
            aws,
        ),
    }
    made = {
        kind: [
            client.zen_store.create_stack_component(
                ComponentRequest(name="hand-made", type=kind, flavor=flavor, configuration=configuration, connector=of)
            ).id
        ]
        for kind, (flavor, configuration, of) in components.items()
    }
    client.zen_store.create_stack(StackRequest(name="hand-made", components=made))


def run() -> None:
    Client().activate_stack("hand-made")
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/hand-made:any"
    two_steps.with_options(settings={"docker": DockerSettings(skip_build=True, parent_image=image)})()


if __name__ == "__main__":
    register(sys.argv[1])
    run()
