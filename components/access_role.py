"""The role that ZenML works with, and the service connectors that hand it out in three narrower shares."""

from collections.abc import Iterable

from components import artifact_store, container_registry
from components.iam import SESSION_POLICY_LIMIT, Statement, document
from components.names import ACCESS, Names
from mlstack.contract import Connector, ConnectorKey


def access_trust(principal: str) -> Statement:
    """Lets ZenML's own identity, and no other, assume the access role.

    An external id is not possible: ZenML never sends one.
    """
    return Statement(
        sid="ZenMLServer",
        actions=("sts:AssumeRole",),
        principals={"AWS": principal},
        # A connector that is tried before it is registered has no id yet, and its session nothing after the name.
        conditions={"StringLike": {"sts:RoleSessionName": ("zenml-connector", "zenml-connector-*")}},
        why="ZenML's server assumes the role for each service connector, in a session named after it",
        source="zenml/integrations/aws/service_connectors/aws_service_connector.py",
    )


def without_repeats(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Each statement once: several components may need the same one, such as logging in to the registry."""
    once: list[Statement] = []
    for statement in statements:
        if statement not in once:
            once.append(statement)
    return tuple(once)


def connectors(
    stack_name: str,
    names: Names,
    session_seconds: int,
    *,
    encrypted: bool,
    registry: bool,
    pushes: tuple[Statement, ...],
    key_generation: int | None,
) -> dict[ConnectorKey, Connector]:
    """One connector per resource type. `pushes`: rights of those who build images themselves, where nobody else does.

    The session policies of the first two are written out because those that ZenML makes up know no KMS key and only the
    partition `aws`. The third has none: a step gets all of the access role for SageMaker and CodeBuild.
    """

    auth = "iam-role" if key_generation else "implicit"

    def connector(suffix: str, resource_type: str, resource_id: str | None, policy: Iterable[Statement]) -> Connector:
        configuration = {"region": names.region, "role_arn": names.role_arn(ACCESS)}
        if statements := without_repeats(policy):
            what = f"the session policy of connector {stack_name}-{suffix}"
            configuration["policy"] = document(statements, limit=SESSION_POLICY_LIMIT, what=what)
        return Connector.model_validate(
            {
                "name": f"{stack_name}-{suffix}",
                "resource_type": resource_type,
                "resource_id": resource_id,
                "auth_method": auth,
                "key_generation": key_generation,
                "configuration": configuration,
                "expiration_seconds": session_seconds,
            }
        )

    found: dict[ConnectorKey, Connector] = {
        "s3": connector(
            "s3", "s3-bucket", f"s3://{names.bucket}", artifact_store.grant_read_write(names, encrypted=encrypted)
        ),
        "aws": connector("aws", "aws-generic", None, ()),
    }
    if registry and container_registry.has_connector(names):
        policy = (*container_registry.grant_find(names), *pushes)
        found["ecr"] = connector("ecr", "docker-registry", names.registry_host, policy)
    return found
